"""The rows of the table, what they must be, and how what was measured is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure may be at most.

    Attributes:
        most: in the row's unit.
        cpu: CPU seconds, where they are limited too.
    """

    most: float
    cpu: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is measured.

    Attributes:
        what: in words.
        unit: of its figure and its limits.
        digits: shown after the point.
        must: the bound; None where there is none.
        aim: where it should go.
        cpu: what its CPU seconds are those of, if not of the stretch of time that is its figure.
    """

    what: str
    unit: str
    digits: int
    must: Limit | None = None
    aim: Limit | None = None
    cpu: str = ""

    def text(self, value: float) -> str:
        """A figure with its unit."""
        return f"{value:.{self.digits}f} {self.unit}"


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure.

    Attributes:
        value: in the row's unit.
        cpu: CPU seconds, where there are any.
    """

    value: float
    cpu: float | None = None

    def within(self, limit: Limit) -> bool:
        """Whether the figure, and its CPU seconds where they are limited, are no more than that."""
        spends = limit.cpu is None or (self.cpu is not None and self.cpu <= limit.cpu)
        return self.value <= limit.most and spends


_API: Final = (Limit(10), Limit(3))
ROWS: Final[Mapping[str, Row]] = {
    "bare": Row(
        "bare machine → guest answers HTTP by its floating IP", "s", 0, Limit(130, 180), Limit(80)
    ),
    "images": Row("images present, empty databases → the same", "s", 0, Limit(75, 100), Limit(45)),
    "again": Row("`down`, then `up` with data kept → all Ready", "s", 0, Limit(45), Limit(25)),
    "active": Row("one more server: POST → ACTIVE", "s", 1, Limit(5), Limit(4)),
    "answers": Row("one more server: POST → answers HTTP", "s", 1, Limit(10), Limit(8)),
    "memory": Row("idle: PSS of everything", "GB", 2, Limit(3.5), Limit(2.8)),
    "idle": Row("idle: share of one core", "%", 1, Limit(8), Limit(4), "in a minute"),
    "daemon-memory": Row(
        "Ouranos' daemon and supervisor: memory", "MiB", 0, Limit(180), Limit(128)
    ),
    "daemon-idle": Row(
        "Ouranos' daemon and supervisor: idle CPU", "%", 2, Limit(2), Limit(0.5), "in a minute"
    ),
    "daemon-runs": Row(
        "what the daemon runs in containers to see whether they are well: idle CPU",
        *("%", 2),
        cpu="in a minute",
    ),
    "pass": Row(
        "Ouranos' daemon: a pass that changes nothing, p95", "ms", 0, Limit(20), Limit(5), "each"
    ),
    "look": Row("Ouranos' daemon: a look at what is outside, beside the passes, p95", "ms", 0),
    "get": Row("embedded API: get, p95", "ms", 1, *_API, "each"),
    "apply": Row("embedded API: apply, p95", "ms", 1, *_API, "each"),
    "watch": Row("embedded API: delay of a watch event, p95", "ms", 1, *_API, "each"),
    "apply-8": Row("embedded API: apply, eight at once, p95", "ms", 1, cpu="each"),
    "tls-get": Row("embedded API by TLS: get, p95", "ms", 1, cpu="each"),
    "tls-apply": Row("embedded API by TLS: apply, p95", "ms", 1, cpu="each"),
    "tls-watch": Row("embedded API by TLS: delay of a watch event, p95", "ms", 1, cpu="each"),
    "help": Row("`ouranos --help`", "ms", 0, Limit(100), Limit(60)),
    "gap-switch": Row("the guest does not answer: ovs-vswitchd killed", "s", 1),
    "gap-switch-pod": Row("the guest does not answer: its pod deleted", "s", 1),
    "gap-controller": Row("the guest does not answer: ovn-controller killed", "s", 1),
    "gap-libvirt": Row("the guest does not answer: libvirtd killed", "s", 1),
    "gap-compute": Row("the guest does not answer: nova-compute killed", "s", 1),
}
"""By the name that the measurements use; issue and reader know them in this order."""

CLUSTER_ROWS: Final[Mapping[str, Row]] = {
    "lab-nothing": Row(
        "`make kubernetes` from nothing: sources fetched, compiled, node Ready", "s", 0, Limit(720)
    ),
    "lab": Row("`make kubernetes`, compiled before", "s", 1, Limit(15)),
    "oci-nothing": Row("all images for a cluster, from no package", "s", 0, Limit(360)),
    "oci": Row("all images for a cluster, packed anew from their layers", "s", 1, Limit(60)),
    "cluster": Row(
        "`kubectl apply` on an empty cluster that has the images → guest answers HTTP",
        *("s", 0, Limit(240)),
    ),
    "controllers-memory": Row(
        "Ouranos' controllers in a cluster: memory, with more than 1,000 objects of ours",
        *("MiB", 0, Limit(128)),
    ),
    "controllers-idle": Row("the same, with 1,000 Keystones: idle CPU", "%", 2, Limit(1)),
    "controllers-pass": Row(
        "the same, with 1,000 Keystones: a pass that changes nothing, p95", "ms", 0, Limit(300)
    ),
    "controllers-handover": Row(
        "the same, with 1,000 Keystones: SIGTERM → another process acts", "s", 1, Limit(5)
    ),
}
"""What is measured on a real Kubernetes too."""


