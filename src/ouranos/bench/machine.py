"""What the machine and its processes spent: wall time, CPU seconds, memory; read from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class Spent:
    """A stretch of time.

    Attributes:
        wall: seconds on the clock.
        cpu: seconds of one core, of everything that ran on the machine.
    """

    wall: float
    cpu: float


class Meter:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._wall = time.monotonic()
        self._cpu = busy()

    def read(self) -> Spent:
        """What was spent until now."""
        return Spent(time.monotonic() - self._wall, busy() - self._cpu)


def busy() -> float:
    """CPU seconds that all cores have worked since boot (/proc/stat, without idle and iowait)."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(int, fields)
    return (user + nice + system + irq + softirq) / _TICK


@dataclass(frozen=True, slots=True)
class Used:
    """CPU seconds of a process.

    Attributes:
        own: of its threads.
        children: of the programs that it has run and seen end.
    """

    own: float
    children: float

    @property
    def all(self) -> float:
        """Both."""
        return self.own + self.children


def cpu_of(process: int) -> Used:
    """What a process has used; nothing where there is none."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return Used(0.0, 0.0)
    user, system, user_ended, system_ended = map(int, text.rpartition(")")[2].split()[11:15])
    return Used((user + system) / _TICK, (user_ended + system_ended) / _TICK)


def pss_of(processes: Iterable[int]) -> int:
    """Bytes of memory of these processes, shared memory in proportion (smaps_rollup, proc(5))."""
    total = 0
    for pid in processes:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if "\nPss:" in text:
            total += int(text.partition("\nPss:")[2].split()[0]) * 1024
    return total


def processes_below(folder: str) -> set[int]:
    """Processes in any cgroup whose path contains `folder`."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "cgroup").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if folder in text:
            found.add(int(entry.name))
    return found


def processes_naming(text: str) -> set[int]:
    """Processes in whose command line `text` is found."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if text in words:
                found.add(int(entry.name))
    return found


def load() -> str:
    """How many processes wanted to run, on average: in the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def described() -> str:
    """The machine in one line."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = info.partition("model name\t: ")[2].partition("\n")[0] or "unknown CPU"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    system = os.uname()
    return f"{os.cpu_count()} cores {model}, {memory:.0f} GiB, {system.sysname} {system.release}"
