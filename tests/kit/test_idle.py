"""What do many settled objects cost while nothing happens? Counted, in virtual time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.kit import cluster, controller, outcome, seams

pytestmark = pytest.mark.virtual_time
Make = Callable[..., Any]
MINUTE = timedelta(minutes=1)


async def test_an_idle_time_of_many_objects_asks_the_api_nothing_and_has_few_passes(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    tap: Any,
) -> None:
    passes: list[str] = []
    looked: list[str] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        passes.append(p.key.name)
        total = outcome.DONE
        for what in ("catalog", "health"):

            async def look(what: str = what) -> outcome.Outcome:
                looked.append(f"{p.key.name} {what}")
                return outcome.DONE

            total |= await p.look(what, "", look, MINUTE)
        return total

    for number in range(100):
        await source.create(keystone(f"k{number}"))
    async with running(controlling(reconcile)):
        await given.clock.sleep(60)
        for past in (tap.requests, passes, looked):
            past.clear()
        await given.clock.sleep(1200)
    assert tap.requests == []
    assert len(set(looked)) == 200, "nothing is forgotten"
    assert len(looked) <= 1200 / 2 + 200, "one in two seconds, however many there are"
    assert len(passes) <= len(looked)


async def test_many_settled_objects_are_looked_at_again_more_rarely(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    passes: list[str] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        passes.append(p.key.name)
        return outcome.DONE if p.key.name != "waits" else outcome.wait("its turn")

    for name in ("waits", *(f"k{number}" for number in range(299))):
        await source.create(keystone(name))
    async with running(controlling(reconcile)):
        await given.clock.sleep(10)
        assert len(passes) == 300
        passes.clear()
        await given.clock.sleep(1100)
        assert set(passes) == {"waits"}, "an event that it waits for may have been missed"
        await given.clock.sleep(350)
        assert len(set(passes)) == 300
