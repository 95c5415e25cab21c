"""What does this process count? A small registry in Prometheus' text format, cheap to import."""

import bisect
from collections.abc import Iterator, Sequence
from typing import Final

_FINE: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01, 0.012, 0.015, 0.018, 0.02),
    *(0.025, 0.03, 0.04, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0),
)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)

Labels = tuple[str, ...]


class Counter:
    """A number per combination of labels that only grows."""

    kind = "counter"

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        self.name: Final = name
        self.text: Final = text
        self.labels: Final = labels
        self._values: dict[Labels, float] = {}
        _ALL.append(self)

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Count."""
        self._values[labels] = self._values.get(labels, 0.0) + amount

    def value(self, *labels: str) -> float:
        """Return the present number."""
        return self._values.get(labels, 0.0)

    def samples(self) -> Iterator[str]:
        """Yield one line per combination."""
        for labels, value in sorted(self._values.items()):
            yield f"{self.name}{_braced(self.labels, labels)} {value:g}"


class Gauge(Counter):
    """A number per combination of labels that goes up and down."""

    kind = "gauge"

    def set(self, *labels: str, to: float) -> None:
        """Set the number."""
        self._values[labels] = to


class Histogram:
    """How often a value fell below each bound, per combination of labels."""

    kind = "histogram"

    def __init__(
        self, name: str, text: str, labels: Labels, bounds: Sequence[float] = _SECONDS
    ) -> None:
        self.name: Final = name
        self.text: Final = text
        self.labels: Final = labels
        self._bounds = tuple(bounds)
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}
        _ALL.append(self)

    def observe(self, *labels: str, value: float) -> None:
        """Take in one value."""
        counts = self._counts.get(labels)
        if counts is None:
            counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
        counts[bisect.bisect_left(self._bounds, value)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + value

    def count(self, *labels: str) -> int:
        """Return how many values were taken in."""
        return sum(self._counts.get(labels, ()))

    def quantile(self, share: float, *labels: str) -> float:
        """Return the bound below which `share` of the values lie; infinity beyond the last."""
        counts = self._counts.get(labels, [])
        seen = 0
        for bound, count in zip(self._bounds, counts, strict=False):
            seen += count
            if seen >= share * sum(counts):
                return bound
        return float("inf") if counts else 0.0

    def samples(self) -> Iterator[str]:
        """Yield the lines of every combination."""
        for labels, counts in sorted(self._counts.items()):
            seen = 0
            for bound, count in zip((*self._bounds, "+Inf"), counts, strict=True):
                seen += count
                braced = _braced((*self.labels, "le"), (*labels, str(bound)))
                yield f"{self.name}_bucket{braced} {seen}"
            yield f"{self.name}_sum{_braced(self.labels, labels)} {self._sums[labels]:g}"
            yield f"{self.name}_count{_braced(self.labels, labels)} {seen}"


_ALL: Final[list[Counter | Histogram]] = []


def _braced(names: Labels, values: Labels) -> str:
    pairs = ",".join(
        f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)
    )
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def render() -> str:
    """Return everything counted so far in Prometheus' text format."""
    lines: list[str] = []
    for metric in _ALL:
        lines += [f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}"]
        lines += metric.samples()
    return "\n".join(lines) + "\n"


LEADER: Final = Gauge("leader", "1 in the process that holds the Lease, else 0.", ())
RECONCILE_SECONDS: Final = Histogram(
    "reconcile_seconds", "How long a step, or a whole pass (step empty), took.", ("kind", "step")
)
UNCHANGED_SECONDS: Final = Histogram(
    "reconcile_unchanged_seconds",
    "How long a pass took that changed nothing, neither an object nor anything outside.",
    ("kind",),
    _FINE,
)
LOOK_SECONDS: Final = Histogram(
    "look_seconds", "How long a look took at what is outside, beside the passes.", ("kind",), _FINE
)
RECONCILE_TOTAL: Final = Counter("reconcile_total", "Passes by result.", ("kind", "result"))
BUGS_TOTAL: Final = Counter(
    "reconcile_bugs_total", "Passes that a mistake in the code broke.", ("kind", "error")
)
QUEUE_DEPTH: Final = Gauge("queue_depth", "Objects waiting for a pass.", ("kind",))
QUEUE_WAIT_SECONDS: Final = Histogram(
    "queue_wait_seconds", "How long an object waited for its pass.", ("kind",)
)
EXTERNAL_CALLS: Final = Counter(
    "external_calls_total", "Calls to systems outside Kubernetes.", ("service", "method", "code")
)
WATCH_RESTARTS: Final = Counter(
    "watch_restarts_total", "Watches begun anew, by cause.", ("kind", "cause")
)
