"""Is what was found right outside looked at beside the passes, and put right by a pass?"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.kit import (
    cluster,
    conditions,
    controller,
    effects,
    errors,
    kinds,
    metrics,
    outcome,
    seams,
)
from ouranos.kit.objects import Key

pytestmark = pytest.mark.virtual_time
Make = Callable[..., Any]
EVERY = timedelta(seconds=60)


class Outside:
    """A thing outside that passes keep as it should be."""

    def __init__(self, given: seams.Seams) -> None:
        self.right = False
        self.answers = True
        self.made = 0
        self.looks = 0
        self.seconds = 0.0
        self._clock = given.clock

    async def look(self) -> outcome.Outcome:
        self.looks += 1
        await self._clock.sleep(self.seconds)
        if not self.answers:
            return outcome.wait("the outside to answer", poll=timedelta(seconds=1))
        if not self.right:
            effects.note()
            self.right = True
            self.made += 1
        return outcome.DONE

    async def reconcile(self, p: controller.Pass) -> outcome.Outcome:
        result = await p.look("thing", str(p.object["spec"]), self.look, EVERY)
        if not result.done:
            p.distrust("thing")
        return result


def unchanged() -> int:
    return metrics.UNCHANGED_SECONDS.count("keystone")


async def test_what_is_right_is_looked_at_beside_the_passes(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    outside = Outside(given)
    await source.create(keystone())
    async with running(controlling(outside.reconcile)):
        await given.clock.sleep(1)
        assert (outside.looks, outside.made) == (1, 1)
        outside.seconds = 30.0
        before, slow = unchanged(), metrics.LOOK_SECONDS.count("keystone")
        await given.clock.sleep(100)
        assert outside.looks == 2
        assert unchanged() > before, "the pass did not wait for the look"
        assert metrics.LOOK_SECONDS.count("keystone") == slow + 1
        await given.clock.sleep(600)
    assert outside.looks > 9, "a look that takes its time does not make looks rarer"
    assert outside.made == 1


async def test_what_is_no_longer_right_is_put_right_by_a_pass(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    outside = Outside(given)
    await source.create(keystone())
    async with running(controlling(outside.reconcile)):
        await given.clock.sleep(1)
        outside.right = False
        await given.clock.sleep(62)
        assert (outside.made, outside.looks) == (2, 3), "seen beside, made by the pass it woke"


async def test_what_answers_no_more_is_said_so_within_a_look(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    outside = Outside(given)
    await source.create(keystone())
    async with running(controlling(outside.reconcile)):
        await given.clock.sleep(1)
        outside.answers = False
        await given.clock.sleep(63)
        told = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert told is not None
        ready = next(one for one in told["status"]["conditions"] if one["type"] == "Ready")
        assert (ready["status"], ready["message"]) == ("False", "the outside to answer")
        outside.answers = True
        await given.clock.sleep(3)
        told = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert told is not None
        ready = next(one for one in told["status"]["conditions"] if one["type"] == "Ready")
        assert ready["status"] == "True"


async def test_another_content_is_looked_at_at_once(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    outside = Outside(given)
    await source.create(keystone())
    async with running(controlling(outside.reconcile)):
        await given.clock.sleep(1)
        await source.patch(kinds.KEYSTONE, "keystone", "home", {"metadata": {"labels": {"a": "b"}}})
        await given.clock.sleep(1)
        assert outside.looks == 1, "the same content within its time"
        await source.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"x": 1}})
        await given.clock.sleep(1)
        assert outside.looks == 2


async def test_an_object_that_has_gone_is_not_looked_at_for_what_it_had(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    outside = Outside(given)
    await source.create(keystone())
    async with running(controlling(outside.reconcile)):
        await given.clock.sleep(1)
        outside.seconds, outside.right = 30.0, False
        await given.clock.sleep(70)
        assert outside.looks == 2
        await source.delete(kinds.KEYSTONE, "keystone", "home")
        await given.clock.sleep(120)
        assert (outside.looks, outside.made) == (2, 1)
        await source.create(keystone())
        outside.seconds = 0.0
        await given.clock.sleep(1)
        assert outside.made == 2, "a new object is looked at anew"


async def test_without_a_loop_every_pass_looks_for_itself(
    source: cluster.Cluster, given: seams.Seams, controlling: Make, keystone: Make
) -> None:
    outside = Outside(given)
    await source.create(keystone())
    single = controlling(outside.reconcile)
    for _ in range(2):
        # A loop of its own each time, which serves nothing beside.
        key = Key("home", "keystone")
        result = await controller.run_pass(single, source, key, given)
        assert result.again_in == EVERY
    assert outside.looks == 2


async def test_whoever_only_looks_changes_nothing(source: cluster.Cluster, config: Make) -> None:
    async def change() -> outcome.Outcome:
        await source.apply({**config(), "metadata": {"name": "config", "namespace": "home"}})
        return outcome.DONE

    with effects.counted(allowed=False):
        result = await asyncio.create_task(outcome.settle(change()))
    assert isinstance(result.failures[0], effects.WithheldError)
    assert await source.get(kinds.CONFIG_MAP, "config", "home") is None


async def test_what_a_look_finds_comes_home_with_the_next_pass(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    guests, told = 1, list[int]()

    async def look() -> outcome.Outcome:
        return outcome.Outcome(found={"guests": guests})

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        result = await p.look("thing", "", look, EVERY)
        told.append(result.found["guests"])
        return result

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(61)
        assert set(told) == {1}
        guests = 2
        await given.clock.sleep(61)
        assert told[-1] == 2
        passes = len(told)
        await given.clock.sleep(1)
        assert len(told) == passes, "the same facts wake nobody"
        await given.clock.sleep(120)
        assert len(told) == passes + 2, "nor later: each minute has its own pass and no other"


async def test_many_things_are_looked_at_less_often(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    looked: list[int] = []

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        total = outcome.DONE
        for number in range(300):

            async def look(number: int = number) -> outcome.Outcome:
                looked.append(number)
                return outcome.DONE

            total |= await p.look(str(number), "", look, EVERY)
        return total

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
        assert len(looked) == 300
        await given.clock.sleep(550)
        assert len(looked) == 300
        await given.clock.sleep(130)
        assert len(looked) == 600


async def test_what_was_refused_outside_is_looked_at_again(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    refused = [True]

    async def look() -> outcome.Outcome:
        if refused[0]:
            raise errors.Terminal(conditions.Reason.UNRECOVERABLE, "no such account")
        return outcome.DONE

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        return await p.look("account", "", look, EVERY)

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(200)
        found = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert found
        assert not conditions.is_true(found, "Ready")
        refused[0] = False
        await given.clock.sleep(EVERY.total_seconds() + 5)
        found = await source.get(kinds.KEYSTONE, "keystone", "home")
        assert found
        assert conditions.is_true(found, "Ready")
