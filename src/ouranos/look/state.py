"""How is a cloud, in one line? Ready, or the first fact that is awaited; asked by who waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

IMAGES: Final = "ImagesReady"
"""The condition of a Node that tells how far the images are that its pods need."""
IMAGE_READY: Final = "ImageReady"
"""The reason of the event that one more image can be mounted."""
MAKING: Final = "Making"
"""Its reason while all goes well."""
_HINT: Final = "; hint: "
"""Before what a Cloud itself says that a person could do."""
_HINTED: Final = re.compile(r"(?P<message>.*) \(hint: (?P<hint>[^()]*)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that stands in the way, and what a person could do about it."""

    check: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class State:
    """What the Cloud object says of itself."""

    ready: bool
    stopped: bool  # terminal: nothing goes on until a person changes something
    message: str
    since: str  # RFC 3339, or empty
    hint: str = ""  # what a person could do
    cause: str = ""  # what that waits for: images that are made, a pod that finds no node

    def line(self, name: str, now: datetime) -> str:
        """The line that `ouranos status` prints."""
        word = "Ready" if self.ready else "Stopped" if self.stopped else "Not ready"
        age = f", for {age_of(self.since, now)}" if self.since else ""
        return ": ".join(filter(None, (f"{name}: {word}{age}", self.told)))

    @property
    def told(self) -> str:
        """What is awaited, and what it waits for itself."""
        return "; ".join(filter(None, (self.message, self.cause)))


STALE: Final = State(
    ready=False, stopped=False, message="waiting for the daemon's first look at what runs", since=""
)
"""What the Cloud says may be from before the daemon's start."""


def of_world(
    cloud: dict[str, Any], nodes: Iterable[dict[str, Any]], obstacles: Sequence[Finding]
) -> State:
    """Read a Cloud together with what it cannot know: how its machine is.

    Args:
        cloud: the object.
        nodes: the Node objects; what keeps one from running pods comes before what waits for them.
        obstacles: what a look at the machine has found; it comes before everything.
    """
    found = of_cloud(cloud)
    if obstacles:
        first = obstacles[0]
        return State(ready=False, stopped=False, message=first.message, since="", hint=first.hint)
    if found.ready or found.stopped:
        return found
    for node in nodes:
        said = {each["type"]: each for each in node.get("status", {}).get("conditions", [])}
        for kind in ("Ready", IMAGES):
            each = said.get(kind)
            if each is None or each["status"] != "False":
                continue
            if each["reason"] == MAKING:
                return replace(found, cause=each["message"])
            return _troubled(each)
    return found


def _troubled(condition: dict[str, Any]) -> State:
    """What a Node waits for, and the hint that its message ends with."""
    message, hint = condition["message"], ""
    if hinted := _HINTED.fullmatch(message):
        message, hint = hinted["message"], hinted["hint"]
    since = condition.get("lastTransitionTime", "")
    return State(ready=False, stopped=False, message=message, since=since, hint=hint)


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
    message, _, hint = ready.get("message", "").partition(_HINT)
    return State(is_ready, stopped, message, ready.get("lastTransitionTime", ""), hint)


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
