"""How does a container live on when the supervisor dies? The one wrapper of the `conmon` program.

Conmon is the container's parent: it writes its output to the log in the kubelet's format and its
exit code to a file. It tells us of the container's creation by a pipe (`_OCI_SYNCPIPE`) and
waits, before it starts anything, for a byte in another (`_OCI_STARTPIPE`), so that it can first
be moved to its cgroup.
"""

import contextlib
import os
import select
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ouranos.engine.node import identity, processes, runc

_DEADLINE = 60.0
_LAST_WORDS = 5.0
_REOPEN_LOG = b"2 0 0\n"


@dataclass(frozen=True, slots=True)
class Order:
    """What conmon needs to know of a container."""

    id: str
    bundle: Path
    log: Path
    exits: Path
    sockets: Path
    runtime: Path
    log_limit: int
    programs: str = runc.PROGRAMS

    def command(self) -> tuple[str, ...]:
        """Return conmon's command line."""
        return (
            runc.program("conmon", self.programs),
            *("--api-version", "1"),
            *("-c", self.id, "-n", self.id, "-u", self.id),
            *("-r", runc.program("runc", self.programs)),
            *("--runtime-arg", "--root", "--runtime-arg", str(self.runtime)),
            *("-b", str(self.bundle)),
            *("-p", str(self.bundle / "init.pid")),
            *("-P", str(self.bundle / "conmon.pid")),
            *("--exit-dir", str(self.exits)),
            *("--socket-dir-path", str(self.sockets)),
            *("-l", f"k8s-file:{self.log}"),
            *("--log-size-max", str(self.log_limit)),
            "--no-sync-log",
        )


def create(
    order: Order, settle: Callable[[int], None]
) -> tuple[identity.Identity | None, identity.Identity]:
    """Have conmon create a container; blocks until its init process waits for its start.

    Args:
        order: what is to be created.
        settle: called with conmon's PID before it starts anything.

    Returns:
        Who conmon is, and who the container's init process is.

    Raises:
        RuncError: with runc's own words.
    """
    told, tells = os.pipe2(os.O_CLOEXEC)
    waits, goes = os.pipe2(os.O_CLOEXEC)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    process = None
    try:
        environment = runc.ENVIRONMENT | {
            "_OCI_SYNCPIPE": str(tells),
            "_OCI_STARTPIPE": str(waits),
        }
        process = processes.spawn(order.command(), environment, null, (tells, waits))
        os.close(tells)
        tells = -1
        settle(process.pid)
        os.write(goes, b"\0")
        answer = _answer(told)
    finally:
        for descriptor in (told, tells, waits, goes, null):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        if process is not None:
            _reap(process)
    init = identity.of(answer)
    if init is None:
        raise runc.RuncError("the container's init process ended before it was started")
    return supervisor_of(order.bundle), init


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Await the end of conmon's first process; the one that stays is its child."""
    try:
        process.wait(_LAST_WORDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answer(pipe: int) -> int:
    content = b""
    while not content.endswith(b"\n"):
        if not select.select([pipe], [], [], _DEADLINE)[0]:
            raise runc.RuncError(f"conmon did not answer within {_DEADLINE:.0f} s")
        piece = os.read(pipe, 65536)
        if not piece:
            break
        content += piece
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        raise runc.RuncError("conmon ended before it had created the container") from None
    if answer.get("data", -1) <= 0:
        raise runc.RuncError(
            runc.reason(str(answer.get("message") or "the container was not created"))
        )
    return answer["data"]


def supervisor_of(bundle: Path) -> identity.Identity | None:
    """Return the conmon process that the bundle's PID file names, if it is really that one."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        process = identity.of(int((bundle / "conmon.pid").read_text()))
        if process and str(bundle).encode() in _arguments(process):
            return process
    return None


def _arguments(process: identity.Identity) -> list[bytes]:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    return []


def exit_code(exits: Path, container: str) -> int | None:
    """Return the code that conmon left for a container, if it has."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        return int((exits / container).read_text())
    return None


def reopen_log(bundle: Path) -> bool:
    """Tell conmon that its log file has been moved away; False when no conmon listens."""
    try:
        descriptor = os.open(bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with contextlib.closing(os.fdopen(descriptor, "wb", buffering=0)) as pipe:
        pipe.write(_REOPEN_LOG)
    return True
