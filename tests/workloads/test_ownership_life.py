"""Whose is a pod, a set, a volume? Adoption, release, and what happens when making fails."""

from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest

from ouranos.engine.simulation import node, twin
from ouranos.kit import conditions, kinds, objects, seams
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


async def test_orphans_that_fit_are_adopted(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=2))
        await home.passes(5)
        before = {p["metadata"]["uid"] for p in await home.all(kinds.POD)}
        await home.cluster.delete(kinds.DEPLOYMENT, "web", "home", propagation="Orphan")
        await home.passes(5)
        [replica_set] = await home.all(kinds.REPLICA_SET)
        assert objects.controller_uid(replica_set) is None
        await home.cluster.create(workload("Deployment", replicas=2))
        await home.passes(5)
        [adopted] = await home.all(kinds.REPLICA_SET)
        assert adopted["metadata"]["uid"] == replica_set["metadata"]["uid"]
        assert {p["metadata"]["uid"] for p in await home.all(kinds.POD)} == before


async def test_a_pod_whose_label_was_taken_is_released_and_replaced(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=1))
        await home.passes(5)
        [pod] = await home.all(kinds.POD)
        name = pod["metadata"]["name"]
        await home.cluster.patch(
            kinds.POD, name, "home", {"metadata": {"labels": {"app": "debug"}}}
        )
        await home.passes(5)
        assert len(await home.all(kinds.POD)) == 2
        released = await home.get(kinds.POD, name)
        assert objects.controller_uid(released) is None
        # Given its label back, it is one too many.
        await home.cluster.patch(kinds.POD, name, "home", {"metadata": {"labels": {"app": "web"}}})
        await home.passes(5)
        assert len(await home.all(kinds.POD)) == 1


async def test_pods_that_cannot_be_made_are_told_of(
    given: seams.Seams, workload: Callable[..., Object]
) -> None:
    refusing = [True]

    class Refusing(httpx2.AsyncBaseTransport):
        def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
            self.inner = inner

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            if refusing and request.method == "POST" and request.url.path.endswith("/pods"):
                status = {"kind": "Status", "reason": "Forbidden", "message": "quota is used up"}
                return httpx2.Response(403, content=msgspec.json.encode(status))
            return await self.inner.handle_async_request(request)

    machine = node.SimulatedNode("node1", given)
    async with twin.running(given, [machine], door=Refusing) as home:
        await home.cluster.create(workload("Deployment"))
        await home.passes(5)
        failure = conditions.find(
            conditions.of(await home.get(kinds.DEPLOYMENT, "web")), "ReplicaFailure"
        )
        assert failure is not None
        assert (failure["reason"], failure["message"]) == ("FailedCreate", "quota is used up")
        refusing.clear()
        await home.passes(60)
        after = await home.get(kinds.DEPLOYMENT, "web")
        assert after["status"]["availableReplicas"] == 1
        assert conditions.find(conditions.of(after), "ReplicaFailure") is None


async def test_going_back_makes_an_old_revision_the_newest(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet", revisionHistoryLimit=1))
        for name in ("two", "three", "two"):
            await home.passes(10)
            template = {"spec": {"containers": [{"name": "main", "image": name}]}}
            await home.cluster.patch(
                kinds.DAEMON_SET, "web", "home", {"spec": {"template": template}}
            )
        await home.passes(10)
        history = {
            one["data"]["spec"]["template"]["spec"]["containers"][0]["image"]: one["revision"]
            for one in await home.all(kinds.CONTROLLER_REVISION)
        }
        assert history == {"two": 4, "three": 3}


def volume(name: str = "by-hand", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/srv/data"},
            **spec,
        },
    }


def claim(name: str = "data", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "home"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


async def phase(home: twin.Twin, name: str = "data") -> str:
    return (await home.get(kinds.PERSISTENT_VOLUME_CLAIM, name))["status"]["phase"]


async def test_a_claim_may_name_a_volume_made_by_hand(world: Callable[..., Any]) -> None:
    async with world() as home:
        await home.cluster.create(claim(volumeName="by-hand", storageClassName=""))
        await home.passes(1)
        assert await phase(home) == "Pending"
        await home.cluster.create(volume())
        await home.passes(1)
        assert await phase(home) == "Bound"
        bound = await home.get(kinds.PERSISTENT_VOLUME, "by-hand")
        assert bound["spec"]["claimRef"]["name"] == "data"
        assert bound["status"]["phase"] == "Bound"
        await home.cluster.create(claim("rival", volumeName="by-hand", storageClassName=""))
        await home.passes(1)
        assert await phase(home, "rival") == "Pending"


async def test_a_claim_of_another_class_waits_for_its_provisioner(
    world: Callable[..., Any],
) -> None:
    async with world() as home:
        await home.cluster.create(claim(storageClassName="ceph"))
        await home.passes(5)
        assert await phase(home) == "Pending"


async def test_a_claim_whose_volume_is_gone_is_lost(
    world: Callable[..., Any], workload: Any
) -> None:
    uses = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    async with world() as home:
        await home.cluster.create(claim())
        await home.cluster.create(workload("Deployment", pod=uses))
        await home.passes(5)
        [found] = await home.all(kinds.PERSISTENT_VOLUME)
        await home.cluster.delete(kinds.PERSISTENT_VOLUME, found["metadata"]["name"])
        await home.passes(5)
        assert await phase(home) == "Lost"
