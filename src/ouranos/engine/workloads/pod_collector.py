"""Which pods does nobody run or end any more? Ends pods without node, or of a node that is gone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ouranos.engine.workloads import job, jobs, node_health, outcomes, pods
from ouranos.kit import conditions, controller, kinds, objects, outcome
from ouranos.kit.objects import Key, Object

_DISRUPTED: Final = "DisruptionTarget"


class Collector:
    """Ends orphaned pods; remembers since when their nodes have been missing."""

    def __init__(self) -> None:
        self._missing: dict[str, float] = {}

    async def reconcile(self, p: controller.Pass) -> outcome.Outcome:
        """End the pod if nobody else will."""
        await _let_go_of_job(p)
        node = pods.node_of(p.object)
        if not node:
            if p.deleting:
                await self._end(p)
            return outcome.DONE
        if p.cache.get(kinds.NODE, node) is not None:
            self._missing.pop(node, None)
            return outcome.DONE
        since = self._missing.setdefault(node, p.seams.clock.monotonic())
        left = since + node_health.GRACE.total_seconds() - p.seams.clock.monotonic()
        if left > 0:
            return outcomes.again(timedelta(seconds=left))
        # The cache may lag behind a node that has just come.
        if await p.refresh(kinds.NODE, node) is None:
            await self._fail(p)
            await self._end(p)
        return outcome.DONE

    async def _fail(self, p: controller.Pass) -> None:
        if pods.is_finished(p.object):
            return
        now = p.seams.clock.now()
        message = f"Node {pods.node_of(p.object)} does not exist any more"
        conditions.set_condition(
            p.conditions, _DISRUPTED, conditions.TRUE, "DeletionByPodGC", message, now
        )
        failed = {**p.object, "status": {**p.status, "phase": "Failed"}}
        p.object = await p.replace_status(failed)
        p.status = objects.mapping(p.object, "status")

    async def _end(self, p: controller.Pass) -> None:
        uid = objects.uid_of(p.object)
        await p.delete(kinds.POD, p.key.name, uid=uid, grace_seconds=0)


async def _let_go_of_job(p: controller.Pass) -> None:
    """Free a pod that waits to be counted by a Job that is gone, or going."""
    if not jobs.is_tracked(p.object):
        return
    owner = objects.controller_reference(p.object)
    if owner is not None and owner["kind"] == kinds.JOB.kind:
        found = p.cache.get(kinds.JOB, owner["name"], p.key.namespace)
        lives = found is not None and objects.uid_of(found) == owner["uid"]
        if found is not None and lives and not objects.is_deleting(found):
            return
    await job.let_go(p, p.object)


def _of_node(node: Object, held: controller.Cache) -> Iterator[Key]:
    name = node["metadata"]["name"]
    if held.get(kinds.NODE, name) is None:
        for pod in held.list(kinds.POD):
            if pods.node_of(pod) == name:
                yield objects.key_of(pod)


def _of_job(owner: Object, held: controller.Cache) -> Iterator[Key]:
    for pod in held.owned(kinds.POD, owner):
        if jobs.is_tracked(pod):
            yield objects.key_of(pod)


def new() -> controller.Controller:
    """Return the controller, with a memory of its own."""
    return controller.Controller(
        "pod-collector",
        kinds.POD,
        Collector().reconcile,
        watches=(controller.Watch(kinds.NODE, _of_node), controller.Watch(kinds.JOB, _of_job)),
    )
