"""How is one Event seen through its two APIs? Kept as core v1, turned for events.k8s.io."""

from ouranos.kit.objects import Object

_TO_CORE = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_FROM_CORE = {core: new for new, core in _TO_CORE.items()}


def to_core(event: Object) -> Object:
    """Turn an events.k8s.io/v1 Event into a v1 Event."""
    renamed = {_TO_CORE.get(key, key): value for key, value in event.items()}
    renamed["apiVersion"] = "v1"
    renamed.setdefault("source", {})
    return renamed


def from_core(event: Object) -> Object:
    """Turn a v1 Event into an events.k8s.io/v1 Event."""
    renamed = {_FROM_CORE.get(key, key): value for key, value in event.items()}
    renamed["apiVersion"] = "events.k8s.io/v1"
    return renamed
