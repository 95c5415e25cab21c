"""Do pods with names of their own come and go in their order, and keep their volumes?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.engine.simulation import script, twin
from ouranos.kit import conditions, kinds, objects
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time

CLAIM: Object = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


def image(name: str) -> Object:
    return {"spec": {"containers": [{"name": "main", "image": name}]}}


def rolled_out(one: Object) -> bool:
    """What `kubectl rollout status statefulset` asks."""
    status, spec = objects.mapping(one, "status"), one["spec"]
    if one["metadata"]["generation"] > status.get("observedGeneration", 0):
        return False
    if status.get("readyReplicas", 0) < spec["replicas"]:
        return False
    partition = objects.mapping(spec, "updateStrategy", "rollingUpdate").get("partition") or 0
    if partition:
        return status.get("updatedReplicas", 0) >= spec["replicas"] - partition
    return status["updateRevision"] == status["currentRevision"]


async def settle(home: twin.Twin) -> float:
    async def done() -> bool:
        return rolled_out(await home.get(kinds.STATEFUL_SET, "web"))

    return await home.until(done, 120)


async def images(home: twin.Twin) -> dict[str, str]:
    return {
        p["metadata"]["name"]: p["spec"]["containers"][0]["image"]
        for p in await home.all(kinds.POD)
    }


async def births(home: twin.Twin, done: Callable[[Object], bool]) -> list[str]:
    """Names of pods in the order in which they were made until the set is done."""
    seen: dict[str, str] = {}

    async def watched() -> bool:
        for pod in await home.all(kinds.POD):
            seen.setdefault(pod["metadata"]["uid"], pod["metadata"]["name"])
        return done(await home.get(kinds.STATEFUL_SET, "web"))

    await home.until(watched)
    return list(seen.values())


async def test_pods_come_one_after_the_other(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(workload("StatefulSet", replicas=3))
        together: set[int] = set()

        async def watched() -> bool:
            pods = await home.all(kinds.POD)
            together.add(sum(not conditions.is_true(p, "Ready") for p in pods))
            return rolled_out(await home.get(kinds.STATEFUL_SET, "web"))

        await home.until(watched)
        assert together <= {0, 1}
        assert list(await images(home)) == ["web-0", "web-1", "web-2"]
        pod = await home.get(kinds.POD, "web-1")
        assert pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "1"
        assert pod["spec"]["hostname"] == "web-1"


async def test_parallel_pods_come_at_once(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(
            workload("StatefulSet", replicas=3, podManagementPolicy="Parallel")
        )
        assert await settle(home) < 3


async def test_an_update_goes_from_the_last_to_the_first(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("StatefulSet", replicas=3))
        await settle(home)
        await home.cluster.patch(
            kinds.STATEFUL_SET, "web", "home", {"spec": {"template": image("two")}}
        )
        order = await births(home, rolled_out)
        assert order[-3:] == ["web-2", "web-1", "web-0"]
        assert set((await images(home)).values()) == {"two"}
        assert len(await home.all(kinds.CONTROLLER_REVISION)) == 2


async def test_a_partition_holds_the_update_back(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
        await home.cluster.create(workload("StatefulSet", replicas=3, updateStrategy=strategy))
        await settle(home)
        await home.cluster.patch(
            kinds.STATEFUL_SET, "web", "home", {"spec": {"template": image("two")}}
        )
        await settle(home)
        assert await images(home) == {"web-0": "one", "web-1": "one", "web-2": "two"}
        # A pod below the partition that is lost comes back as it was.
        await home.cluster.delete(kinds.POD, "web-0", "home")
        await home.passes(10)
        assert await images(home) == {"web-0": "one", "web-1": "one", "web-2": "two"}
        await home.cluster.patch(
            kinds.STATEFUL_SET,
            "web",
            "home",
            {"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}},
        )
        await home.passes(30)
        assert set((await images(home)).values()) == {"two"}


async def test_scaling_down_takes_the_last_first_and_keeps_the_claims(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("StatefulSet", replicas=3, volumeClaimTemplates=[CLAIM]))
        await settle(home)
        claims = await home.all(kinds.PERSISTENT_VOLUME_CLAIM)
        assert [c["metadata"]["name"] for c in claims] == [f"data-web-{n}" for n in range(3)]
        assert {c["status"]["phase"] for c in claims} == {"Bound"}
        await home.cluster.patch(kinds.STATEFUL_SET, "web", "home", {"spec": {"replicas": 1}})
        await home.passes(30)
        assert list(await images(home)) == ["web-0"]
        after = await home.all(kinds.PERSISTENT_VOLUME_CLAIM)
        assert [c["metadata"]["uid"] for c in after] == [c["metadata"]["uid"] for c in claims]


async def test_a_pod_that_is_lost_comes_back_with_its_volume(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=3) as home:
        await home.cluster.create(workload("StatefulSet", replicas=2, volumeClaimTemplates=[CLAIM]))
        await settle(home)
        before = await home.get(kinds.POD, "web-1")
        await home.cluster.delete(kinds.POD, "web-1", "home")
        await home.passes(10)
        after = await home.get(kinds.POD, "web-1")
        assert after["metadata"]["uid"] != before["metadata"]["uid"]
        assert after["spec"]["nodeName"] == before["spec"]["nodeName"]
        volume = after["spec"]["volumes"][0]
        assert volume == {"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}


async def test_a_refused_pod_is_tried_again_without_spinning(
    world: Callable[..., Any], workload: Any
) -> None:
    refused = script.Script(refusal="OutOfcpu")
    async with world(behaviour=lambda _pod: refused) as home:
        await home.cluster.create(workload("StatefulSet", replicas=1))
        uids: set[str] = set()

        async def watched() -> bool:
            uids.update(p["metadata"]["uid"] for p in await home.all(kinds.POD))
            return False

        with pytest.raises(TimeoutError):
            await home.until(watched, within=30)
        assert 4 <= len(uids) <= 7


async def test_a_slow_end_is_waited_for(world: Callable[..., Any], workload: Any) -> None:
    slow = script.Script(stops_after=timedelta(seconds=8))
    async with world(behaviour=lambda _pod: slow) as home:
        await home.cluster.create(workload("StatefulSet", replicas=1))
        await settle(home)
        await home.cluster.delete(kinds.POD, "web-0", "home")
        await home.passes(5)
        assert len(await home.all(kinds.POD)) == 1
        await home.passes(6)
        assert conditions.is_true(await home.get(kinds.POD, "web-0"), "Ready")


async def test_on_delete_waits_for_a_person(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(
            workload("StatefulSet", replicas=2, updateStrategy={"type": "OnDelete"})
        )
        await home.passes(10)
        await home.cluster.patch(
            kinds.STATEFUL_SET, "web", "home", {"spec": {"template": image("two")}}
        )
        await home.passes(10)
        assert set((await images(home)).values()) == {"one"}
        await home.cluster.delete(kinds.POD, "web-0", "home")
        await home.passes(10)
        assert await images(home) == {"web-0": "two", "web-1": "one"}
