"""Does a Deployment get there, update without a gap, and say what kubectl reads?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.engine.simulation import script, twin
from ouranos.kit import conditions, kinds, objects
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


def rolled_out(deployment: Object) -> bool:
    """What `kubectl rollout status deployment` asks."""
    status, spec = objects.mapping(deployment, "status"), deployment["spec"]
    return (
        deployment["metadata"]["generation"] <= status.get("observedGeneration", 0)
        and status.get("updatedReplicas", 0) >= spec["replicas"]
        and status.get("replicas", 0) <= status.get("updatedReplicas", 0)
        and status.get("availableReplicas", 0) >= status.get("updatedReplicas", 0)
    )


async def settle(world: twin.Twin, within: float = 120) -> float:
    async def done() -> bool:
        return rolled_out(await world.get(kinds.DEPLOYMENT, "web"))

    return await world.until(done, within)


async def update(world: twin.Twin, **spec: Any) -> None:
    await world.cluster.patch(kinds.DEPLOYMENT, "web", "home", {"spec": spec})


def image(name: str) -> Object:
    return {"spec": {"containers": [{"name": "main", "image": name}]}}


def reason(obj: Object, type_: str) -> str:
    return (conditions.find(conditions.of(obj), type_) or {})["reason"]


async def test_a_deployment_gets_its_pods(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=3))
        assert await settle(home) < 5
        deployment = await home.get(kinds.DEPLOYMENT, "web")
        assert deployment["status"]["readyReplicas"] == 3
        assert reason(deployment, "Progressing") == "NewReplicaSetAvailable"
        assert reason(deployment, "Available") == "MinimumReplicasAvailable"
        [replica_set] = await home.all(kinds.REPLICA_SET)
        hashed = replica_set["metadata"]["labels"]["pod-template-hash"]
        assert replica_set["metadata"]["name"] == f"web-{hashed}"
        assert {
            p["metadata"]["labels"]["pod-template-hash"] for p in await home.all(kinds.POD)
        } == {hashed}


@pytest.mark.parametrize(
    ("surge", "unavailable", "most", "least"),
    [(1, 0, 5, 4), (0, 1, 4, 3), ("50%", "25%", 6, 3), (0, 0, 4, 3)],
)
async def test_a_rolling_update_stays_within_its_bounds(
    world: Callable[..., Any], workload: Any, surge: Any, unavailable: Any, most: int, least: int
) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    if surge == unavailable == 0:
        rolling = {"maxSurge": "1%", "maxUnavailable": "1%"}
        most = 5
    async with world() as home:
        strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
        await home.cluster.create(workload("Deployment", replicas=4, strategy=strategy))
        await settle(home)
        await update(home, template=image("two"))
        counts: list[tuple[int, int]] = []

        async def watched() -> bool:
            active = [p for p in await home.all(kinds.POD) if not objects.is_deleting(p)]
            ready = [p for p in active if conditions.is_true(p, "Ready")]
            counts.append((len(active), len(ready)))
            return rolled_out(await home.get(kinds.DEPLOYMENT, "web"))

        await home.until(watched)
        assert max(active for active, _ in counts) <= most
        assert min(ready for _, ready in counts) >= least
        await home.passes(2)
        images = {p["spec"]["containers"][0]["image"] for p in await home.all(kinds.POD)}
        assert images == {"two"}


async def test_recreate_never_has_two_templates_at_once(
    world: Callable[..., Any], workload: Any
) -> None:
    slow = script.Script(stops_after=timedelta(seconds=5))
    async with world(behaviour=lambda _pod: slow) as home:
        await home.cluster.create(workload("Deployment", replicas=3, strategy={"type": "Recreate"}))
        await settle(home)
        await update(home, template=image("two"))
        seen: set[frozenset[str]] = set()

        async def watched() -> bool:
            pods = await home.all(kinds.POD)
            seen.add(frozenset(p["spec"]["containers"][0]["image"] for p in pods))
            return rolled_out(await home.get(kinds.DEPLOYMENT, "web"))

        await home.until(watched)
        assert frozenset({"one", "two"}) not in seen
        assert frozenset({"two"}) in seen


async def test_a_rollout_that_does_not_progress_says_so(
    world: Callable[..., Any], workload: Any
) -> None:
    def behaviour(pod: Object) -> script.Script:
        bad = pod["spec"]["containers"][0]["image"] == "bad"
        return script.Script(ready_after=None if bad else timedelta(seconds=1))

    async with world(behaviour=behaviour) as home:
        await home.cluster.create(workload("Deployment", replicas=2, progressDeadlineSeconds=60))
        await settle(home)
        await update(home, template=image("bad"))
        await home.passes(50)
        assert reason(await home.get(kinds.DEPLOYMENT, "web"), "Progressing") == "ReplicaSetUpdated"
        await home.passes(20)
        deployment = await home.get(kinds.DEPLOYMENT, "web")
        assert reason(deployment, "Progressing") == "ProgressDeadlineExceeded"
        assert conditions.is_true(deployment, "Available")

        await update(home, template=image("good"))
        await settle(home)
        deployment = await home.get(kinds.DEPLOYMENT, "web")
        assert reason(deployment, "Progressing") == "NewReplicaSetAvailable"


async def test_going_back_uses_the_old_replica_set_and_counts_revisions(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=1, revisionHistoryLimit=1))
        for name in ("two", "three", "two"):
            await settle(home)
            await update(home, template=image(name))
        await settle(home)
        await home.passes(5)
        sets = await home.all(kinds.REPLICA_SET)
        revisions = {
            s["spec"]["template"]["spec"]["containers"][0]["image"]: s["metadata"]["annotations"][
                "deployment.kubernetes.io/revision"
            ]
            for s in sets
        }
        assert revisions == {"two": "4", "three": "3"}
        deployment = await home.get(kinds.DEPLOYMENT, "web")
        assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "4"


async def test_scaling_in_the_middle_of_a_rollout_shares_the_pods_out(
    world: Callable[..., Any], workload: Any
) -> None:
    def behaviour(pod: Object) -> script.Script:
        bad = pod["spec"]["containers"][0]["image"] == "bad"
        return script.Script(ready_after=None if bad else timedelta(seconds=1))

    async with world(behaviour=behaviour) as home:
        rolling = {"maxSurge": 2, "maxUnavailable": 2}
        strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
        await home.cluster.create(workload("Deployment", replicas=10, strategy=strategy))
        await settle(home)
        await update(home, template=image("bad"))
        await home.passes(20)
        await update(home, replicas=20)
        await home.passes(20)
        sizes = {
            s["spec"]["template"]["spec"]["containers"][0]["image"]: s["spec"]["replicas"]
            for s in await home.all(kinds.REPLICA_SET)
        }
        assert sum(sizes.values()) == 22
        assert sizes["one"] >= 14


async def test_a_paused_deployment_scales_but_does_not_roll(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=2))
        await settle(home)
        await update(home, paused=True, template=image("two"), replicas=3)
        await home.passes(20)
        pods = await home.all(kinds.POD)
        assert [p["spec"]["containers"][0]["image"] for p in pods] == ["one"] * 3
        deployment = await home.get(kinds.DEPLOYMENT, "web")
        assert reason(deployment, "Progressing") == "DeploymentPaused"
        await update(home, paused=None)
        await settle(home)
        await home.passes(2)
        images = {p["spec"]["containers"][0]["image"] for p in await home.all(kinds.POD)}
        assert images == {"two"}


async def test_deleting_a_deployment_takes_its_pods_along(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=2))
        await settle(home)
        await home.cluster.delete(kinds.DEPLOYMENT, "web", "home")
        await home.passes(5)
        assert await home.all(kinds.POD) == []
        assert await home.all(kinds.REPLICA_SET) == []


async def test_a_pod_deleted_behind_our_back_is_made_again(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=2))
        await settle(home)
        [first, second] = await home.all(kinds.POD)
        await home.cluster.delete(kinds.POD, first["metadata"]["name"], "home")
        await home.passes(5)
        names = {p["metadata"]["name"] for p in await home.all(kinds.POD)}
        assert second["metadata"]["name"] in names
        assert first["metadata"]["name"] not in names
        assert len(names) == 2


async def test_pods_become_available_only_after_min_ready_seconds(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=1, minReadySeconds=30))
        assert 30 <= await settle(home) < 34


async def test_a_killed_controller_leaves_neither_two_nor_none(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Deployment", replicas=3))
        for _ in range(8):
            await home.passes(0.01)
            await home.stop()
            home.start()
        await settle(home)
        await home.passes(30)
        assert len(await home.all(kinds.REPLICA_SET)) == 1
        assert len(await home.all(kinds.POD)) == 3
