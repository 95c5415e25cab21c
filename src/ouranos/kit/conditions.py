"""How does an object say how it is? The one place where conditions are read and written."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from ouranos.kit import objects
from ouranos.kit.objects import Object

MESSAGE_LIMIT: Final = 1024
"""Characters of a message that are kept."""

TRUE: Final = "True"
FALSE: Final = "False"
UNKNOWN: Final = "Unknown"


class Reason(StrEnum):
    """Why a condition is as it is, sorted by what its reader should do."""

    SUCCEEDED = "Succeeded"
    """Nothing."""
    WAITING = "Waiting"
    """Look at what the message names."""
    WAITING_FOR_PREVIOUS = "WaitingForPrevious"
    """Look at the earlier steps."""
    TRANSIENT_ERROR = "TransientError"
    """Wait: it is tried again."""
    BACKING_OFF = "BackingOff"
    """Wait: it is tried again, but rarely, because trying is costly."""
    INVALID_SPEC = "InvalidSpec"
    """Change the spec."""
    UNRECOVERABLE = "Unrecoverable"
    """Decide what the message asks, or repair what it names."""
    INTERNAL_ERROR = "InternalError"
    """Report a bug of Ouranos."""
    PAUSED = "Paused"
    """Nothing: a person has paused the object."""


def timestamp(moment: datetime) -> str:
    """Return a moment as Kubernetes writes it, in seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(moment: datetime) -> str:
    """Return a moment as Kubernetes writes it where it wants microseconds (leases)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """Return the moment that a timestamp of Kubernetes names."""
    return datetime.fromisoformat(text)


def bounded(message: str) -> str:
    """Return the message, cut where it would be too long for a status."""
    return message if len(message) <= MESSAGE_LIMIT else message[: MESSAGE_LIMIT - 1] + "…"


def set_condition(  # noqa: PLR0913, PLR0917 - a condition has this many parts
    conditions: list[Object],
    type: str,  # noqa: A002 - the field's own name
    status: str,
    reason: str,
    message: str,
    now: datetime,
    generation: int | None = None,
) -> None:
    """Set a condition in place; the time of transition moves only when the status changes."""
    message = bounded(message)
    wanted: Object = {
        "type": type,
        "status": status,
        "reason": str(reason),
        "message": message,
        "lastTransitionTime": timestamp(now),
    }
    if generation is not None:
        wanted["observedGeneration"] = generation
    for index, present in enumerate(conditions):
        if present["type"] == type:
            if present["status"] == status and "lastTransitionTime" in present:
                wanted["lastTransitionTime"] = present["lastTransitionTime"]
            conditions[index] = wanted
            return
    conditions.append(wanted)


def find(conditions: Sequence[Object] | None, type: str) -> Object | None:  # noqa: A002
    """Return the condition of a type, if it has been set."""
    return next((one for one in conditions or () if one["type"] == type), None)


def of(obj: Object) -> list[Object]:
    """Return an object's conditions; empty when it has none. Not to be mutated."""
    return objects.entries(obj, "status", "conditions")


def is_true(obj: Object, type: str) -> bool:  # noqa: A002
    """Whether the object has the condition, and it is True."""
    found = find(of(obj), type)
    return found is not None and found["status"] == TRUE


def is_current(obj: Object, type: str) -> bool:  # noqa: A002
    """Whether the condition is True and speaks of the object's present spec."""
    found = find(of(obj), type)
    generation = obj["metadata"].get("generation")
    return (
        found is not None
        and found["status"] == TRUE
        and found.get("observedGeneration", generation) == generation
    )
