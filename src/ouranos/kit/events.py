"""What is told to the reader of `kubectl describe`, and in which words? Asked by passes."""

from datetime import datetime
from typing import Final, NamedTuple

from ouranos.kit import conditions, kinds, objects
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Object

NORMAL: Final = "Normal"
WARNING: Final = "Warning"
_NAME_LIMIT: Final = 230
_TERMINAL: Final = (Reason.INVALID_SPEC, Reason.UNRECOVERABLE)


class News(NamedTuple):
    """What has happened to an object: `Normal` or `Warning`, one word, and a sentence."""

    type: str
    reason: str
    message: str


def of_change(before: Object | None, after: Object | None) -> News | None:
    """Return what people would ask about when a condition Ready changes so, if anything."""
    if after is None:
        return None
    was, now = (before or {}).get("status"), after["status"]
    message = after.get("message") or ""
    if now == conditions.TRUE:
        return News(NORMAL, "Ready", message) if was != conditions.TRUE else None
    said = (after.get("reason"), message)
    if after.get("reason") in _TERMINAL and said != _said(before):
        return News(WARNING, str(after["reason"]), message)
    return News(WARNING, "NotReady", message) if was == conditions.TRUE else None


def _said(condition: Object | None) -> tuple[str | None, str]:
    found = condition or {}
    return found.get("reason"), found.get("message") or ""


def about(subject: Object, news: News, teller: str, moment: datetime) -> Object:
    """Return the Event that tells news of an object.

    Args:
        subject: the object, as the API has it.
        news: what has happened.
        teller: who says so.
        moment: when.
    """
    key = objects.key_of(subject)
    unique = objects.digest([objects.uid_of(subject), *news[1:], moment.timestamp()])
    stamp = conditions.timestamp(moment)
    return {
        "apiVersion": kinds.EVENT.api_version,
        "kind": kinds.EVENT.kind,
        "metadata": {
            "name": f"{key.name[:_NAME_LIMIT]}.{unique.hex()[:16]}",
            "namespace": key.namespace or "default",
        },
        "involvedObject": {
            "apiVersion": subject["apiVersion"],
            "kind": subject["kind"],
            "name": key.name,
            "namespace": key.namespace,
            "uid": objects.uid_of(subject),
            "resourceVersion": subject["metadata"].get("resourceVersion", ""),
        },
        "type": news.type,
        "reason": news.reason,
        "message": conditions.bounded(news.message),
        "source": {"component": teller},
        "reportingComponent": teller,
        "reportingInstance": teller,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }
