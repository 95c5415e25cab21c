"""Is there one pod on each node that a DaemonSet chooses? Runs DaemonSets."""

from collections.abc import Iterator
from typing import Final

from ouranos.engine.workloads import daemons, outcomes, ownership, pods, revisions, templates
from ouranos.kit import controller, kinds, objects, outcome
from ouranos.kit.objects import Key, Object, Objects


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Make and delete the pods that placement and update ask for now."""
    owned = await ownership.settle(p, kinds.POD)
    update, history = await revisions.current(p)
    every_node = p.cache.list(kinds.NODE)
    now = p.seams.clock.now()
    name: str = update["metadata"]["labels"][revisions.LABEL]
    if not p.deleting:
        view = daemons.View(p.object, every_node, _by_node(owned), name, now)
        owned = await _take(p, daemons.next_steps(view), owned, name)
    view = daemons.View(p.object, every_node, _by_node(owned), name, now)
    p.status = daemons.status(view)
    hashes = {objects.labels_of(pod).get(revisions.LABEL) for pod in owned} | {name}
    live = {one["metadata"]["name"] for one in history if _hash_of(one) in hashes}
    await revisions.prune(p, history, live)
    min_ready = p.object["spec"].get("minReadySeconds") or 0
    finished = (pods.replaceable_in(pod, now) for pod in owned if pods.is_finished(pod))
    return outcomes.again(pods.soonest_available(owned, min_ready, now), *finished)


def _by_node(owned: Objects) -> dict[str, Objects]:
    result: dict[str, Objects] = {}
    for pod in owned:
        result.setdefault(daemons.target_of(pod), []).append(pod)
    return result


def _hash_of(revision: Object) -> str | None:
    return objects.labels_of(revision).get(revisions.LABEL)


async def _take(p: controller.Pass, steps: daemons.Steps, owned: Objects, update: str) -> Objects:
    result = list(owned)
    for pod in steps.delete:
        name: str = pod["metadata"]["name"]
        await p.delete(kinds.POD, name, uid=objects.uid_of(pod))
        result.remove(pod)
        left = p.cache.get(kinds.POD, name, p.key.namespace)
        if left is not None:
            result.append(left)
    template = p.object["spec"]["template"]
    for node in steps.create:
        name = templates.child_name(p.key.name, templates.suffix(p.seams.random))
        pod = templates.pod(template, p.object, name, {revisions.LABEL: update})
        pod["spec"] = daemons.spec_for(template, node)
        result.append(await p.create(pod, owned=False))
    return result


def _every(_node: Object, held: controller.Cache) -> Iterator[Key]:
    return (objects.key_of(one) for one in held.list(kinds.DAEMON_SET))


def _orphans(obj: Object, held: controller.Cache) -> Iterator[Key]:
    return ownership.orphan_keys(kinds.DAEMON_SET, obj, held)


CONTROLLER: Final = controller.Controller(
    "daemonset",
    kinds.DAEMON_SET,
    reconcile,
    owns=(kinds.POD, kinds.CONTROLLER_REVISION),
    watches=(controller.Watch(kinds.NODE, _every), controller.Watch(kinds.POD, _orphans)),
)
