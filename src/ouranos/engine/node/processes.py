"""How is a short program run inside the node's mount namespace?

Asked by the wrappers of runc and conmon.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ouranos.engine.node import identity, mountspace

OUTPUT_LIMIT = 10_240
"""Bytes of a program's output that are kept, as a kubelet keeps of a probe's."""

TIMED_OUT = -1


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended; `code` is negative when it did not end by itself in time."""

    code: int
    output: str


def spawn(
    command: Sequence[str], environment: Mapping[str, str], output: int, passed: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, with nothing of our environment."""
    return subprocess.Popen(  # noqa: S603 - runc and conmon, by absolute path
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=tuple(passed),
        start_new_session=True,
        cwd="/",
    )


async def run(
    space: mountspace.MountSpace,
    command: Sequence[str],
    environment: Mapping[str, str],
    seconds: float,
) -> Finished:
    """Run a program to its end; after `seconds` it is killed and `code` is `TIMED_OUT`."""
    output = os.memfd_create("output")
    try:
        process = await space.run(spawn, command, environment, output)
        code = await wait(process, seconds)
        kept = os.pread(output, OUTPUT_LIMIT, 0)
        return Finished(code, kept.decode(errors="replace"))
    finally:
        os.close(output)


async def wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Await the end of our own child and reap it.

    Kill it when it takes longer, or when we are cancelled.
    """
    code = process.poll()
    if code is not None:
        return code
    try:
        in_time = await identity.ended_within(identity.of(process.pid), seconds)
    except asyncio.CancelledError:
        process.kill()
        process.wait()
        raise
    if in_time:
        return process.wait()
    process.send_signal(signal.SIGKILL)
    process.wait()
    return TIMED_OUT
