"""A daemon's word is taken only once all that it holds follows from what really runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from ouranos.solo import first_look


class World:
    """An API, a node and a runner in one; each look at them takes the next moment of a story."""

    def __init__(self, moments: Iterator[tuple[bool, int]]) -> None:
        self.awaited = first_look.NAME
        self.moments = moments
        self.is_at_rest, self._version = False, 0
        self.looked = asyncio.Event()
        self.looks = 0

    async def told(self) -> None:
        await self.looked.wait()

    @property
    def version(self) -> int:
        return self._version

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.looks += 1
        self.is_at_rest, self._version = next(self.moments)


async def end(world: Any) -> None:
    await first_look.end(world, world, world, world)


async def test_nothing_is_ready_before_the_node_has_told_its_pods() -> None:
    world = World(iter([(True, 1)] * 5))
    task = asyncio.create_task(end(world))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (world.looks, world.awaited) == (0, first_look.NAME)
    world.looked.set()
    await task
    assert world.awaited == ""


@pytest.mark.virtual_time
async def test_a_pod_that_cannot_be_told_of_does_not_hide_the_rest_for_ever() -> None:
    world = World(iter([(True, 1)] * 5))
    began = asyncio.get_running_loop().time()
    await end(world)
    assert world.awaited == ""
    assert asyncio.get_running_loop().time() - began == pytest.approx(60)


@pytest.mark.parametrize(
    ("moments", "looks"),
    [
        ([(True, 1)] * 5, 5),
        ([(False, 1)] * 7 + [(True, 1)] * 4, 11),
        ([(True, 1)] * 4 + [(True, 2)] * 5, 9),
        ([(True, 1)] * 3 + [(False, 1)] + [(True, 1)] * 4, 8),
    ],
    ids=["quiet", "a pass is under way", "something was written", "a pass in between"],
)
async def test_all_is_told_after_a_time_without_a_write_and_without_a_pass(
    moments: list[tuple[bool, int]], looks: int
) -> None:
    world = World(iter(moments))
    world.looked.set()
    await end(world)
    assert (world.looks, world.awaited) == (looks, "")
