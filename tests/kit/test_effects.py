"""Is a pass that changes nothing told from one that acts?"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ouranos.kit import cluster, controller, effects, kinds, metrics, outcome, seams

pytestmark = pytest.mark.virtual_time
Make = Callable[..., Any]


def test_outside_a_pass_nobody_counts() -> None:
    effects.note()
    with effects.counted() as counted:
        pass
    effects.note()
    assert counted.count == 0


async def test_tasks_and_threads_of_a_pass_count_for_it() -> None:
    async def task() -> None:
        effects.note()
        await asyncio.to_thread(effects.note)

    with effects.counted() as counted:
        await asyncio.gather(task(), task())
        with effects.counted() as another:
            effects.note()
    assert (counted.count, another.count) == (4, 1)


async def test_reading_and_trying_dry_is_no_change(source: cluster.Cluster, config: Make) -> None:
    namespaced = {**config(), "metadata": {"name": "config", "namespace": "home"}}
    with effects.counted() as counted:
        await source.list(kinds.CONFIG_MAP)
        await source.apply(namespaced, dry_run=True)
        assert counted.count == 0
        await source.apply(namespaced)
        assert counted.count == 1
        await source.delete(kinds.CONFIG_MAP, "config", "home")
        assert counted.count == 2


async def test_only_passes_that_change_nothing_are_timed_as_such(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    def acted() -> int:
        passes = metrics.RECONCILE_SECONDS.count("keystone", "")
        return passes - metrics.UNCHANGED_SECONDS.count("keystone")

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.apply(config())
        return outcome.DONE

    before = acted()
    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
        assert acted() == before + 1
        unchanged = metrics.UNCHANGED_SECONDS.count("keystone")
        annotations = {"metadata": {"annotations": {"touched": "1"}}}
        await source.patch(kinds.KEYSTONE, "keystone", "home", annotations)
        await given.clock.sleep(1)
    assert metrics.UNCHANGED_SECONDS.count("keystone") > unchanged
    assert acted() == before + 1
