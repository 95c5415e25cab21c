"""The rows of the table, what they must be, and how they are written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row.

    Attributes:
        what: what was measured.
        must: the bound, as people read it.
        aim: where it should go.
        measured: what was seen, with its unit.
        cpu: CPU seconds, or empty where they say nothing.
    """

    what: str
    must: str
    aim: str
    measured: str
    cpu: str = ""


def page(figures: Sequence[Figure], *, machine: str, versions: str, date: str) -> str:
    """`docs/performance.md`."""
    lines = [
        "# Performance",
        "",
        "Written by `make bench`; do not edit. Times are wall clock on the machine below, with",
        "whatever else ran on it; CPU seconds are those of one core and are disturbed less.",
        "",
        f"- Date: {date}",
        f"- Machine: {machine}",
        f"- Versions: {versions}",
        "",
        "| what | must | aim | measured | CPU s |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {each.what} | {each.must} | {each.aim} | {each.measured} | {each.cpu} |"
            for each in figures
        ),
        "",
    ]
    return "\n".join(lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
