"""Which node does a pod without one get? One pod at a time, so that none is counted twice."""

from collections.abc import Iterator
from typing import Final

from ouranos.engine.workloads import placement, pods, volumes
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Key, Object, Objects

NAME: Final = "default-scheduler"
_SCHEDULED: Final = "PodScheduled"


def is_waiting(pod: Object) -> bool:
    """Whether the pod needs a node, and nobody else gives it one."""
    return (
        not pods.node_of(pod)
        and pods.is_active(pod)
        and pod["spec"].get("schedulerName", NAME) == NAME
        and not objects.entries(pod, "spec", "schedulingGates")
    )


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Give the pod a node, or say why there is none."""
    claims: Objects = []
    for name in volumes.claim_names(p.object):
        claim = p.cache.get(kinds.PERSISTENT_VOLUME_CLAIM, name, p.key.namespace)
        if claim is None or objects.is_deleting(claim):
            return await _refuse(p, f'persistentvolumeclaim "{name}" not found')
        claims.append(claim)
    bound = [volume for claim in claims if (volume := volumes.bound_to(claim, p.cache))]
    world = placement.World(p.cache.list(kinds.NODE), p.cache.list(kinds.POD), bound)
    placed = placement.place(p.object, world)
    if not placed.node:
        return await _refuse(p, placed.message)
    unbound = [one for one in claims if not volumes.is_bound(one)]
    for claim in unbound:
        await _select(p, claim, placed.node)
    if unbound:
        names = ", ".join(one["metadata"]["name"] for one in unbound)
        return outcome.wait(f"PersistentVolumeClaim {names}")
    try:
        await p.cluster.bind(p.key.name, p.key.namespace, placed.node)
    except (errors.Conflict, errors.NotFound):
        # It has a node already, or is gone; either way the watch tells.
        return outcome.DONE
    # The next pod must find this one on its node.
    await p.refresh(kinds.POD, p.key.name)
    p.status = objects.mapping(p.object, "status")
    return outcome.DONE


async def _select(p: controller.Pass, claim: Object, node: str) -> None:
    if objects.annotations_of(claim).get(volumes.SELECTED_NODE) == node:
        return
    patch = {"metadata": {"annotations": {volumes.SELECTED_NODE: node}}}
    await p.patch(kinds.PERSISTENT_VOLUME_CLAIM, claim["metadata"]["name"], patch)


async def _refuse(p: controller.Pass, message: str) -> outcome.Outcome:
    said = conditions.find(p.conditions, _SCHEDULED)
    now = p.seams.clock.now()
    conditions.set_condition(
        p.conditions, _SCHEDULED, conditions.FALSE, "Unschedulable", message, now
    )
    p.status.setdefault("phase", "Pending")
    if said is None or said.get("message") != message:
        await p.event("Warning", "FailedScheduling", message)
    return outcome.wait(message)


def _waiting(_obj: Object, held: controller.Cache) -> Iterator[Key]:
    return (objects.key_of(pod) for pod in held.list(kinds.POD) if is_waiting(pod))


def _leaving(pod: Object, held: controller.Cache) -> Iterator[Key]:
    """Where a pod ends, there is room for another."""
    if pods.node_of(pod) and (pods.is_finished(pod) or objects.is_deleting(pod)):
        yield from _waiting(pod, held)


def _users(claim: Object, held: controller.Cache) -> Iterator[Key]:
    name = claim["metadata"]["name"]
    for pod in held.list(kinds.POD, objects.namespace_of(claim)):
        if is_waiting(pod) and name in volumes.claim_names(pod):
            yield objects.key_of(pod)


CONTROLLER: Final = controller.Controller(
    "scheduler",
    kinds.POD,
    reconcile,
    watches=(
        controller.Watch(kinds.NODE, _waiting),
        controller.Watch(kinds.POD, _leaving),
        controller.Watch(kinds.PERSISTENT_VOLUME_CLAIM, _users),
    ),
    reads=(kinds.PERSISTENT_VOLUME,),
    wants=is_waiting,
    workers=1,
)
