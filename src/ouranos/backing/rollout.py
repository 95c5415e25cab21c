"""How far is a server's pod? Pure: the StatefulSet and its pods in, one sentence out."""

from typing import Final

from ouranos.kit import conditions, errors, objects
from ouranos.kit.objects import Object

UNDECIDED: Final = 3
"""The exit code by which a container says that a person must decide; its last words say what."""


def awaited(stateful_set: Object, pods: list[Object]) -> str | None:
    """Return what is awaited until the StatefulSet's one pod is up to date and ready, or None.

    Raises:
        errors.Terminal: a container of it says that a person must decide something.
    """
    name = stateful_set["metadata"]["name"]
    for pod in pods:
        _refuse_to_guess(pod)
    if is_rolled_out(stateful_set):
        return None
    told = next((text for pod in pods if (text := trouble(pod))), "its pod is not ready")
    return f"StatefulSet {name}: {told}"


def is_rolled_out(stateful_set: Object) -> bool:
    """Whether every replica is of the present template, and ready."""
    status: Object = stateful_set.get("status") or {}
    wanted = stateful_set["spec"].get("replicas", 1)
    return (
        status.get("observedGeneration") == stateful_set["metadata"].get("generation")
        and status.get("updatedReplicas", 0) == wanted
        and status.get("readyReplicas", 0) == wanted
    )


def trouble(pod: Object) -> str:
    """Return why a pod is not ready, in words; empty where nothing is known."""
    name = pod["metadata"]["name"]
    for status in _statuses(pod):
        state: Object = status.get("state") or {}
        for one in (state.get("waiting"), state.get("terminated"), _last(status)):
            reason = (one or {}).get("reason") or ""
            if one and reason not in {"", "Completed", "PodInitializing", "ContainerCreating"}:
                words = one.get("message") or ""
                return f"container {status['name']} of pod {name}: {reason} {words}".strip()
    return ""


def _refuse_to_guess(pod: Object) -> None:
    for status in _statuses(pod):
        state: Object = status.get("state") or {}
        for ended in (state.get("terminated"), _last(status)):
            if ended and ended.get("exitCode") == UNDECIDED:
                words = (ended.get("message") or "see its log").strip()
                where = f"container {status['name']} of pod {objects.key_of(pod).name}"
                raise errors.Terminal(conditions.Reason.UNRECOVERABLE, f"{where}: {words}")


def _statuses(pod: Object) -> list[Object]:
    status: Object = pod.get("status") or {}
    first: list[Object] = status.get("initContainerStatuses") or []
    return [*first, *(status.get("containerStatuses") or [])]


def _last(status: Object) -> Object | None:
    if status.get("ready"):
        return None
    return objects.mapping(status, "lastState").get("terminated")
