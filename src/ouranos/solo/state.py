"""One line about a cloud: Ready, or the first fact that is awaited. Asked by `up` and `status`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class State:
    """What the Cloud object says of itself."""

    ready: bool
    stopped: bool  # terminal: nothing goes on until a person changes something
    message: str
    since: str  # RFC 3339, or empty

    def line(self, name: str, now: datetime) -> str:
        """The line that `ouranos status` prints."""
        word = "Ready" if self.ready else "Stopped" if self.stopped else "Not ready"
        age = f", for {age_of(self.since, now)}" if self.since else ""
        return f"{name}: {word}{age}: {self.message}" if self.message else f"{name}: {word}{age}"


def of_cloud(cloud: dict[str, Any]) -> State:
    """Read a Cloud object."""
    status = cloud.get("status", {})
    conditions = {entry["type"]: entry for entry in status.get("conditions", [])}
    ready, progressing = conditions.get("Ready"), conditions.get("Progressing", {})
    current = status.get("observedGeneration") == cloud["metadata"].get("generation")
    if ready is None or not current:
        return State(
            ready=False,
            stopped=False,
            message="waiting for the Cloud controller's first look",
            since="",
        )
    is_ready = ready["status"] == "True"
    stopped = not is_ready and progressing.get("status") == "False"
    return State(is_ready, stopped, ready.get("message", ""), ready.get("lastTransitionTime", ""))


def age_of(since: str, now: datetime) -> str:
    """A duration in its two largest units: 42s, 5m10s, 3h12m, 4d1h."""
    begun = datetime.fromisoformat(since).astimezone(UTC)
    rest = max(0, int((now - begun).total_seconds()))
    parts: list[str] = []
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
