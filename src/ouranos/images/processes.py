"""How does this room run a host program? With an end, whatever happens."""

import asyncio
import contextlib
import errno
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ouranos.kit import errors

_KEPT: Final = 4000
"""Characters of a program's complaints that are kept."""

_LOOK: Final = 0.5
"""Seconds between two looks at how far a program has come."""

_NO_SPACE: Final = ("No space left on device", "Disk quota exceeded", "os error 28")


class Failed(errors.Transient):
    """A program ended with an error, or was ended at its deadline."""


class DiskFull(errors.Transient):
    """The file system below the store has no space left."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    step: float = 900
    """For one program to end."""
    stall: float = 40
    """For something new to arrive from a registry."""

    @classmethod
    def of_environment(cls) -> "Patience":
        """Read how long a registry may be silent: `OURANOS_REGISTRY_TIMEOUT`, in seconds."""
        wanted = os.environ.get("OURANOS_REGISTRY_TIMEOUT", "")
        return cls(stall=float(wanted)) if re.fullmatch("[1-9][0-9]{0,4}", wanted) else cls()


@dataclass(frozen=True, slots=True)
class Job:
    """What a program is run for."""

    what: str
    """The subject of an error: "fetching 12 packages from …"."""
    patience: Patience
    arrived: Callable[[], int] | None = None
    """Returns a number that changes while it comes forward; watched for stalls."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of host programs: how to reach registries, nothing else of ours."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.lower().endswith("_proxy")
        or name.startswith(("UV_", "SSL_CERT_"))
        or name == "HOME"
    }
    return {**kept, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **(extra or {})}


async def run(
    argv: Sequence[str | Path],
    job: Job,
    *,
    env: Mapping[str, str] | None = None,
    stdin: int | bytes | None = None,
    stdout: int | None = None,
) -> bytes:
    """Run a program to its end and return what it wrote to standard output.

    Args:
        argv: Program and arguments.
        job: What for, and when to give up.
        env: Added to its environment.
        stdin: What it reads, or a file descriptor, which is closed here.
        stdout: A file descriptor for its output, which is then not returned.

    Raises:
        Failed: It ended with an error, came to its deadline or stalled.
        DiskFull: It ended with an error because there is no space.
    """
    try:
        process = await _started(argv, env, stdin, stdout)
    finally:
        if isinstance(stdin, int):
            os.close(stdin)
    ended = asyncio.ensure_future(process.communicate(stdin if isinstance(stdin, bytes) else None))
    try:
        await _watch(ended, job)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        output, complaints = await asyncio.shield(ended)
    if process.returncode:
        raise failure(job.what, process.returncode, complaints.decode("utf-8", "replace"))
    return output or b""


async def _started(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None,
    stdin: int | bytes | None,
    stdout: int | None,
) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        # Nothing goes on without us: neither downloads nor writers into abandoned directories.
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *map(str, argv),
        env=environment(env),
        stdin=pipe
        if isinstance(stdin, bytes)
        else asyncio.subprocess.DEVNULL
        if stdin is None
        else stdin,
        stdout=pipe if stdout is None else stdout,
        stderr=pipe,
        umask=0o022,
    )


async def _watch(ended: asyncio.Future[tuple[bytes, bytes]], job: Job) -> None:
    clock = asyncio.get_running_loop().time
    begun = moved = clock()
    before = 0
    patience = job.patience
    while not (await asyncio.wait({ended}, timeout=_LOOK))[0]:
        now = clock()
        if now - begun > patience.step:
            raise Failed(f"{job.what}: not done within {patience.step:.0f} s")
        if job.arrived is None:
            continue
        if (so_far := job.arrived()) != before:
            before, moved = so_far, now
        elif now - moved > patience.stall:
            raise Failed(f"{job.what}: nothing has arrived for {patience.stall:.0f} s")


def failure(what: str, code: int, complaints: str) -> errors.Transient:
    """Return the error for a program that ended with this code and these complaints."""
    if any(sign in complaints for sign in _NO_SPACE):
        return DiskFull(f"{what}: no space left on the disk")
    lines = [line for line in complaints.splitlines() if not line.startswith("W: ")]
    text = "\n".join(lines).strip()[-_KEPT:] or "it says nothing"
    return Failed(f"{what}: ended with {code}: {text}")


def translated(error: OSError, what: str) -> errors.Transient:
    """Return our error for one of the operating system."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"{what}: no space left on the disk")
    return Failed(f"{what}: {error}")
