"""Is there one pod on each node that is chosen, and does an update go node by node?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.engine.simulation import script, twin
from ouranos.kit import conditions, kinds, objects
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


def image(name: str) -> Object:
    return {"spec": {"containers": [{"name": "main", "image": name}]}}


def rolled_out(one: Object) -> bool:
    """What `kubectl rollout status daemonset` asks."""
    status = objects.mapping(one, "status")
    desired = status.get("desiredNumberScheduled", 0)
    return (
        one["metadata"]["generation"] <= status.get("observedGeneration", 0)
        and desired > 0
        and status.get("updatedNumberScheduled", 0) >= desired
        and status.get("numberAvailable", 0) >= desired
    )


async def settle(home: twin.Twin) -> float:
    async def done() -> bool:
        return rolled_out(await home.get(kinds.DAEMON_SET, "web"))

    return await home.until(done, 120)


async def places(home: twin.Twin) -> list[str]:
    return sorted(p["spec"].get("nodeName", "") for p in await home.all(kinds.POD))


async def test_each_node_gets_one_pod(world: Callable[..., Any], workload: Any) -> None:
    async with world(nodes=3) as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet"))
        await settle(home)
        assert await places(home) == ["node1", "node2", "node3"]
        status = (await home.get(kinds.DAEMON_SET, "web"))["status"]
        assert status["numberReady"] == status["currentNumberScheduled"] == 3
        assert status["numberMisscheduled"] == status["numberUnavailable"] == 0


async def test_labels_decide_and_a_label_that_goes_takes_the_pod_along(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=3) as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet", pod={"nodeSelector": {"role": "compute"}}))
        await home.passes(3)
        assert await places(home) == []
        for value, expected in (("compute", ["node2"]), (None, [])):
            labels = {"metadata": {"labels": {"role": value}}}
            await home.cluster.patch(kinds.NODE, "node2", "", labels)
            await home.passes(5)
            assert await places(home) == expected


async def test_an_update_leaves_no_more_than_one_node_without(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=3) as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet"))
        await settle(home)
        await home.cluster.patch(
            kinds.DAEMON_SET, "web", "home", {"spec": {"template": image("two")}}
        )
        fewest = 3

        async def watched() -> bool:
            nonlocal fewest
            pods = await home.all(kinds.POD)
            ready = [
                p for p in pods if conditions.is_true(p, "Ready") and not objects.is_deleting(p)
            ]
            fewest = min(fewest, len(ready))
            return rolled_out(await home.get(kinds.DAEMON_SET, "web"))

        await home.until(watched)
        assert fewest == 2
        assert {p["spec"]["containers"][0]["image"] for p in await home.all(kinds.POD)} == {"two"}


async def test_a_surging_update_leaves_no_node_without(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=2) as home:
        await home.passes(1)
        rolling = {"maxSurge": 1, "maxUnavailable": 0}
        strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
        await home.cluster.create(workload("DaemonSet", updateStrategy=strategy))
        await settle(home)
        await home.cluster.patch(
            kinds.DAEMON_SET, "web", "home", {"spec": {"template": image("two")}}
        )
        fewest = 2

        async def watched() -> bool:
            nonlocal fewest
            pods = await home.all(kinds.POD)
            serving = {
                p["spec"]["nodeName"]
                for p in pods
                if conditions.is_true(p, "Ready") and not objects.is_deleting(p)
            }
            fewest = min(fewest, len(serving))
            return rolled_out(await home.get(kinds.DAEMON_SET, "web"))

        await home.until(watched)
        await home.passes(2)
        assert fewest == 2
        images = [p["spec"]["containers"][0]["image"] for p in await home.all(kinds.POD)]
        assert images == ["two", "two"]


async def test_on_delete_waits_for_a_person(world: Callable[..., Any], workload: Any) -> None:
    async with world(nodes=2) as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet", updateStrategy={"type": "OnDelete"}))
        await settle(home)
        await home.cluster.patch(
            kinds.DAEMON_SET, "web", "home", {"spec": {"template": image("two")}}
        )
        await home.passes(10)
        pods = await home.all(kinds.POD)
        assert [p["spec"]["containers"][0]["image"] for p in pods] == ["one", "one"]
        await home.cluster.delete(kinds.POD, pods[0]["metadata"]["name"], "home")
        await home.passes(10)
        images = [p["spec"]["containers"][0]["image"] for p in await home.all(kinds.POD)]
        assert sorted(images) == ["one", "two"]


async def test_a_pod_stays_on_a_node_that_fell_silent_and_on_a_cordoned_one(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(nodes=2) as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet"))
        await settle(home)
        await home.cluster.patch(kinds.NODE, "node2", "", {"spec": {"unschedulable": True}})
        home.nodes[0].silent = True
        await home.passes(700)
        pods = await home.all(kinds.POD)
        assert sorted(p["spec"]["nodeName"] for p in pods) == ["node1", "node2"]
        assert not any(objects.is_deleting(p) for p in pods)


async def test_a_refused_pod_is_tried_again_without_spinning(
    world: Callable[..., Any], workload: Any
) -> None:
    refused = script.Script(refusal="OutOfcpu")
    async with world(behaviour=lambda _pod: refused) as home:
        await home.cluster.create(workload("DaemonSet"))
        uids: set[str] = set()

        async def watched() -> bool:
            uids.update(p["metadata"]["uid"] for p in await home.all(kinds.POD))
            return False

        with pytest.raises(TimeoutError):
            await home.until(watched, within=30)
        assert 4 <= len(uids) <= 7


async def test_a_pod_that_ends_slowly_is_not_doubled(
    world: Callable[..., Any], workload: Any
) -> None:
    slow = script.Script(stops_after=timedelta(seconds=8))
    async with world(behaviour=lambda _pod: slow) as home:
        await home.passes(1)
        await home.cluster.create(workload("DaemonSet"))
        await settle(home)
        [pod] = await home.all(kinds.POD)
        await home.cluster.delete(kinds.POD, pod["metadata"]["name"], "home")
        await home.passes(5)
        assert len(await home.all(kinds.POD)) == 1
        await home.passes(6)
        assert rolled_out(await home.get(kinds.DAEMON_SET, "web"))
