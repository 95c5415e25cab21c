"""How is a component of a lab started, known again and stopped? By PID and start time."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ouranos.engine.node import identity
from ouranos.lab import errors, files, groups, programs
from ouranos.lab.settings import Settings

_PATIENCE: Final = 15.0
"""Seconds that a component has to end by itself."""
_LOOK: Final = 0.01
_ENTER: Final = ("nsenter", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--target")
# A shell joins the cgroups first, so nothing of the lab ever runs outside of them. It leaves at
# once, so the machine's first process reaps what it started.
_JOIN: Final = """
while [ "$1" != -- ]; do echo $$ >"$1"; shift; done; shift
"$@" </dev/null >>"$0" 2>&1 &
echo $!
"""


class Record(msgspec.Struct, frozen=True):
    """Who was started."""

    boot: str
    process: identity.Identity


@dataclass(frozen=True, slots=True)
class Component:
    """A process of a lab."""

    name: str
    argv: tuple[str, ...]
    group: str
    """Its cgroup, from the root of the hierarchies."""
    inside: identity.Identity | None = None
    """The first process of the node in which it runs; on the host when there is none."""


def recorded(settings: Settings, name: str) -> identity.Identity | None:
    """Return the component's process, if it lives."""
    try:
        found = msgspec.json.decode((settings.processes / name).read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
    alive = found.boot == identity.boot() and identity.is_alive(found.process)
    return found.process if alive else None


def record(settings: Settings, name: str, process: identity.Identity) -> None:
    """Write down who was started."""
    settings.processes.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = Record(identity.boot(), process)
    files.write(settings.processes / name, msgspec.json.encode(found))


async def ensure(settings: Settings, component: Component) -> bool:
    """Start a component that does not run; whether it was started now.

    Raises:
        LabError: it ended at once.
    """
    if recorded(settings, component.name) is not None:
        return False
    for one in _unrecorded(component):
        identity.send(one, signal.SIGKILL)
        await identity.ended(one)
    joins = groups.ensure(component.group)
    argv: Sequence[str] = component.argv
    if component.inside is not None:
        argv = (*_ENTER, str(component.inside.pid), "--", *argv)
    started = await spawn(settings, component.name, argv, joins)
    found = started if component.inside is None else await child(started)
    if found is None:
        raise errors.LabError(
            f"{component.name} ended as soon as it was started",
            f"{settings.logs / component.name}.log says why",
        )
    record(settings, component.name, found)
    return True


def _unrecorded(component: Component) -> Iterator[identity.Identity]:
    """Yield whom somebody started who was interrupted before writing it down."""
    wanted = [word.encode() for word in component.argv]
    for one in groups.processes(f"{component.group}/{groups.LEAF}"):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{one.pid}/cmdline").read_bytes().split(b"\0")[:-1]
            # What joins its cgroups or enters its node for it has its words as its last.
            if words[-len(wanted) :] == wanted:
                yield one


async def spawn(
    settings: Settings, name: str, argv: Sequence[str], joins: Sequence[Path]
) -> identity.Identity | None:
    """Start a program in cgroups, with nothing of our environment; it is nobody's child."""
    settings.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = await programs.run(
        *("/bin/sh", "-ec", _JOIN, settings.logs / f"{name}.log", *joins, "--", *argv),
        cwd=Path("/"),
        detached=True,
    )
    return identity.of(int(said))


async def child(parent: identity.Identity | None) -> identity.Identity | None:
    """Return the child of a process that enters or makes namespaces; None when it ended."""
    while identity.is_alive(parent):
        assert parent is not None  # noqa: S101 - alive, so it is somebody
        if (found := _first_child(parent.pid)) is not None:
            return found
        await asyncio.sleep(_LOOK)
    return None


def _first_child(pid: int) -> identity.Identity | None:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next((identity.of(int(one)) for one in text.split()), None)


async def stop(settings: Settings, name: str, *, kill: bool = False) -> bool:
    """End a component, and return when it has ended; False when it did not run."""
    process = recorded(settings, name)
    if process is not None:
        identity.send(process, signal.SIGKILL if kill else signal.SIGTERM)
        if not await identity.ended_within(process, _PATIENCE):
            identity.send(process, signal.SIGKILL)
            await identity.ended(process)
    (settings.processes / name).unlink(missing_ok=True)
    return process is not None
