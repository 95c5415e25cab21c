"""What does an outcome mean for the whole object? The writer of Ready and Progressing."""

from datetime import datetime
from typing import Final

from ouranos.kit import conditions, kinds, objects, outcome
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Object

READY: Final = "Ready"
PROGRESSING: Final = "Progressing"
AVAILABLE: Final = "Available"
SETTLED: Final = "Everything is as described"
PAUSED: Final = "Paused by spec.management"

_AT_REST: Final = (Reason.SUCCEEDED, Reason.INVALID_SPEC, Reason.UNRECOVERABLE, Reason.PAUSED)


def summarise(draft: list[Object], result: outcome.Outcome, now: datetime, generation: int) -> None:
    """Set Ready and Progressing by the outcome of a whole pass."""
    reason = result.reason
    message = result.sentence or SETTLED
    ready = conditions.TRUE if result.done else conditions.FALSE
    progressing = conditions.FALSE if reason in _AT_REST else conditions.TRUE
    conditions.set_condition(draft, READY, ready, reason, message, now, generation)
    conditions.set_condition(draft, PROGRESSING, progressing, reason, message, now, generation)


def pause(draft: list[Object], now: datetime, generation: int) -> None:
    """Say that a person has paused the object; what it was otherwise stays said."""
    conditions.set_condition(
        draft, PROGRESSING, conditions.FALSE, Reason.PAUSED, PAUSED, now, generation
    )


def is_paused(obj: Object) -> bool:
    """Whether a person has paused the object."""
    return objects.mapping(obj, "spec").get("management") == "Paused"


def is_ours(obj: Object) -> bool:
    """Whether the object is of our own group, so that its conditions are ours to write."""
    return str(obj.get("apiVersion", "")).partition("/")[0] == kinds.GROUP


def is_at_rest(obj: Object) -> bool:
    """Whether an earlier pass has said that this very spec needs no further pass."""
    found = conditions.find(conditions.of(obj), PROGRESSING)
    return (
        found is not None
        and found["status"] == conditions.FALSE
        and found.get("observedGeneration") == obj["metadata"].get("generation")
        and (found["reason"] != Reason.PAUSED or is_paused(obj))
        and obj["metadata"].get("deletionTimestamp") is None
    )
