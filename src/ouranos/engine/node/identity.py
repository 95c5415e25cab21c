"""Is this process still the one that we started? Asked before a process is awaited or signalled.

A PID is given to another process as soon as its owner is gone; a PID with its start time is not.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import msgspec


class Identity(msgspec.Struct, frozen=True):
    """A process that cannot be mistaken for another one of the same boot."""

    pid: int
    started: int


def boot() -> str:
    """Return what tells this boot of the machine from every other."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _read(pid: int) -> tuple[str, int] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def of(pid: int) -> Identity | None:
    """Return the identity of a process that lives."""
    found = _read(pid)
    return None if found is None or found[0] in "ZX" else Identity(pid, found[1])


def is_alive(process: Identity | None) -> bool:
    """Whether the very process still runs; a zombie does not."""
    return process is not None and of(process.pid) == process


def _open(process: Identity) -> int | None:
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if is_alive(process):
        return descriptor
    os.close(descriptor)
    return None


def send(process: Identity | None, number: signal.Signals) -> bool:
    """Signal the very process; False when it has ended."""
    descriptor = None if process is None else _open(process)
    if descriptor is None:
        return False
    try:
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


async def ended(process: Identity | None) -> None:
    """Return when the very process has ended; costs nothing while it runs."""
    descriptor = None if process is None else _open(process)
    if descriptor is not None:
        await _readable(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not future.done():
            future.set_result(None)

    loop.add_reader(descriptor, wake)
    try:
        await future
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def ended_within(process: Identity | None, seconds: float) -> bool:
    """Whether the very process ends within that time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended(process)
            return True
    return not is_alive(process)


def naming(argument: str) -> list[Identity]:
    """Return the processes that have `argument` as a whole argument.

    For unique identifiers only.
    """
    found: list[Identity] = []
    wanted = argument.encode()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if wanted in Path(entry.path, "cmdline").read_bytes().split(b"\0"):
                    process = of(int(entry.name))
                    if process:
                        found.append(process)
    return found
