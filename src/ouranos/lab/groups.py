"""Which cgroups does a lab have? They tell its processes from all others, whatever is recorded.

A process cannot leave its cgroup by itself, and its children are born in it: what is in a lab's
cgroups was started by the lab.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ouranos.engine.node import identity

_MOUNTS: Final = Path("/proc/self/mountinfo")
LEAF: Final = "system"
"""Where a cgroup's own processes are, so that it may have children: v2 asks for it."""
_LOOK: Final = 0.02


def hierarchies(mounts: str | None = None) -> list[Path]:
    """Return where the machine's cgroup hierarchies are mounted: one of v2, or many of v1."""
    text = _MOUNTS.read_text() if mounts is None else mounts
    found: list[Path] = []
    for line in text.splitlines():
        place, _, kind = line.partition(" - ")
        fields = place.split()
        if kind.startswith(("cgroup ", "cgroup2 ")) and fields[3] == "/":
            found.append(Path(fields[4]))
    return list(dict.fromkeys(found))


def ensure(path: str) -> list[Path]:
    """Make a cgroup and its leaf for processes, in every hierarchy.

    Returns:
        The files that a process writes itself to.
    """
    joins: list[Path] = []
    for hierarchy in hierarchies():
        group = hierarchy
        for part in (*Path(path).parts, LEAF):
            if part != LEAF:
                _share(group)
            group /= part
            with contextlib.suppress(FileExistsError):
                group.mkdir()
            _inherit(group)
        joins.append(group / "cgroup.procs")
    return joins


def settle(path: str) -> None:
    """Move whoever was born in a cgroup itself to its leaf."""
    for join in ensure(path):
        for pid in (join.parent.parent / join.name).read_text().split():
            with contextlib.suppress(ProcessLookupError):
                join.write_text(pid)


def _inherit(group: Path) -> None:
    """Let a new cpuset have what its parent has; before that nothing can join it."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = group / name
        older = file.exists() and not (group / "cgroup.controllers").exists()
        if older and not file.read_text().strip():
            file.write_text((group.parent / name).read_text())


def _share(group: Path) -> None:
    """Give a group's controllers to its children; in v1 they have them anyway."""
    controllers = group / "cgroup.controllers"
    if controllers.exists():
        for name in controllers.read_text().split():
            # A controller that is busy in the parent is one that nodes do without.
            with contextlib.suppress(OSError):
                (group / "cgroup.subtree_control").write_text(f"+{name}")


def _tree(path: str) -> Iterator[Path]:
    """Yield the groups below a path, the deepest first."""
    for hierarchy in hierarchies():
        for folder, _, _ in os.walk(hierarchy / path, topdown=False):
            yield Path(folder)


def processes(path: str) -> set[identity.Identity]:
    """Return everybody in a cgroup and below it."""
    found: set[identity.Identity] = set()
    for group in _tree(path):
        # One that goes while it is read has nobody: ENOENT, or ENODEV once it is open.
        with contextlib.suppress(OSError):
            for pid in (group / "cgroup.procs").read_text().split():
                one = identity.of(int(pid)) if int(pid) else None
                if one is not None:
                    found.add(one)
    return found


async def end(path: str, seconds: float = 60) -> bool:
    """Kill everybody in a cgroup and below it; whether all were gone in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while found := processes(path):
        for one in found:
            identity.send(one, signal.SIGKILL)
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(_LOOK)
    return True


async def remove(path: str, seconds: float = 60) -> list[Path]:
    """Remove a cgroup and all below it; return what could not be removed."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        for group in _tree(path):
            with contextlib.suppress(OSError):
                group.rmdir()
        left = [group for group in _tree(path) if group.exists()]
        if not left or asyncio.get_running_loop().time() > deadline:
            return left
        await asyncio.sleep(_LOOK)
