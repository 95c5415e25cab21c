"""Is a key run when it should, never twice at once, and no more when it is forgotten?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from ouranos.engine.simulation import virtual
from ouranos.kit import queue, seams
from ouranos.kit.objects import Key

pytestmark = pytest.mark.virtual_time

A, B = Key("home", "a"), Key("home", "b")


class Log:
    def __init__(self, clock: seams.Clock, lasts: float = 0.0) -> None:
        self.clock, self.lasts = clock, lasts
        self.runs: list[tuple[float, str]] = []

    async def __call__(self, key: Key) -> None:
        self.runs.append((round(self.clock.monotonic(), 3), key.name))
        if self.lasts:
            await self.clock.sleep(self.lasts)


@contextlib.asynccontextmanager
async def serving(
    clock: seams.Clock, run: Callable[[Key], Awaitable[None]], workers: int = 4
) -> AsyncIterator[queue.Queue]:
    made = queue.Queue("test", workers, clock, run)
    task = asyncio.create_task(made.serve())
    await asyncio.sleep(0)
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_nothing_is_begun_beside_a_queue_that_is_not_served(given: seams.Seams) -> None:
    begun: list[bool] = []

    async def work() -> None:
        begun.append(True)

    made = queue.Queue("test", 1, given.clock, Log(given.clock))
    made.beside(work())
    async with serving(given.clock, Log(given.clock)) as served:
        served.beside(work())
        await given.clock.sleep(1)
    assert begun == [True]


async def test_what_is_added_often_runs_once(given: seams.Seams) -> None:
    log = Log(given.clock)
    made = queue.Queue("test", 1, given.clock, log)
    for key in (A, A, B, A):
        made.add(key)
    assert made.due_in(A) == 0.0
    task = asyncio.create_task(made.serve())
    await given.clock.sleep(1)
    assert log.runs == [(0.0, "a"), (0.0, "b")]
    assert made.idle.is_set()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_is_added_while_it_runs_runs_again_after(given: seams.Seams) -> None:
    log = Log(given.clock, lasts=2)
    async with serving(given.clock, log) as made:
        made.add(A)
        await given.clock.sleep(1)
        made.add(A)
        made.add(A)
        made.add_after(A, 0.5)
        assert made.due_in(A) == 0.0
        await given.clock.sleep(10)
    assert log.runs == [(0.0, "a"), (2.0, "a")]


async def test_the_sooner_of_two_times_counts(given: seams.Seams) -> None:
    log = Log(given.clock)
    async with serving(given.clock, log) as made:
        made.add_after(A, 5)
        made.add_after(A, 9)
        made.add_after(B, 9)
        made.add_after(B, 3)
        assert made.due_in(A) == 5.0
        await given.clock.sleep(20)
    assert log.runs == [(3.0, "b"), (5.0, "a")]


async def test_running_at_once_takes_the_place_of_running_later(given: seams.Seams) -> None:
    log = Log(given.clock)
    async with serving(given.clock, log) as made:
        made.add_after(A, 5)
        made.add(A)
        await given.clock.sleep(20)
        assert made.due_in(A) is None
    assert log.runs == [(0.0, "a")]


async def test_what_is_forgotten_does_not_run(given: seams.Seams) -> None:
    log = Log(given.clock, lasts=1)
    async with serving(given.clock, log) as made:
        made.add_after(A, 5)
        made.forget(A)
        made.add(B)
        await given.clock.sleep(0.5)
        made.add(B)
        made.forget(B)
        await given.clock.sleep(20)
    assert log.runs == [(0.0, "b")]


async def test_no_more_run_at_once_than_there_are_workers(given: seams.Seams) -> None:
    log = Log(given.clock, lasts=1)
    async with serving(given.clock, log, workers=2) as made:
        for name in "abcde":
            made.add(Key("home", name))
        assert not made.idle.is_set()
        await given.clock.sleep(10)
        assert made.idle.is_set()
    assert [moment for moment, _ in log.runs] == [0.0, 0.0, 1.0, 1.0, 2.0]


async def test_what_is_put_off_again_and_again_takes_no_room(given: seams.Seams) -> None:
    log = Log(given.clock)
    async with serving(given.clock, log) as made:
        for number in range(5000):
            made.add_after(A, 10_000 - number)
        assert len(made._heap) < 200
        await given.clock.sleep(20_000)
    assert len(log.runs) == 1


async def test_a_queue_that_is_ended_takes_no_more(given: seams.Seams) -> None:
    log = Log(given.clock, lasts=5)
    async with serving(given.clock, log) as made:
        made.add(A)
        await given.clock.sleep(1)
        made.add(A)
    made.add_after(B, 1)
    await given.clock.sleep(10)
    assert log.runs == [(0.0, "a")]


commands = st.lists(
    st.tuples(
        st.sampled_from(["add", "later", "forget", "wait"]),
        st.sampled_from("abc"),
        st.floats(0, 5, allow_nan=False),
    ),
    max_size=30,
)


class Story:
    """Does to a queue what it is told, and remembers what must come of it."""

    def __init__(self, workers: int, lasts: float) -> None:
        self.workers, self.lasts = workers, lasts
        self.clock = virtual.VirtualClock()
        self.running: set[str] = set()
        self.begun: dict[str, float] = {}
        self.wanted: dict[str, float] = {}

    async def run(self, key: Key) -> None:
        assert key.name not in self.running
        assert len(self.running) < self.workers
        self.running.add(key.name)
        self.begun[key.name] = self.clock.monotonic()
        await self.clock.sleep(self.lasts)
        self.running.discard(key.name)

    async def do(self, made: queue.Queue, command: str, key: Key, seconds: float) -> None:
        if command == "add":
            made.add(key)
            self.wanted[key.name] = self.clock.monotonic()
        elif command == "later":
            made.add_after(key, seconds)
        elif command == "forget":
            if key not in made._since:
                self.wanted.pop(key.name, None)
            made.forget(key)
        else:
            await self.clock.sleep(seconds)

    async def tell(self, asked: list[tuple[str, str, float]]) -> None:
        async with serving(self.clock, self.run, self.workers) as made:
            for command, name, seconds in asked:
                await self.do(made, command, Key("", name), seconds)
            await self.clock.sleep(1000)
        for name, moment in self.wanted.items():
            assert self.begun[name] >= moment
        assert not self.running


@settings(max_examples=60)
@over(commands, st.integers(1, 3), st.floats(0, 2))
def test_whatever_is_asked_no_key_overlaps_and_none_is_lost(
    asked: list[tuple[str, str, float]], workers: int, lasts: float
) -> None:
    loop = virtual.VirtualLoop()
    try:
        loop.run_until_complete(Story(workers, lasts).tell(asked))
    finally:
        loop.close()
