"""How far is a server's pod? Pure: the StatefulSet and its pods in, one sentence out."""

from ouranos.kit import objects, pod
from ouranos.kit.objects import Object


def awaited(stateful_set: Object, pods: list[Object]) -> str | None:
    """Return what is awaited until the StatefulSet's one pod is up to date and ready, or None.

    Raises:
        errors.Terminal: a container of it says that a person must decide something.
    """
    for one in pods:
        pod.refuse_to_guess(one)
    if is_rolled_out(stateful_set):
        return None
    told = next((text for one in pods if (text := pod.trouble(one))), "its pod is not ready")
    return f"StatefulSet {stateful_set['metadata']['name']}: {told}"


def is_rolled_out(stateful_set: Object) -> bool:
    """Whether every replica is of the present template, and ready."""
    status = objects.mapping(stateful_set, "status")
    wanted = stateful_set["spec"].get("replicas", 1)
    return (
        status.get("observedGeneration") == stateful_set["metadata"].get("generation")
        and status.get("updatedReplicas", 0) == wanted
        and status.get("readyReplicas", 0) == wanted
    )
