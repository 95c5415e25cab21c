"""Is there a Job for each time of a schedule, and no more?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.engine.simulation import script
from ouranos.kit import kinds
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


def cron_job(schedule: str = "*/5 * * * *", **spec: Any) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tidy", "namespace": "home"},
        "spec": {
            "schedule": schedule,
            "jobTemplate": {"spec": {"template": {"spec": pod}}},
            **spec,
        },
    }


def lasting(seconds: float, code: int = 0) -> Callable[[Object], script.Script]:
    played = script.Script(exits_after=timedelta(seconds=seconds), code=code)
    return lambda _pod: played


async def test_jobs_come_on_time_and_old_ones_go(world: Callable[..., Any]) -> None:
    async with world(behaviour=lasting(10)) as home:
        await home.cluster.create(cron_job())
        await home.passes(299)
        assert await home.all(kinds.JOB) == []
        await home.passes(2)
        assert len(await home.all(kinds.JOB)) == 1
        await home.passes(1530)
        assert len(await home.all(kinds.JOB)) == 3
        found = await home.get(kinds.CRON_JOB, "tidy")
        assert found["status"]["lastScheduleTime"] == "2026-11-01T12:30:00Z"
        assert found["status"]["lastSuccessfulTime"].startswith("2026-11-01T12:30")


async def test_a_time_zone_is_kept(world: Callable[..., Any]) -> None:
    async with world(behaviour=lasting(1)) as home:
        await home.cluster.create(cron_job("30 13 * * *", timeZone="Europe/Zurich"))
        await home.passes(1801)
        assert len(await home.all(kinds.JOB)) == 1


@pytest.mark.parametrize(("policy", "most", "runs"), [("Forbid", 1, 3), ("Allow", 2, 4)])
async def test_concurrency_is_what_the_policy_says(
    world: Callable[..., Any], policy: str, most: int, runs: int
) -> None:
    async with world(behaviour=lasting(450)) as home:
        await home.cluster.create(cron_job(concurrencyPolicy=policy))
        seen: set[str] = set()
        together = 0

        async def watched() -> bool:
            nonlocal together
            jobs = await home.all(kinds.JOB)
            seen.update(j["metadata"]["name"] for j in jobs)
            together = max(together, sum(j["status"].get("active", 0) for j in jobs))
            return home.seams.clock.monotonic() > 1210

        await home.until(watched, 1300, every=10)
        assert together == most
        assert len(seen) == runs


async def test_replace_ends_what_still_runs(world: Callable[..., Any]) -> None:
    async with world(behaviour=lasting(5000)) as home:
        await home.cluster.create(cron_job(concurrencyPolicy="Replace"))
        await home.passes(605)
        [job] = await home.all(kinds.JOB)
        scheduled = "batch.kubernetes.io/cronjob-scheduled-timestamp"
        assert job["metadata"]["annotations"][scheduled] == "2026-11-01T12:10:00Z"


async def test_what_was_missed_for_too_long_is_not_made_up_for(
    world: Callable[..., Any],
) -> None:
    async with world(behaviour=lasting(1)) as home:
        await home.cluster.create(cron_job("0 * * * *", startingDeadlineSeconds=60))
        await home.passes(10)
        await home.stop()
        await home.passes(5.5 * 3600)
        home.start()
        await home.passes(600)
        assert await home.all(kinds.JOB) == []


async def test_what_was_missed_is_made_up_for_once(world: Callable[..., Any]) -> None:
    async with world(behaviour=lasting(1)) as home:
        await home.cluster.create(cron_job("0 * * * *"))
        await home.passes(10)
        await home.stop()
        await home.passes(5 * 3600)
        home.start()
        await home.passes(600)
        assert len(await home.all(kinds.JOB)) == 1


async def test_a_suspended_one_makes_none(world: Callable[..., Any]) -> None:
    async with world(behaviour=lasting(1)) as home:
        await home.cluster.create(cron_job(suspend=True))
        await home.passes(1800)
        assert await home.all(kinds.JOB) == []