CONTROLLERS: Final = """### The controllers, by how many Keystones there are

A real kube-apiserver and etcd; databases, Keystones and kubelets are pretended, because they are
not what is measured. At rest is the process that has just taken over. Its CPU is that of a touch:
the event, the pass that compares everything, and the watch's next line. A hand-over is the time
from SIGTERM to one process until a pass of another has seen a change made after the first had
ended. Alone: `python -m ouranos.bench.scale [KUBECONFIG] [COUNT …]`.

"""
"""What stands before their table."""


@dataclass(slots=True)
class Table:
    """What was measured so far.

    Attributes:
        measured: by the name of the row.
        missing: why a row could not be measured.
        details: further tables, in Markdown.
        rows: what there is to measure.
    """

    measured: dict[str, Measured] = field(default_factory=dict[str, Measured])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    details: list[str] = field(default_factory=list[str])
    rows: Mapping[str, Row] = field(default_factory=lambda: ROWS)

    def complaints(self) -> list[str]:
        """The rows that are above their must, or were not measured."""
        return [text for name in self.rows if (text := self._complaint(name))]

    def _complaint(self, name: str) -> str:
        row, found = self.rows[name], self.measured.get(name)
        if found is None:
            return f"{row.what}: not measured" + _because(self.missing.get(name, ""))
        if row.must is None or found.within(row.must):
            return ""
        seen = f"{row.text(found.value)}{_with_cpu(found.cpu if row.must.cpu else None)}"
        return f"{row.what}: {seen}, must be {_limit(row, row.must)}"

    def line(self, name: str) -> str:
        """One row of the table, as Markdown."""
        row, found = self.rows[name], self.measured.get(name)
        bounds = f"{row.what} | {_limit(row, row.must)} | {_limit(row, row.aim)}"
        if found is None:
            return f"| {bounds} | **not measured** | | **NO** |"
        value = row.text(found.value)
        if self._complaint(name):
            value = f"**{value}**"
        return f"| {bounds} | {value} | {_cpu(row, found.cpu)} | {_verdict(row, found)} |"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _with_cpu(cpu: float | None) -> str:
    return "" if cpu is None else f", {cpu:.0f} CPU-s"


def _limit(row: Row, limit: Limit | None) -> str:
    if limit is None:
        return ""
    return f"≤ {limit.most:g} {row.unit}{_with_cpu(limit.cpu)}"


def _cpu(row: Row, cpu: float | None) -> str:
    if cpu is None:
        return "-"
    digits = 0 if cpu >= 10 else 1 if cpu >= 1 else 2 if cpu >= 0.1 else 4  # noqa: PLR2004
    return f"{cpu:.{digits}f}" + (f" {row.cpu}" if row.cpu else "")


def _verdict(row: Row, found: Measured) -> str:
    if row.aim is not None and found.within(row.aim):
        return "aim"
    if row.must is None:
        return ""
    return "must" if found.within(row.must) else "**NO**"


PARTS: Final[Mapping[str, Mapping[str, Row]]] = {"Solo": ROWS, "Kubernetes": CLUSTER_ROWS}
"""What is measured together, and is a section of the page."""
_HEAD: Final = (
    "# Performance\n\n"
    "Written by `make bench`; do not edit. Times are wall clock on the machine that is named,\n"
    "with whatever else ran on it; CPU seconds are those of one core and are disturbed less: of\n"
    "the whole machine where a cloud or a cluster comes up, of the cloud for servers, idleness\n"
    "and gaps, of the processes at work for the others.\n"
)


def section(part: str, table: Table, *, facts: Mapping[str, str]) -> str:
    """One section of `docs/performance.md`.

    Args:
        part: its name.
        table: what was measured.
        facts: what was measured with, by what it is: date, machine, versions.
    """
    lines = [
        f"## {part}",
        "",
        *(f"- {name}: {fact}" for name, fact in facts.items()),
        "",
        *_above(table.complaints()),
        "",
        "| what | must | aim | measured | CPU s | reached |",
        "| --- | --- | --- | --- | --- | --- |",
        *(table.line(name) for name in table.rows),
        "",
    ]
    return "\n".join(lines) + "".join(f"\n{each}" for each in table.details)


def page(before: str, *sections: str) -> str:
    """`docs/performance.md`: these sections, and those of before that are not measured anew."""
    found = {_title(each): each for each in [*_sections(before), *sections]}
    return "\n".join([_HEAD, *(found[part].rstrip() + "\n" for part in PARTS if part in found)])


def _sections(text: str) -> list[str]:
    parts = re.split(rf"^(?=## (?:{'|'.join(PARTS)})$)", text, flags=re.MULTILINE)
    return parts[1:]


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("## ")


def _above(complaints: Sequence[str]) -> list[str]:
    if not complaints:
        return ["Every figure is within its must."]
    return ["**Above their must, or not measured:**", "", *(f"- {each}" for each in complaints)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
