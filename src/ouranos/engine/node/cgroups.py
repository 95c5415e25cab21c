"""How are the node's processes counted and limited? By cgroups of version 1, 2, or both.

All of the node's cgroups lie below one parent:

    <parent>/conmon                 the conmon processes
    <parent>/world                  the node's own PID 1
    <parent>/pods/<uid>/<id>        one container
    <parent>/guests/                for processes that outlive the container that starts them
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from ouranos.engine.node import identity

_CONTROLLERS = ("cpu", "memory", "pids", "cpuset", "io")
_SHARES_OF_A_CORE = 1024
_PATIENCE = 2.0
"""Seconds that a killed process may take to leave its cgroup."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a cgroup has used."""

    cpu_seconds: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted tree of cgroups; version 2 controls everything, version 1 what it names."""

    path: Path
    controllers: frozenset[str]
    unified: bool


def hierarchies() -> tuple[Hierarchy, ...]:
    """Return the trees that this machine has mounted."""
    return mounted(Path("/proc/self/mountinfo").read_text())


def mounted(table: str) -> tuple[Hierarchy, ...]:
    """Return the trees of a table of mounts; of a tree that is there twice, the first."""
    found: dict[tuple[bool, frozenset[str]], Hierarchy] = {}
    for line in table.splitlines():
        left, _, right = line.partition(" - ")
        path, (kind, _, options) = Path(left.split()[4]), right.split()[:3]
        if kind in {"cgroup", "cgroup2"}:
            unified = kind == "cgroup2"
            names = frozenset(() if unified else options.split(",")[1:])
            found.setdefault((unified, names), Hierarchy(path, names, unified))
    return tuple(found.values())


class Cgroups:
    """The cgroups below one parent."""

    def __init__(self, parent: str, trees: tuple[Hierarchy, ...] | None = None) -> None:
        self.parent = parent.strip("/")
        self.trees = hierarchies() if trees is None else trees

    @property
    def is_unified(self) -> bool:
        """Whether the machine has version 2 only."""
        return all(tree.unified for tree in self.trees)

    def path(self, name: str) -> str:
        """Return a cgroup's path as runc takes it."""
        return f"/{self.parent}/{name}"

    def folders(self, name: str) -> list[Path]:
        """Return the folders of a cgroup, one per tree, that exist."""
        found = [tree.path / self.parent / name for tree in self.trees]
        return [folder for folder in found if folder.is_dir()]

    def make(self, name: str) -> None:
        """Make a cgroup that processes can enter."""
        for tree in self.trees:
            folder, above = tree.path, self.parent.split("/")
            for number, part in enumerate((*above, *name.split("/"))):
                if tree.unified:
                    _delegate(folder)
                folder = folder / part
                folder.mkdir(exist_ok=True)
                if "cpuset" in tree.controllers:
                    _inherit_cpus(folder)
                if "cpu" in tree.controllers and number < len(above):
                    _weigh(folder)

    def add(self, name: str, pid: int) -> None:
        """Move a process into a cgroup."""
        for folder in self.folders(name):
            with contextlib.suppress(ProcessLookupError):
                (folder / "cgroup.procs").write_text(f"{pid}\n")

    def processes(self, name: str) -> set[int]:
        """Return the PIDs in a cgroup and in those below it."""
        found: set[int] = set()
        for folder in self.folders(name):
            for current, _, _ in os.walk(folder):
                with contextlib.suppress(OSError):
                    found.update(map(int, Path(current, "cgroup.procs").read_text().split()))
        return found

    def signal(self, name: str, number: signal.Signals) -> int:
        """Signal all processes of a cgroup, and return how many there were."""
        found = self.processes(name)
        for pid in found:
            identity.send(identity.of(pid), number)
        return len(found)

    def remove(self, name: str) -> None:
        """Kill what is in a cgroup, and remove it with those below it."""
        deadline = time.monotonic() + _PATIENCE
        while self.signal(name, signal.SIGKILL) and time.monotonic() < deadline:
            time.sleep(0.005)
        for folder in self.folders(name):
            _remove_tree(folder, deadline)

    def remove_parent(self) -> None:
        """Remove the parent, and those above it that hold nothing else."""
        self.remove("")
        for tree in self.trees:
            for above in list(Path(self.parent).parents)[:-1]:
                with contextlib.suppress(OSError):
                    (tree.path / above).rmdir()

    def usage(self, name: str) -> Usage:
        """Return what a cgroup has used; nothing when it does not exist."""
        cpu, memory = 0.0, 0
        for folder in self.folders(name):
            with contextlib.suppress(FileNotFoundError):
                cpu = max(cpu, int((folder / "cpuacct.usage").read_text()) / 1e9)
            with contextlib.suppress(FileNotFoundError, KeyError):
                cpu = max(cpu, _table(folder / "cpu.stat")["usage_usec"] / 1e6)
            for file in ("memory.usage_in_bytes", "memory.current"):
                with contextlib.suppress(FileNotFoundError):
                    memory = max(memory, int((folder / file).read_text()))
        return Usage(cpu, memory)

    def was_out_of_memory(self, name: str) -> bool:
        """Whether the kernel has killed a process of the cgroup for its memory."""
        for folder in self.folders(name):
            for file in ("memory.oom_control", "memory.events"):
                with contextlib.suppress(FileNotFoundError):
                    if _table(folder / file).get("oom_kill", 0):
                        return True
        return False


def _table(path: Path) -> dict[str, int]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {parts[0]: int(parts[1]) for parts in lines if len(parts) == 2}  # noqa: PLR2004


def _delegate(folder: Path) -> None:
    wanted = set(_CONTROLLERS) & set((folder / "cgroup.controllers").read_text().split())
    control = folder / "cgroup.subtree_control"
    missing = wanted - set(control.read_text().split())
    for name in missing:
        # a controller that version 1 holds, or that the machine keeps for itself, is done without
        with contextlib.suppress(OSError):
            control.write_text(f"+{name}")


def _weigh(folder: Path) -> None:
    """Give all pods together the weight of the machine's cores, as a kubelet does.

    Version 1 weighs a new cgroup like one process of the host, and a busy host then starves it.
    """
    file = folder / "cpu.shares"
    wanted = f"{_SHARES_OF_A_CORE * (os.cpu_count() or 1)}"
    if not file.exists() or file.read_text().strip() != wanted:
        file.write_text(wanted)


def _inherit_cpus(folder: Path) -> None:
    """Give a new cgroup its parent's processors; the kernel does it for those below it."""
    (folder / "cgroup.clone_children").write_text("1")
    for file in ("cpuset.cpus", "cpuset.mems"):
        if not (folder / file).read_text().strip():
            (folder / file).write_text((folder.parent / file).read_text())


def _remove_tree(folder: Path, deadline: float) -> None:
    for current, _, _ in os.walk(folder, topdown=False):
        while True:
            try:
                Path(current).rmdir()
            except FileNotFoundError:
                break
            except OSError:
                if time.monotonic() > deadline:
                    break
                time.sleep(0.005)
            else:
                break
