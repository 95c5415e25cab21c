"""Does a task run to its end, the right number of times, whatever happens?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.engine.simulation import script, twin
from ouranos.kit import conditions, kinds
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time

NEVER = {"restartPolicy": "Never"}


def ends(code: int = 0, after: float = 2, **more: Any) -> Callable[[Object], script.Script]:
    played = script.Script(exits_after=timedelta(seconds=after), code=code, **more)
    return lambda _pod: played


async def over(home: twin.Twin, within: float = 600) -> Object:
    async def done() -> bool:
        job = await home.get(kinds.JOB, "web")
        return conditions.is_true(job, "Complete") or conditions.is_true(job, "Failed")

    await home.until(done, within)
    return await home.get(kinds.JOB, "web")


def reason(job: Object, type_: str) -> str:
    return (conditions.find(conditions.of(job), type_) or {})["reason"]


async def test_a_job_completes(world: Callable[..., Any], workload: Any) -> None:
    async with world(behaviour=ends()) as home:
        await home.cluster.create(workload("Job", pod=NEVER))
        job = await over(home)
        assert job["status"]["succeeded"] == 1
        assert job["status"]["active"] == 0
        assert "completionTime" in job["status"]
        assert conditions.is_true(job, "SuccessCriteriaMet")
        [pod] = await home.all(kinds.POD)
        assert not pod["metadata"].get("finalizers")


async def test_parallel_completions(world: Callable[..., Any], workload: Any) -> None:
    async with world(behaviour=ends()) as home:
        await home.cluster.create(workload("Job", pod=NEVER, completions=5, parallelism=2))
        most = 0

        async def watched() -> bool:
            nonlocal most
            pods = await home.all(kinds.POD)
            most = max(most, sum(p["status"]["phase"] in {"Pending", "Running"} for p in pods))
            return conditions.is_true(await home.get(kinds.JOB, "web"), "Complete")

        await home.until(watched)
        assert most == 2
        assert (await home.get(kinds.JOB, "web"))["status"]["succeeded"] == 5
        assert len(await home.all(kinds.POD)) == 5


async def test_failures_are_tried_again_ever_later_and_not_for_ever(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(behaviour=ends(code=1)) as home:
        began = home.seams.clock.monotonic()
        await home.cluster.create(workload("Job", pod=NEVER, backoffLimit=3))
        job = await over(home)
        assert reason(job, "Failed") == "BackoffLimitExceeded"
        assert job["status"]["failed"] == 4
        assert home.seams.clock.monotonic() - began > 10 + 20 + 40


async def test_restarts_in_place_count_as_tries(world: Callable[..., Any], workload: Any) -> None:
    async with world(behaviour=ends(code=1)) as home:
        await home.cluster.create(
            workload("Job", pod={"restartPolicy": "OnFailure"}, backoffLimit=2)
        )
        job = await over(home)
        assert reason(job, "Failed") == "BackoffLimitExceeded"
        await home.passes(5)
        assert await home.all(kinds.POD) == [] or all(
            p["metadata"].get("deletionTimestamp") or p["status"]["phase"] == "Failed"
            for p in await home.all(kinds.POD)
        )


async def test_a_job_that_takes_too_long_fails(world: Callable[..., Any], workload: Any) -> None:
    async with world() as home:
        await home.cluster.create(workload("Job", pod=NEVER, activeDeadlineSeconds=30))
        job = await over(home)
        assert reason(job, "Failed") == "DeadlineExceeded"
        assert 29 <= home.seams.clock.monotonic() <= 33
        assert await home.all(kinds.POD) == []


async def test_a_job_that_is_over_goes_after_its_time(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(behaviour=ends()) as home:
        await home.cluster.create(workload("Job", pod=NEVER, ttlSecondsAfterFinished=60))
        await over(home)
        await home.passes(50)
        assert await home.all(kinds.JOB)
        await home.passes(15)
        assert await home.all(kinds.JOB) == []
        assert await home.all(kinds.POD) == []


async def test_a_suspended_job_starts_when_it_is_let(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(behaviour=ends(after=20)) as home:
        await home.cluster.create(workload("Job", pod=NEVER, suspend=True))
        await home.passes(5)
        assert await home.all(kinds.POD) == []
        assert conditions.is_true(await home.get(kinds.JOB, "web"), "Suspended")
        for suspended in (False, True, False):
            await home.cluster.patch(kinds.JOB, "web", "home", {"spec": {"suspend": suspended}})
            await home.passes(5)
            assert len(await home.all(kinds.POD)) == (0 if suspended else 1)
        job = await over(home)
        assert job["status"]["succeeded"] == 1
        assert job["status"]["failed"] == 0


async def test_a_finished_pod_that_is_deleted_before_it_is_seen_is_counted(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world(behaviour=ends()) as home:
        await home.cluster.create(workload("Job", pod=NEVER))
        await home.passes(1)
        await home.stop()
        [pod] = await home.all(kinds.POD)
        ended = {"status": {"phase": "Succeeded"}}
        name = pod["metadata"]["name"]
        await home.cluster.patch(kinds.POD, name, "home", ended, subresource="status")
        await home.cluster.delete(kinds.POD, name, "home", grace_seconds=0)
        assert await home.all(kinds.POD)
        home.start()
        job = await over(home)
        assert job["status"]["succeeded"] == 1
        await home.passes(5)
        assert await home.all(kinds.POD) == []


@pytest.mark.parametrize("seed", range(5))
async def test_a_killed_controller_counts_nothing_twice(
    world: Callable[..., Any], workload: Any, seed: int
) -> None:
    async with world(behaviour=ends(after=0.3)) as home:
        await home.cluster.create(workload("Job", pod=NEVER, completions=4, parallelism=2))
        for _ in range(12):
            await home.passes(0.05 + seed * 0.07)
            await home.stop()
            home.start()
        job = await over(home)
        assert job["status"]["succeeded"] == 4
        pods = await home.all(kinds.POD)
        assert sum(p["status"]["phase"] == "Succeeded" for p in pods) == 4


async def test_a_deleted_job_takes_its_running_pods_along(
    world: Callable[..., Any], workload: Any
) -> None:
    async with world() as home:
        await home.cluster.create(workload("Job", pod=NEVER))
        await home.passes(5)
        await home.cluster.delete(kinds.JOB, "web", "home")
        await home.passes(10)
        assert await home.all(kinds.POD) == []
