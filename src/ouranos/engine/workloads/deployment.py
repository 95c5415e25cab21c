"""Which ReplicaSets does a Deployment have, and how large are they?"""

from collections.abc import Iterator
from typing import Final

from ouranos.engine.workloads import (
    outcomes,
    ownership,
    pods,
    replica_set,
    rollout,
    rollout_status,
    templates,
)
from ouranos.kit import controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Key, Object, Objects


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Bring the ReplicaSets one step nearer to the present template and number."""
    sets = await ownership.settle(p, kinds.REPLICA_SET)
    news = sorted((one for one in sets if rollout.is_new(p.object, one)), key=pods.created)
    new = news[0] if news else None
    if not p.deleting:
        if new is None and not p.object["spec"].get("paused"):
            new = await _create(p, sets)
        olds = [one for one in sets if one is not new]
        if new is not None:
            new = await _revise(p, new, olds)
        sets = await _scale(p, new, olds)
        new = next(
            (one for one in sets if new and one["metadata"]["uid"] == objects.uid_of(new)), new
        )
    olds = [one for one in sets if new is None or objects.uid_of(one) != objects.uid_of(new)]
    now = p.seams.clock.now()
    p.status = rollout_status.status(p.object, new, olds, now)
    if new is not None and rollout_status.is_complete(p.object, p.status):
        for one in rollout.outdated(p.object, olds):
            await p.delete(kinds.REPLICA_SET, one["metadata"]["name"], uid=objects.uid_of(one))
    until = rollout_status.deadline(p.object, p.status)
    return outcomes.again(None if until is None else until - now)


async def _create(p: controller.Pass, sets: Objects) -> Object:
    template = p.object["spec"]["template"]
    hashed = templates.hash_of(template, p.status.get("collisionCount") or 0)
    metadata = objects.mapping(template, "metadata")
    labels = {**objects.mapping(metadata, "labels"), rollout.HASH: hashed}
    selector = p.object["spec"]["selector"]
    matched = {**objects.mapping(selector, "matchLabels"), rollout.HASH: hashed}
    olds = {one["metadata"]["name"]: one for one in sets}
    spec: Object = {
        "replicas": _first_size(p.object, list(olds.values())),
        "selector": {**selector, "matchLabels": matched},
        "template": {**template, "metadata": {**metadata, "labels": labels}},
    }
    if p.object["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = p.object["spec"]["minReadySeconds"]
    wanted: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{p.key.name}-{hashed}",
            "labels": labels,
            "annotations": _notes(p.object, rollout.revision_after(sets)),
        },
        "spec": spec,
    }
    try:
        return await p.create(wanted)
    except errors.AlreadyExists:
        # Another template has the same hash, or a stranger has the name: count on.
        p.status["collisionCount"] = (p.status.get("collisionCount") or 0) + 1
        raise


def _first_size(deployment: Object, olds: Objects) -> int:
    total = replica_set.replicas(deployment)
    if objects.mapping(deployment, "spec", "strategy").get("type") == "Recreate":
        return 0 if rollout.wanted(olds) or rollout.existing(olds) else total
    room = total + rollout.bounds(deployment).surge - rollout.wanted(olds)
    return max(0, min(room, total))


def _notes(deployment: Object, revision: int) -> dict[str, str]:
    total = replica_set.replicas(deployment)
    kept = {
        name: value
        for name, value in objects.annotations_of(deployment).items()
        if name not in {rollout.REVISION, "kubectl.kubernetes.io/last-applied-configuration"}
    }
    return kept | {
        rollout.REVISION: str(revision),
        rollout.DESIRED: str(total),
        rollout.MOST: str(total + rollout.bounds(deployment).surge),
    }


async def _revise(p: controller.Pass, new: Object, olds: Objects) -> Object:
    """Give the new ReplicaSet the highest revision, and tell it what follows its Deployment."""
    revision = max(rollout.revision_after(olds), rollout.revision(new))
    min_ready = p.object["spec"].get("minReadySeconds") or 0
    patch: Object = {}
    if rollout.revision(new) != revision:
        patch["metadata"] = {"annotations": {rollout.REVISION: str(revision)}}
    if (new["spec"].get("minReadySeconds") or 0) != min_ready:
        patch["spec"] = {"minReadySeconds": min_ready}
    if patch:
        new = await p.patch(kinds.REPLICA_SET, new["metadata"]["name"], patch)
    if rollout.revision(p.object) != revision:
        notes = {"annotations": {rollout.REVISION: str(revision)}}
        await p.patch(kinds.DEPLOYMENT, p.key.name, {"metadata": notes})
    return new


async def _scale(p: controller.Pass, new: Object | None, olds: Objects) -> Objects:
    sets = [*([new] if new else []), *olds]
    spec = p.object["spec"]
    if new is None or spec.get("paused") or rollout.is_scaling(p.object, sets):
        plan = rollout.scale(p.object, new, olds)
        told = rollout.is_scaling(p.object, sets)
    elif objects.mapping(spec, "strategy").get("type") == "Recreate":
        plan = rollout.recreate(p.object, new, olds, old_pods=_has_old_pods(p, olds))
        told = False
    else:
        plan = rollout.roll(p.object, new, olds)
        told = False
    result: Objects = []
    for one in sets:
        name = one["metadata"]["name"]
        size = plan.get(name, replica_set.replicas(one))
        result.append(await _resize(p, one, size) if name in plan or told else one)
    return result


async def _resize(p: controller.Pass, one: Object, size: int) -> Object:
    name, before = one["metadata"]["name"], replica_set.replicas(one)
    notes = _notes(p.object, rollout.revision(one))
    wanted = {key: notes[key] for key in (rollout.DESIRED, rollout.MOST)}
    patch = {"metadata": {"annotations": wanted}, "spec": {"replicas": size}}
    changed = await p.patch(kinds.REPLICA_SET, name, patch)
    if size != before:
        direction = "up" if size > before else "down"
        message = f"Scaled {direction} replica set {name} from {before} to {size}"
        await p.event("Normal", "ScalingReplicaSet", message)
    return changed


def _has_old_pods(p: controller.Pass, olds: Objects) -> bool:
    return any(not pods.is_finished(pod) for one in olds for pod in p.cache.owned(kinds.POD, one))


def _of_pod(obj: Object, held: controller.Cache) -> Iterator[Key]:
    """Name the Deployment that waits for its last old pod to go."""
    owner = objects.controller_reference(obj)
    if owner is None or owner["kind"] != kinds.REPLICA_SET.kind:
        return
    parent = held.get(kinds.REPLICA_SET, owner["name"], objects.namespace_of(obj))
    reference = None if parent is None else objects.controller_reference(parent)
    if reference is None or reference["kind"] != kinds.DEPLOYMENT.kind:
        return
    key = Key(objects.namespace_of(obj), reference["name"])
    found = held.get(kinds.DEPLOYMENT, key.name, key.namespace)
    if found and objects.mapping(found, "spec", "strategy").get("type") == "Recreate":
        yield key


def _orphans(obj: Object, held: controller.Cache) -> Iterator[Key]:
    return ownership.orphan_keys(kinds.DEPLOYMENT, obj, held)


CONTROLLER: Final = controller.Controller(
    "deployment",
    kinds.DEPLOYMENT,
    reconcile,
    owns=(kinds.REPLICA_SET,),
    watches=(controller.Watch(kinds.REPLICA_SET, _orphans), controller.Watch(kinds.POD, _of_pod)),
)
