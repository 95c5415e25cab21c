"""What does a node do whose pods are simulated? It reports, runs scripts, and can fall silent."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.simulation import script
from ouranos.kit import cluster, conditions, controller, errors, kinds, objects, outcome, seams
from ouranos.kit.objects import Object

LEASES: Final = "kube-node-lease"
BEAT: Final = 10.0
_LEASE_SECONDS: Final = 40
_NAMESPACE: Final[Object] = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": LEASES},
}


class SimulatedNode:
    """A node of a twin: its object, its lease, and its pods.

    Add `controllers()` to those that a runner runs, and run `report()` beside it.
    """

    def __init__(
        self,
        name: str,
        given: seams.Seams,
        *,
        address: str = "172.31.0.11",
        labels: Mapping[str, str] | None = None,
        behaviour: script.Behaviour = script.steady,
        capacity: Mapping[str, str] | None = None,
    ) -> None:
        """Describe a node; nothing happens before it runs."""
        self.name: Final = name
        self.address: Final = address
        self.behaviour = behaviour
        self.silent = False
        """Set to have it stop reporting and running, as a machine that lost its power."""
        self._seams = given
        self._labels = {
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
            **(labels or {}),
        }
        self._capacity = {"cpu": "8", "memory": "32Gi", "pods": "110", **(capacity or {})}
        self._arrivals: dict[str, datetime] = {}
        self._stops: dict[str, datetime] = {}

    def controllers(self) -> list[controller.Controller]:
        """Return what runs the node's pods."""
        return [
            controller.Controller(
                f"node-{self.name}",
                kinds.POD,
                self._reconcile,
                wants=lambda pod: pod["spec"].get("nodeName") == self.name,
            )
        ]

    async def report(self, source: cluster.Cluster) -> None:
        """Say that the node is there and well, at every beat, until cancelled."""
        while True:
            if not self.silent:
                await self._beat(source)
            await self._seams.clock.sleep(BEAT)

    async def _beat(self, source: cluster.Cluster) -> None:
        present = await source.get(kinds.NODE, self.name)
        if present is None:
            await source.apply(_NAMESPACE)
            present = await source.create(self._object())
        if not conditions.is_true(present, "Ready"):
            await self._say_ready(source, present)
        now = conditions.micro_timestamp(self._seams.clock.now())
        spec = {
            "holderIdentity": self.name,
            "leaseDurationSeconds": _LEASE_SECONDS,
            "renewTime": now,
        }
        lease: Object = {
            "apiVersion": kinds.LEASE.api_version,
            "kind": kinds.LEASE.kind,
            "metadata": {"name": self.name, "namespace": LEASES},
            "spec": spec,
        }
        await source.apply(lease)

    def _object(self) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": self._labels},
            "spec": {},
        }

    async def _say_ready(self, source: cluster.Cluster, node: Object) -> None:
        now = self._seams.clock.now()
        said = [dict(one) for one in conditions.of(node)]
        conditions.set_condition(said, "Ready", "True", "KubeletReady", "It is simulated.", now)
        for one in said:
            one["lastHeartbeatTime"] = conditions.timestamp(now)
        status: Object = {
            "capacity": self._capacity,
            "allocatable": self._capacity,
            "addresses": [
                {"type": "InternalIP", "address": self.address},
                {"type": "Hostname", "address": self.name},
            ],
            "conditions": said,
        }
        try:
            await source.replace_status({**node, "status": status})
        except errors.Conflict:
            # The next beat sees the newer object.
            return

    async def _reconcile(self, p: controller.Pass) -> outcome.Outcome:
        if self.silent:
            return outcome.Outcome(again_in=timedelta(seconds=1))
        now = self._seams.clock.now()
        uid = objects.uid_of(p.object)
        arrived = self._arrivals.setdefault(uid, now)
        played = self.behaviour(p.object)
        if p.deleting:
            return await self._stop(p, played, now)
        came_to = script.state(played, p.object, arrived, now)
        p.status = script.status(p.object, came_to, self.address, arrived)
        if came_to.changes is None:
            return outcome.DONE
        return outcome.Outcome(again_in=came_to.changes - now)

    async def _stop(
        self, p: controller.Pass, played: script.Script, now: datetime
    ) -> outcome.Outcome:
        uid = objects.uid_of(p.object)
        asked = self._stops.setdefault(uid, now)
        grace = timedelta(seconds=p.object["metadata"].get("deletionGracePeriodSeconds") or 0)
        left = asked + min(played.stops_after, grace) - now
        if left > timedelta(0):
            return outcome.Outcome(again_in=left)
        arrived = self._arrivals[uid]
        came_to = script.state(played, p.object, arrived, now)
        if came_to.phase not in {"Succeeded", "Failed"}:
            ended = script.State(
                "Failed",
                ready=False,
                restarts=came_to.restarts,
                container={"terminated": {"exitCode": 143, "reason": "Error"}},
                since=now,
                changes=None,
            )
            p.status = script.status(p.object, ended, self.address, arrived)
            if p.has_new_status:
                p.object = await p.replace_status({**p.object, "status": p.status})
        await p.delete(kinds.POD, p.key.name, uid=uid, grace_seconds=0)
        self._arrivals.pop(uid, None)
        self._stops.pop(uid, None)
        return outcome.DONE
