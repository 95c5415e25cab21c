"""How is a pod? Predicates and the order of deletion, shared by everything that owns pods."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object, Objects

DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
_LEFT_ALONE: Final = timedelta(seconds=5)
_PHASES: Final = {"Pending": 0, "Unknown": 1, "Running": 2}


def phase(pod: Object) -> str:
    """Return the pod's phase; Pending where its node has not told yet."""
    return objects.mapping(pod, "status").get("phase") or "Pending"


def is_finished(pod: Object) -> bool:
    """Whether its containers have ended for good."""
    return phase(pod) in {"Succeeded", "Failed"}


def is_active(pod: Object) -> bool:
    """Whether it counts as a replica: neither finished nor going."""
    return not is_finished(pod) and not objects.is_deleting(pod)


def is_ready(pod: Object) -> bool:
    """Whether it serves."""
    return conditions.is_true(pod, "Ready")


def node_of(pod: Object) -> str:
    """Return the name of the pod's node; empty where it has none yet."""
    return pod["spec"].get("nodeName") or ""


def ready_since(pod: Object) -> datetime | None:
    """Return since when it serves, if it does."""
    found = conditions.find(conditions.of(pod), "Ready")
    if found is None or found["status"] != conditions.TRUE:
        return None
    return conditions.moment_of(found["lastTransitionTime"])


def available_in(pod: Object, min_ready: int, now: datetime) -> timedelta | None:
    """Return how long until it counts as available (0: it does); None while it does not serve."""
    since = ready_since(pod)
    if since is None:
        return None
    return max(since + timedelta(seconds=min_ready) - now, timedelta(0))


def is_available(pod: Object, min_ready: int, now: datetime) -> bool:
    """Whether it has served for as long as its workload asks for."""
    return available_in(pod, min_ready, now) == timedelta(0)


def soonest_available(pods: Iterable[Object], min_ready: int, now: datetime) -> timedelta | None:
    """Return when the next pod that serves becomes available; None where none is about to."""
    waits = (available_in(pod, min_ready, now) for pod in pods)
    return min((wait for wait in waits if wait), default=None)


def created(obj: Object) -> datetime:
    """Return when the object was made."""
    return conditions.moment_of(obj["metadata"]["creationTimestamp"])


def replaceable_in(pod: Object, now: datetime) -> timedelta | None:
    """Return how long a finished pod is left alone before another takes its name; None: not at all.

    Where a node refuses a pod at once, this is what keeps its workload from spinning.
    """
    left = created(pod) + _LEFT_ALONE - now
    return left if left > timedelta(0) else None


def restarts(pod: Object) -> int:
    """Return how often its containers were started again."""
    return sum(
        one.get("restartCount", 0) for one in objects.entries(pod, "status", "containerStatuses")
    )


def to_delete(pods: Objects, count: int) -> Objects:
    """Return the pods that a smaller workload gives up first, by Kubernetes' order.

    Unassigned before assigned, pending before running, unready before ready, lower deletion cost,
    more of its kind on its node, ready for a shorter time, more restarts, younger.
    """
    crowd = Counter(node_of(pod) for pod in pods if node_of(pod))

    def rank(pod: Object) -> tuple[float | str, ...]:
        since = ready_since(pod)
        return (
            bool(node_of(pod)),
            _PHASES.get(phase(pod), 1),
            since is not None,
            int(objects.annotations_of(pod).get(DELETION_COST, "0")),
            -crowd[node_of(pod)],
            0.0 if since is None else -since.timestamp(),
            -restarts(pod),
            -created(pod).timestamp(),
            pod["metadata"]["name"],
        )

    return sorted(pods, key=rank)[: max(count, 0)]
