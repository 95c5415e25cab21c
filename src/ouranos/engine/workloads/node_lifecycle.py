"""What becomes of a node that falls silent, and of its pods? Runs Nodes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ouranos.engine.workloads import node_health, nodes, outcomes, pods
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Key, Object, Objects


class Lifecycle:
    """Watches nodes; remembers when it heard of each, and nothing else."""

    def __init__(self) -> None:
        self._sightings: dict[str, node_health.Sighting] = {}

    async def reconcile(self, p: controller.Pass) -> outcome.Outcome:
        """Mark a silent node, taint one that is not ready, and evict what does not tolerate it."""
        now = p.seams.clock.now()
        if p.deleting:
            self._sightings.pop(p.key.name, None)
            return outcome.DONE
        lease = p.cache.get(kinds.LEASE, p.key.name, node_health.LEASES)
        before = self._sightings.get(p.key.name)
        sighting = node_health.sighted(before, p.object, lease, now)
        self._sightings[p.key.name] = sighting
        left = node_health.silent_in(sighting, p.object, now)
        if left <= timedelta(0):
            node_health.say_silent(p.conditions, now)
        node = await self._taint(p, now)
        waits = [await self._evict(p, node, pod, now) for pod in _pods_on(p)]
        if left > timedelta(0):
            waits.append(left)
        return outcomes.again(*waits)

    async def _taint(self, p: controller.Pass, now: datetime) -> Object:
        spoken = {**p.object, "status": p.status}
        wanted = node_health.tainted(spoken, now)
        if wanted == objects.entries(p.object, "spec", "taints"):
            return p.object
        patch: Object = {
            "metadata": {"resourceVersion": p.object["metadata"]["resourceVersion"]},
            "spec": {"taints": wanted},
        }
        return await p.patch(kinds.NODE, p.key.name, patch)

    async def _evict(
        self, p: controller.Pass, node: Object, pod: Object, now: datetime
    ) -> timedelta | None:
        if not nodes.is_ready({**node, "status": p.status}):
            await _say_unready(p, pod, now)
        left = node_health.evicted_in(pod, node, now)
        if left is None or left > timedelta(0) or objects.is_deleting(pod):
            return None if objects.is_deleting(pod) else left
        name, where = pod["metadata"]["name"], objects.namespace_of(pod)
        await p.event("Normal", "TaintManagerEviction", "Evicting from its node", pod)
        await p.cluster.delete(kinds.POD, name, where, uid=objects.uid_of(pod))
        return None


def _pods_on(p: controller.Pass) -> Objects:
    return [
        pod
        for pod in p.cache.list(kinds.POD)
        if pods.node_of(pod) == p.key.name and not pods.is_finished(pod)
    ]


async def _say_unready(p: controller.Pass, pod: Object, now: datetime) -> None:
    """Take a pod whose node is silent from the Services that it serves."""
    found = conditions.find(conditions.of(pod), "Ready")
    if found is None or found["status"] != conditions.TRUE:
        return
    said: Objects = [dict(one) for one in conditions.of(pod)]
    message = "The node has stopped reporting."
    conditions.set_condition(said, "Ready", conditions.FALSE, "NodeNotReady", message, now)
    changed = {**pod, "status": {**pod["status"], "conditions": said}}
    try:
        await p.replace_status(changed)
    except errors.NotFound:
        return


def _of_lease(lease: Object, held: controller.Cache) -> Iterator[Key]:
    """Look when a silent node is heard again; a renewal of a well one is no news."""
    if objects.namespace_of(lease) != node_health.LEASES:
        return
    node = held.get(kinds.NODE, lease["metadata"]["name"])
    ready = conditions.find(conditions.of(node), "Ready") if node else None
    if ready is None or ready["status"] == conditions.UNKNOWN:
        yield Key("", lease["metadata"]["name"])


def new() -> controller.Controller:
    """Return the controller, with a memory of its own."""
    return controller.Controller(
        "node-lifecycle",
        kinds.NODE,
        Lifecycle().reconcile,
        watches=(controller.Watch(kinds.LEASE, _of_lease),),
        reads=(kinds.POD,),
    )
