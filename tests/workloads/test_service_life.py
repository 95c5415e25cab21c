"""Is a Service reached, are its pods named, is a claim bound, does a budget count?"""

from collections.abc import Callable
from typing import Any

import pytest

from ouranos.kit import conditions, errors, kinds
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


def service(**spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "web"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "home"},
        "spec": {"selector": {"app": "web"}, "ports": ports, **spec},
    }


PORTS = {
    "containers": [{"name": "c", "image": "x", "ports": [{"name": "web", "containerPort": 8080}]}]
}


async def test_a_service_has_an_address_as_soon_as_there_is_a_node(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(service(type="LoadBalancer"))
        await home.passes(1)
        found = await home.get(kinds.SERVICE, "web")
        assert found["spec"]["clusterIP"] == "172.31.0.11"
        assert found["status"]["loadBalancer"]["ingress"][0]["ip"] == "172.31.0.11"
        await home.cluster.apply(service(type="LoadBalancer"), manager="somebody")
        await home.cluster.create(workload("Deployment", pod=PORTS))
        await home.passes(5)
        assert (await home.get(kinds.SERVICE, "web"))["spec"]["clusterIP"] == "172.31.0.11"


async def test_without_a_node_a_service_waits_for_one(world: Callable[..., Any]) -> None:
    async with world(nodes=0) as home:
        await home.cluster.create(service())
        await home.passes(5)
        assert not (await home.get(kinds.SERVICE, "web"))["spec"].get("clusterIP")


async def test_a_service_is_where_its_pods_are(world: Callable[..., Any], workload: Any) -> None:
    async with world(nodes=2) as home:
        await home.passes(1)
        pinned = {**PORTS, "nodeName": "node2"}
        await home.cluster.create(workload("Deployment", pod=pinned))
        await home.passes(5)
        await home.cluster.create(service())
        await home.passes(1)
        assert (await home.get(kinds.SERVICE, "web"))["spec"]["clusterIP"] == "172.31.0.12"


async def test_an_endpoint_slice_names_pods_and_ports(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(service())
        await home.cluster.create(workload("Deployment", pod=PORTS))
        await home.passes(0.8)
        [found] = await home.all(kinds.ENDPOINT_SLICE)
        assert [e["conditions"]["ready"] for e in found["endpoints"]] == [False]
        await home.passes(3)
        [found] = await home.all(kinds.ENDPOINT_SLICE)
        [pod] = await home.all(kinds.POD)
        assert found["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
        assert found["endpoints"][0]["addresses"] == ["172.31.0.11"]
        assert found["endpoints"][0]["conditions"]["ready"]
        assert found["endpoints"][0]["targetRef"]["name"] == pod["metadata"]["name"]
        assert found["metadata"]["labels"]["kubernetes.io/service-name"] == "web"


async def test_a_headless_service_has_pods_but_no_address(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(service(clusterIP="None"))
        await home.cluster.create(workload("StatefulSet", pod=PORTS))
        await home.passes(5)
        assert (await home.get(kinds.SERVICE, "web"))["spec"]["clusterIP"] == "None"
        [found] = await home.all(kinds.ENDPOINT_SLICE)
        assert len(found["endpoints"]) == 1


CLAIM: Object = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": "home"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
USES = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}


async def test_a_claim_waits_for_its_first_pod_and_then_binds_it_to_a_node(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=2) as home:
        await home.cluster.create(CLAIM)
        await home.passes(5)
        claim = await home.get(kinds.PERSISTENT_VOLUME_CLAIM, "data")
        assert claim["status"]["phase"] == "Pending"
        await home.cluster.create(workload("Deployment", pod=USES))
        await home.passes(5)
        claim = await home.get(kinds.PERSISTENT_VOLUME_CLAIM, "data")
        volume = await home.get(kinds.PERSISTENT_VOLUME, claim["spec"]["volumeName"])
        assert claim["status"]["phase"] == volume["status"]["phase"] == "Bound"
        assert volume["spec"]["hostPath"]["path"].startswith("/volumes/home/data-")
        [pod] = await home.all(kinds.POD)
        terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
        assert terms[0]["matchExpressions"][0]["values"] == [pod["spec"]["nodeName"]]
        assert (await home.get(kinds.STORAGE_CLASS, "local"))[
            "provisioner"
        ] == "ouranos.cloud/local"


async def test_a_claim_in_use_stays_and_its_volume_outlives_it(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(CLAIM)
        await home.cluster.create(workload("Deployment", pod=USES))
        await home.passes(5)
        await home.cluster.delete(kinds.PERSISTENT_VOLUME_CLAIM, "data", "home")
        await home.passes(5)
        assert await home.all(kinds.PERSISTENT_VOLUME_CLAIM)
        await home.cluster.delete(kinds.DEPLOYMENT, "web", "home")
        await home.passes(5)
        assert await home.all(kinds.PERSISTENT_VOLUME_CLAIM) == []
        [volume] = await home.all(kinds.PERSISTENT_VOLUME)
        assert volume["status"]["phase"] == "Released"


def budget(**spec: Any) -> Object:
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "home"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, **spec},
    }


@pytest.mark.parametrize(
    ("spec", "allowed", "desired"),
    [
        ({"minAvailable": 2}, 1, 2),
        ({"maxUnavailable": 1}, 1, 2),
        ({"minAvailable": "50%"}, 1, 2),
        ({"maxUnavailable": 0}, 0, 3),
    ],
)
async def test_a_budget_counts(
    world: Callable[..., Any], workload: Any, spec: Object, allowed: int, desired: int
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=3))
        await home.cluster.create(budget(**spec))
        await home.passes(5)
        status = (await home.get(kinds.POD_DISRUPTION_BUDGET, "web"))["status"]
        assert status["disruptionsAllowed"] == allowed
        assert status["desiredHealthy"] == desired
        assert status["currentHealthy"] == status["expectedPods"] == 3


async def test_evictions_are_held_to_the_budget(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=2))
        await home.cluster.create(budget(minAvailable=1))
        await home.passes(5)
        first, second = [p["metadata"]["name"] for p in await home.all(kinds.POD)]
        await home.cluster.evict(first, "home")
        with pytest.raises(errors.TooManyRequests):
            await home.cluster.evict(second, "home")
        await home.passes(5)
        status = (await home.get(kinds.POD_DISRUPTION_BUDGET, "web"))["status"]
        assert status["disruptionsAllowed"] == 1
        assert not status.get("disruptedPods")
        assert conditions.is_true(
            await home.get(kinds.POD_DISRUPTION_BUDGET, "web"), "DisruptionAllowed"
        )
        await home.cluster.evict(second, "home")
