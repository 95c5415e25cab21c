"""What does a cloud at rest use? All of it, and what of that is the daemon's."""

from __future__ import annotations

import time

from ouranos.bench import figures, machine, place

_SETTLE = 45.0  # seconds after a start until caches are warm and periodic tasks have run once
_REST = 60.0  # seconds of idleness that are measured
GIGABYTE = 1000**3


def measure(where: place.Place, table: figures.Table) -> float:
    """Fill the rows of idleness; return the CPU seconds that the daemon uses in a second of it."""
    time.sleep(_SETTLE)
    all_before, ours_before, begun = where.cpu(), where.cpu_of_ours(), time.monotonic()
    time.sleep(_REST)
    spent, ours_after = where.cpu() - all_before, where.cpu_of_ours()
    ours, run = ours_after.own - ours_before.own, ours_after.children - ours_before.children
    seconds = time.monotonic() - begun
    memory = machine.pss_of(where.processes())
    ours_memory = machine.pss_of(where.ours())
    table.measured |= {
        "memory": figures.Measured(memory / GIGABYTE),
        "idle": figures.Measured(spent / seconds * 100, spent),
        "daemon-memory": figures.Measured(ours_memory / machine.MIB),
        "daemon-idle": figures.Measured(ours / seconds * 100, ours),
        "daemon-runs": figures.Measured(run / seconds * 100, run),
    }
    return ours / seconds
