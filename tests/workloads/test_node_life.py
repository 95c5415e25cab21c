"""Do pods find a node, and what becomes of them when it falls silent or goes?"""

from collections.abc import Callable
from typing import Any

import pytest

from ouranos.kit import conditions, kinds, objects
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


def pod(name: str = "lone", **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "home"},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }


def asking(**requests: str) -> list[Object]:
    return [{"name": "c", "image": "x", "resources": {"requests": requests}}]


def said(obj: Object, type_: str) -> Object:
    return conditions.find(conditions.of(obj), type_) or {}


async def test_a_pod_that_fits_nowhere_says_why_and_goes_when_it_can(
    world: Callable[..., Any],
) -> None:
    async with world() as home:
        await home.passes(1)
        await home.cluster.create(pod(nodeSelector={"disk": "fast"}))
        await home.passes(2)
        waiting = await home.get(kinds.POD, "lone")
        assert said(waiting, "PodScheduled")["reason"] == "Unschedulable"
        assert said(waiting, "PodScheduled")["message"] == (
            "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
        )
        assert [e["reason"] for e in await home.all(kinds.EVENT)] == ["FailedScheduling"]
        labels = {"metadata": {"labels": {"disk": "fast"}}}
        await home.cluster.patch(kinds.NODE, "node1", "", labels)
        await home.passes(3)
        running = await home.get(kinds.POD, "lone")
        assert running["spec"]["nodeName"] == "node1"
        assert conditions.is_true(running, "PodScheduled")


async def test_requests_are_held_to_what_a_node_has(world: Callable[..., Any]) -> None:
    async with world(capacity={"cpu": "2"}) as home:
        await home.passes(1)
        for number in range(3):
            await home.cluster.create(pod(f"p{number}", containers=asking(cpu="900m")))
        await home.passes(3)
        placed = [p["spec"].get("nodeName") for p in await home.all(kinds.POD)]
        assert sorted(filter(None, placed)) == ["node1", "node1"]
        [waiting] = [p for p in await home.all(kinds.POD) if not p["spec"].get("nodeName")]
        assert "Insufficient cpu" in said(waiting, "PodScheduled")["message"]
        [first, *_] = [p for p in await home.all(kinds.POD) if p["spec"].get("nodeName")]
        await home.cluster.delete(kinds.POD, first["metadata"]["name"], "home")
        await home.passes(3)
        assert all(p["spec"].get("nodeName") for p in await home.all(kinds.POD))


async def test_replicas_are_spread(world: Callable[..., Any], workload: Any) -> None:
    async with world(nodes=3) as home:
        await home.passes(1)
        await home.cluster.create(workload("Deployment", replicas=6))
        await home.passes(3)
        placed = sorted(p["spec"]["nodeName"] for p in await home.all(kinds.POD))
        assert placed == ["node1"] * 2 + ["node2"] * 2 + ["node3"] * 2


async def test_anti_affinity_keeps_pods_apart(world: Callable[..., Any], workload: Any) -> None:
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    async with world(nodes=2) as home:
        await home.passes(1)
        await home.cluster.create(workload("Deployment", replicas=3, pod={"affinity": apart}))
        await home.passes(3)
        placed = sorted(p["spec"].get("nodeName", "") for p in await home.all(kinds.POD))
        assert placed == ["", "node1", "node2"]


async def test_a_missing_claim_is_named(world: Callable[..., Any]) -> None:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    async with world() as home:
        await home.cluster.create(pod(volumes=[volume]))
        await home.passes(3)
        message = said(await home.get(kinds.POD, "lone"), "PodScheduled")["message"]
        assert message == 'persistentvolumeclaim "data" not found'


async def test_a_silent_node_loses_its_pods_after_a_while(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=2) as home:
        await home.passes(1)
        await home.cluster.create(workload("Deployment", replicas=2))
        await home.passes(5)
        home.nodes[0].silent = True
        await home.passes(60)
        node = await home.get(kinds.NODE, "node1")
        assert said(node, "Ready")["status"] == "Unknown"
        assert {t["effect"] for t in node["spec"]["taints"]} == {"NoSchedule", "NoExecute"}
        pods = {p["spec"]["nodeName"]: p for p in await home.all(kinds.POD)}
        assert not conditions.is_true(pods["node1"], "Ready")
        assert not objects.is_deleting(pods["node1"])
        await home.passes(300)
        places = [p["spec"]["nodeName"] for p in await home.all(kinds.POD)]
        assert sorted(places) == ["node1", "node2", "node2"]

        home.nodes[0].silent = False
        await home.passes(30)
        node = await home.get(kinds.NODE, "node1")
        assert conditions.is_true(node, "Ready")
        assert not node["spec"].get("taints")
        assert len(await home.all(kinds.POD)) == 2


async def test_pods_decide_how_long_they_stay(world: Callable[..., Any]) -> None:
    async with world() as home:
        await home.passes(1)
        brief = {"key": "node.kubernetes.io/unreachable", "operator": "Exists"}
        await home.cluster.create(pod("brief", tolerations=[{**brief, "tolerationSeconds": 5}]))
        await home.cluster.create(pod("loyal", tolerations=[brief]))
        await home.passes(5)
        home.nodes[0].silent = True
        await home.passes(70)
        assert objects.is_deleting(await home.get(kinds.POD, "brief"))
        await home.passes(900)
        assert not objects.is_deleting(await home.get(kinds.POD, "loyal"))


async def test_a_taint_drives_pods_away_at_once(world: Callable[..., Any]) -> None:
    async with world() as home:
        await home.passes(1)
        await home.cluster.create(pod())
        await home.passes(5)
        taint = {"key": "broken", "effect": "NoExecute"}
        await home.cluster.patch(kinds.NODE, "node1", "", {"spec": {"taints": [taint]}})
        await home.passes(5)
        assert await home.all(kinds.POD) == []


async def test_our_own_absence_evicts_nobody(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=1))
        await home.passes(5)
        [before] = await home.all(kinds.POD)
        await home.stop()
        await home.passes(7200)
        home.start()
        await home.passes(600)
        [after] = await home.all(kinds.POD)
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert conditions.is_true(after, "Ready")


async def test_pods_of_a_node_that_is_gone_are_ended(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=2) as home:
        await home.passes(1)
        await home.cluster.create(workload("Deployment", replicas=2))
        await home.passes(5)
        home.nodes[0].silent = True
        await home.cluster.delete(kinds.NODE, "node1")
        await home.passes(30)
        assert len(await home.all(kinds.POD)) == 2
        await home.passes(30)
        places = [p["spec"]["nodeName"] for p in await home.all(kinds.POD)]
        assert places == ["node2", "node2"]


async def test_a_cordoned_node_gets_no_pods(world: Callable[..., Any]) -> None:
    async with world() as home:
        await home.passes(1)
        await home.cluster.patch(kinds.NODE, "node1", "", {"spec": {"unschedulable": True}})
        await home.cluster.create(pod())
        await home.passes(3)
        message = said(await home.get(kinds.POD, "lone"), "PodScheduled")["message"]
        assert "node.kubernetes.io/unschedulable" in message
