"""How many pods of one template are there? The controller of ReplicaSets."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from ouranos.engine.workloads import outcomes, ownership, pods, templates
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Key, Object, Objects

_FAILURE: Final = "ReplicaFailure"


def replicas(workload: Object) -> int:
    """Return how many pods are wanted; one where nothing is said."""
    wanted = workload["spec"].get("replicas")
    return 1 if wanted is None else wanted


def status(owner: Object, active: Objects, draft: Object, now: datetime) -> Object:
    """Return what the active pods mean for the set's status."""
    min_ready = owner["spec"].get("minReadySeconds") or 0
    wanted = objects.mapping(owner, "spec", "template", "metadata", "labels")
    result: Object = {
        "replicas": len(active),
        "fullyLabeledReplicas": sum(
            objects.matches(objects.labels_of(pod), wanted) for pod in active
        ),
        "readyReplicas": sum(pods.is_ready(pod) for pod in active),
        "availableReplicas": sum(pods.is_available(pod, min_ready, now) for pod in active),
        "observedGeneration": owner["metadata"].get("generation", 0),
    }
    if draft.get("conditions"):
        result["conditions"] = draft["conditions"]
    return result


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Make the number of active pods the wanted one."""
    owned = await ownership.settle(p, kinds.POD)
    active = [pod for pod in owned if pods.is_active(pod)]
    failed: errors.ApiError | None = None
    if not p.deleting:
        missing = replicas(p.object) - len(active)
        try:
            for _ in range(missing):
                pod = await p.create(_pod(p), owned=False)
                active.append(pod)
        except errors.ApiError as error:
            failed = error
        for pod in pods.to_delete(active, -missing):
            await p.delete(kinds.POD, pod["metadata"]["name"], uid=objects.uid_of(pod))
            active.remove(pod)
    _say_failure(p, failed)
    now = p.seams.clock.now()
    p.status = status(p.object, active, p.status, now)
    min_ready = p.object["spec"].get("minReadySeconds") or 0
    result = outcomes.again(pods.soonest_available(active, min_ready, now))
    return result | outcome.fail(failed) if failed else result


def _pod(p: controller.Pass) -> Object:
    name = templates.child_name(p.key.name, templates.suffix(p.seams.random))
    return templates.pod(p.object["spec"]["template"], p.object, name)


def _say_failure(p: controller.Pass, failed: errors.ApiError | None) -> None:
    if failed is None:
        p.status["conditions"] = [one for one in p.conditions if one["type"] != _FAILURE]
        return
    now = p.seams.clock.now()
    conditions.set_condition(p.conditions, _FAILURE, "True", "FailedCreate", failed.message, now)


def _orphans(obj: Object, held: controller.Cache) -> Iterator[Key]:
    return ownership.orphan_keys(kinds.REPLICA_SET, obj, held)


CONTROLLER: Final = controller.Controller(
    "replicaset",
    kinds.REPLICA_SET,
    reconcile,
    owns=(kinds.POD,),
    watches=(controller.Watch(kinds.POD, _orphans),),
)
