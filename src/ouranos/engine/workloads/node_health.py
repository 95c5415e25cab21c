"""Does a node still report, and what follows if not? Pure decisions over a node and its lease."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.workloads import nodes
from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object, Objects

LEASES: Final = "kube-node-lease"
GRACE: Final = timedelta(seconds=40)
"""How long a node may be silent."""
STARTUP_GRACE: Final = timedelta(seconds=60)
"""How long a new node may be silent before its first report."""
DEFAULT_PATIENCE: Final = timedelta(seconds=300)
"""How long a pod that says nothing else stays on a node that does not run it."""

_REPORTED: Final = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was last heard of a node.

    The times are ours: after this process was away, every node has its full grace.
    """

    renewed: datetime | None
    """What the node itself says."""
    noticed: datetime
    """From when we count."""
    looked: datetime


def sighted(before: Sighting | None, node: Object, lease: Object | None, now: datetime) -> Sighting:
    """Return the sighting after looking again.

    A renewal between two looks counts from the time it names, within those looks: so a node whose
    clock is wrong is neither lost nor kept for ever.
    """
    ready = conditions.find(conditions.of(node), "Ready") or {}
    told = (objects.mapping(lease or {}, "spec").get("renewTime"), ready.get("lastHeartbeatTime"))
    renewed = max((conditions.moment_of(beat) for beat in told if beat), default=None)
    if before is None:
        return Sighting(renewed, now, now)
    if renewed is None or renewed == before.renewed:
        return replace(before, looked=now)
    return Sighting(renewed, max(before.looked, min(renewed, now)), now)


def silent_in(sighting: Sighting, node: Object, now: datetime) -> timedelta:
    """Return how long the node may still be silent; zero or less: it has been too long."""
    grace = GRACE if conditions.find(conditions.of(node), "Ready") else STARTUP_GRACE
    return sighting.noticed + grace - now


def say_silent(draft: Objects, now: datetime) -> None:
    """Say in a node's conditions that nothing is known."""
    for type_ in _REPORTED:
        before = conditions.find(draft, type_)
        if before is not None and before["status"] == conditions.UNKNOWN:
            continue
        reason = "NodeStatusUnknown" if before else "NodeStatusNeverUpdated"
        message = "The node has stopped reporting." if before else "The node has never reported."
        conditions.set_condition(draft, type_, conditions.UNKNOWN, reason, message, now)
        after = conditions.find(draft, type_) or {}
        if before and before.get("lastHeartbeatTime"):
            after["lastHeartbeatTime"] = before["lastHeartbeatTime"]


def tainted(node: Object, now: datetime) -> Objects:
    """Return the taints that a node has by its Ready condition; others stay."""
    ready = conditions.find(conditions.of(node), "Ready") or {"status": conditions.UNKNOWN}
    key = {conditions.TRUE: None, conditions.FALSE: nodes.NOT_READY}.get(
        ready["status"], nodes.UNREACHABLE
    )
    present: Objects = objects.entries(node, "spec", "taints")
    kept = [one for one in present if one["key"] not in {nodes.NOT_READY, nodes.UNREACHABLE}]
    if key is None:
        return kept
    ours = [one for one in present if one["key"] == key]
    if {one["effect"] for one in ours} == {nodes.NO_SCHEDULE, nodes.NO_EXECUTE}:
        return [*kept, *ours]
    stamp = conditions.timestamp(now)
    return [
        *kept,
        {"key": key, "effect": nodes.NO_SCHEDULE, "timeAdded": stamp},
        {"key": key, "effect": nodes.NO_EXECUTE, "timeAdded": stamp},
    ]


def evicted_in(pod: Object, node: Object, now: datetime) -> timedelta | None:
    """Return how long a pod may stay on its node; None: for ever."""
    waits = [
        _added(taint, now) + patience - now
        for taint in nodes.taints(node)
        if taint["effect"] == nodes.NO_EXECUTE and (patience := _patience(pod, taint)) is not None
    ]
    return min(waits, default=None)


def _added(taint: Object, now: datetime) -> datetime:
    told = taint.get("timeAdded")
    return conditions.moment_of(told) if told else now


def _patience(pod: Object, taint: Object) -> timedelta | None:
    tolerations: Objects = objects.entries(pod, "spec", "tolerations")
    fitting = [one for one in tolerations if nodes.tolerates(one, taint)]
    if not fitting:
        ours = taint["key"] in {nodes.NOT_READY, nodes.UNREACHABLE}
        return DEFAULT_PATIENCE if ours else timedelta(0)
    limits = [
        one["tolerationSeconds"] for one in fitting if one.get("tolerationSeconds") is not None
    ]
    return timedelta(seconds=max(min(limits), 0)) if limits else None
