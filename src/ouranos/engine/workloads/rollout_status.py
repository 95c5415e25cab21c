"""What does a Deployment say of its rollout? Exactly what `kubectl rollout status` reads."""

import copy
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.workloads import replica_set, rollout
from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object, Objects

AVAILABLE: Final = "Available"
PROGRESSING: Final = "Progressing"
COMPLETE: Final = "NewReplicaSetAvailable"
TIMED_OUT: Final = "ProgressDeadlineExceeded"
PAUSED: Final = "DeploymentPaused"
RESUMED: Final = "DeploymentResumed"
_FAILURE: Final = "ReplicaFailure"
_COUNTS: Final = ("readyReplicas", "availableReplicas")


def status(deployment: Object, new: Object | None, olds: Objects, now: datetime) -> Object:
    """Return the Deployment's status by its ReplicaSets'."""
    before = objects.mapping(deployment, "status")
    sets = [*([new] if new else []), *olds]
    counts: Object = {
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "replicas": rollout.existing(sets),
        "updatedReplicas": rollout.existing([new] if new else []),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": _sum(sets, "availableReplicas"),
    }
    total = replica_set.replicas(deployment)
    counts["unavailableReplicas"] = max(total - counts["availableReplicas"], 0)
    if before.get("collisionCount"):
        counts["collisionCount"] = before["collisionCount"]
    draft = copy.deepcopy(objects.entries(before, "conditions"))
    _say_available(deployment, counts, draft, now)
    _say_progress(deployment, new, counts, draft, now)
    _say_failure(sets, draft)
    return {**counts, "conditions": draft}


def is_complete(deployment: Object, counts: Object) -> bool:
    """Whether every pod is new and available, and no old one is left."""
    total = replica_set.replicas(deployment)
    return (
        counts["updatedReplicas"] == total
        and counts["replicas"] == total
        and counts["availableReplicas"] == total
    )


def deadline(deployment: Object, draft: Object) -> datetime | None:
    """Return when a rollout without progress will have taken too long; None while none runs."""
    seconds = deployment["spec"].get("progressDeadlineSeconds", 600)
    found = conditions.find(draft.get("conditions"), PROGRESSING)
    if seconds is None or found is None or deployment["spec"].get("paused"):
        return None
    if found["status"] != conditions.TRUE or found["reason"] in {COMPLETE, PAUSED}:
        return None
    return conditions.moment_of(found["lastUpdateTime"]) + timedelta(seconds=seconds)


def set_condition(
    draft: Objects, type_: str, value: str, reason: str, message: str, now: datetime
) -> None:
    """Set a condition that also says when it was last confirmed."""
    before = conditions.find(draft, type_) or {}
    same = (before.get("status"), before.get("reason"), before.get("message"))
    conditions.set_condition(draft, type_, value, reason, message, now)
    after = conditions.find(draft, type_) or {}
    kept = before.get("lastUpdateTime") if same == (value, reason, after["message"]) else None
    after["lastUpdateTime"] = kept or conditions.timestamp(now)


def _say_available(deployment: Object, counts: Object, draft: Objects, now: datetime) -> None:
    least = replica_set.replicas(deployment) - rollout.bounds(deployment).unavailable
    if counts["availableReplicas"] >= least:
        reason, value = "MinimumReplicasAvailable", conditions.TRUE
        message = "Deployment has minimum availability."
    else:
        reason, value = "MinimumReplicasUnavailable", conditions.FALSE
        message = "Deployment does not have minimum availability."
    set_condition(draft, AVAILABLE, value, reason, message, now)


def _say_progress(
    deployment: Object, new: Object | None, counts: Object, draft: Objects, now: datetime
) -> None:
    if deployment["spec"].get("progressDeadlineSeconds", 600) is None:
        return
    reason = (conditions.find(draft, PROGRESSING) or {}).get("reason")
    if deployment["spec"].get("paused"):
        if reason not in {PAUSED, TIMED_OUT}:
            _progress(draft, conditions.UNKNOWN, PAUSED, "Deployment is paused", now)
        return
    if reason == PAUSED:
        _progress(draft, conditions.UNKNOWN, RESUMED, "Deployment is resumed", now)
    if new is not None:
        _say_rollout(deployment, new, counts, draft, now)


def _say_rollout(
    deployment: Object, new: Object, counts: Object, draft: Objects, now: datetime
) -> None:
    present = conditions.find(draft, PROGRESSING) or {}
    name: str = new["metadata"]["name"]
    is_about_new = f'"{name}"' in present.get("message", "")
    complete = present.get("reason") == COMPLETE and is_about_new
    if complete and counts["replicas"] == counts["updatedReplicas"]:
        return
    subject = f'ReplicaSet "{name}"'
    if is_complete(deployment, counts):
        message = f"{subject} has successfully progressed."
        _progress(draft, conditions.TRUE, COMPLETE, message, now)
    elif not is_about_new and present.get("reason") != RESUMED:
        message = f'Created new replica set "{name}"'
        _progress(draft, conditions.TRUE, "NewReplicaSetCreated", message, now)
    elif _has_progressed(objects.mapping(deployment, "status"), counts):
        _progress(draft, conditions.TRUE, "ReplicaSetUpdated", f"{subject} is progressing.", now)
    elif _is_late(deployment, draft, now):
        _progress(draft, conditions.FALSE, TIMED_OUT, f"{subject} has timed out progressing.", now)


def _progress(draft: Objects, value: str, reason: str, message: str, now: datetime) -> None:
    set_condition(draft, PROGRESSING, value, reason, message, now)
    found = conditions.find(draft, PROGRESSING) or {}
    found["lastUpdateTime"] = conditions.timestamp(now)


def _has_progressed(before: Object, counts: Object) -> bool:
    old = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    return (
        counts["updatedReplicas"] > before.get("updatedReplicas", 0)
        or counts["replicas"] - counts["updatedReplicas"] < old
        or any(counts[name] > before.get(name, 0) for name in _COUNTS)
    )


def _is_late(deployment: Object, draft: Objects, now: datetime) -> bool:
    until = deadline(deployment, {"conditions": draft})
    return until is not None and now >= until


def _say_failure(sets: Objects, draft: Objects) -> None:
    failures = [conditions.find(conditions.of(one), _FAILURE) for one in sets]
    draft[:] = [one for one in draft if one["type"] != _FAILURE]
    draft += [{**one, "lastUpdateTime": one["lastTransitionTime"]} for one in failures[:1] if one]


def _sum(sets: Objects, name: str) -> int:
    return sum(objects.mapping(one, "status").get(name) or 0 for one in sets)
