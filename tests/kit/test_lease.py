"""Is there ever more than one process that acts, and is there one again soon?"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from hypothesis import given as with_random
from hypothesis import strategies

from ouranos.engine.apiserver import server
from ouranos.engine.simulation import virtual
from ouranos.kit import cluster, conditions, effects, errors, kinds, lease, objects, seams

PLACE = objects.Key("home", "controllers")


class Link(httpx2.AsyncBaseTransport):
    """What is between a process and the API: it can be slow, cut, or lose answers."""

    def __init__(self, api: server.ApiServer, clock: seams.Clock) -> None:
        self.inner = api.transport()
        self.clock = clock
        self.cut = False
        self.deaf = False
        self.delay = 0.0
        self.running = asyncio.Event()
        self.running.set()
        self.arrived: list[tuple[float, str]] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self.clock.sleep(self.delay)
        if self.cut:
            raise httpx2.ConnectError("cut", request=request)
        answer = await self.inner.handle_async_request(request)
        if request.method == "PATCH":
            self.arrived.append((self.clock.monotonic(), request.url.params["fieldManager"]))
        if self.deaf:
            await self.clock.sleep(30)
            raise httpx2.ReadTimeout("deaf", request=request)
        await self.clock.sleep(self.delay)
        await self.running.wait()
        return answer


class Stopping:
    """A clock of a process that can be stopped, as by SIGSTOP: it oversleeps."""

    def __init__(self, clock: seams.Clock, link: Link) -> None:
        self.clock, self.link = clock, link
        self.now, self.monotonic = clock.now, clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)
        await self.link.running.wait()


@dataclass
class Process:
    """Waits for the Lease, writes while it holds it, and begins again."""

    elector: lease.Elector
    link: Link
    terms: list[int]
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    term: lease.Term | None = None

    async def run(self) -> None:
        while True:
            term = self.term = await self.elector.acquire()
            number = len(self.terms)
            self.terms.append(number)
            keeping = asyncio.ensure_future(self.elector.keep(term))
            with effects.fenced(term):
                writing = asyncio.ensure_future(self.write(str(number)))
            try:
                await asyncio.wait({keeping, writing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in (keeping, writing):
                    one.cancel()
                await asyncio.gather(keeping, writing, return_exceptions=True)

    async def write(self, number: str) -> None:
        async with httpx2.AsyncClient(transport=self.link, base_url="http://api") as http:
            source = cluster.Cluster(http, manager=number)
            while True:
                patch = {"data": {"by": number}}
                with contextlib.suppress(errors.Transient):
                    await source.patch(kinds.CONFIG_MAP, "world", "home", patch)
                await self.link.clock.sleep(0.8)


@contextlib.asynccontextmanager
async def worlds(
    count: int, timing: lease.Timing | None = None
) -> AsyncIterator[tuple[cluster.Cluster, list[Process]]]:
    """An API, and processes that reach it by links of their own; none runs yet."""
    outside = virtual.virtual_seams()
    api = await server.ApiServer.open(None, outside)
    terms: list[int] = []
    async with contextlib.AsyncExitStack() as opened:
        plain = await opened.enter_async_context(
            httpx2.AsyncClient(transport=api.transport(), base_url="http://api")
        )
        source = cluster.Cluster(plain, manager="person")
        await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}})
        metadata = {"name": "world", "namespace": "home"}
        await source.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        processes: list[Process] = []
        for number in range(count):
            link = Link(api, outside.clock)
            http = await opened.enter_async_context(
                httpx2.AsyncClient(transport=link, base_url="http://api")
            )
            own = seams.Seams(Stopping(outside.clock, link), random.Random(number), seams.inline)
            elector = lease.Elector(
                cluster.Cluster(http, manager="elector"), own, PLACE, f"p{number}", timing
            )
            processes.append(Process(elector, link, terms))
        yield source, processes
    await api.close()


@contextlib.asynccontextmanager
async def running(processes: list[Process]) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(one.run()) for one in processes]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def spec(source: cluster.Cluster) -> dict[str, Any]:
    found = await source.get(kinds.LEASE, PLACE.name, PLACE.namespace)
    return objects.mapping(found or {}, "spec")


@pytest.mark.virtual_time
async def test_one_of_two_takes_the_lease_and_keeps_it() -> None:
    async with worlds(2) as (source, processes):
        async with running(processes):
            await asyncio.sleep(120)
            found = await spec(source)
        assert len(processes[0].terms) == 1
        assert found["holderIdentity"] in {one.elector.identity for one in processes}
        assert found["leaseTransitions"] == 0
        assert found["leaseDurationSeconds"] == 15
        renewed = conditions.moment_of(found["renewTime"])
        assert (renewed - conditions.moment_of(found["acquireTime"])).total_seconds() > 110


@pytest.mark.virtual_time
async def test_a_lease_that_is_given_back_is_taken_at_the_next_look() -> None:
    async with worlds(2) as (source, (first, second)):
        term = await first.elector.acquire()
        waiting = asyncio.ensure_future(second.elector.acquire())
        await asyncio.sleep(5)
        assert not waiting.done()
        assert second.elector.holder == first.elector.identity
        begun = asyncio.get_running_loop().time()
        await first.elector.release(term)
        with pytest.raises(effects.FencedError):
            term.prove()
        assert (await waiting).holds
        assert asyncio.get_running_loop().time() - begun <= 1.3
        found = await spec(source)
        assert found["holderIdentity"] == second.elector.identity
        assert found["leaseTransitions"] == 1


@pytest.mark.virtual_time
async def test_a_lease_of_who_died_is_taken_after_its_time_whatever_clocks_say() -> None:
    async with worlds(2) as (source, (first, second)):
        await first.elector.acquire()
        patch = {"spec": {"renewTime": "2030-01-01T00:00:00.000000Z"}}
        await source.patch(kinds.LEASE, PLACE.name, PLACE.namespace, patch)
        begun = asyncio.get_running_loop().time()
        await second.elector.acquire()
        assert 15 <= asyncio.get_running_loop().time() - begun <= 17


@pytest.mark.virtual_time
async def test_who_cannot_renew_stops_before_another_may_begin() -> None:
    async with worlds(1) as (_, (alone,)):
        term = await alone.elector.acquire()
        alone.link.cut = True
        begun = asyncio.get_running_loop().time()
        await alone.elector.keep(term)
        assert 7.5 <= asyncio.get_running_loop().time() - begun <= 10
        assert not term.holds
        assert term.left == 0
        alone.link.cut = False
        await alone.elector.release(term)
        assert alone.elector.holder == alone.elector.identity


@pytest.mark.virtual_time
async def test_a_renewal_that_is_answered_too_late_proves_nothing() -> None:
    async with worlds(1) as (_, (one,)):
        term = await one.elector.acquire()
        await one.link.clock.sleep(9)
        one.link.delay = 1
        assert term.holds
        assert not await one.elector._renew(term)
        assert not term.holds


@pytest.mark.virtual_time
async def test_a_lost_answer_and_a_stranger_s_note_do_not_lose_the_lease() -> None:
    async with worlds(1) as (source, (alone,)):
        term = await alone.elector.acquire()
        keeping = asyncio.ensure_future(alone.elector.keep(term))
        alone.link.deaf = True
        await asyncio.sleep(4)
        alone.link.deaf = False
        note = {"metadata": {"annotations": {"seen": "by a person"}}}
        await source.patch(kinds.LEASE, PLACE.name, PLACE.namespace, note)
        await asyncio.sleep(60)
        assert not keeping.done()
        assert term.holds
        keeping.cancel()
        await source.patch(kinds.LEASE, PLACE.name, PLACE.namespace, note | {"spec": {}})
        note["metadata"]["annotations"]["seen"] = "again"
        await source.patch(kinds.LEASE, PLACE.name, PLACE.namespace, note)
        await alone.elector.release(term)
        assert (await spec(source)).get("holderIdentity", "") == ""


@pytest.mark.virtual_time
@pytest.mark.parametrize("how", ["deleted", "taken", "deleted at last", "taken at last"])
async def test_a_lease_that_somebody_took_away_is_lost(how: str) -> None:
    async with worlds(1) as (source, (alone,)):
        term = await alone.elector.acquire()
        if how.startswith("taken"):
            patch = {"spec": {"holderIdentity": "a person"}}
            await source.patch(kinds.LEASE, PLACE.name, PLACE.namespace, patch)
        else:
            await source.delete(kinds.LEASE, PLACE.name, PLACE.namespace)
        if how.endswith("at last"):
            await alone.elector.release(term)
        else:
            await alone.elector.keep(term)
        assert not term.holds


@pytest.mark.virtual_time
async def test_a_lease_that_a_person_deletes_is_taken_after_its_time() -> None:
    async with worlds(2) as (source, (first, second)):
        term = await first.elector.acquire()
        keeping = asyncio.ensure_future(first.elector.keep(term))
        waiting = asyncio.ensure_future(second.elector.acquire())
        await asyncio.sleep(5.1)
        await source.delete(kinds.LEASE, PLACE.name, PLACE.namespace)
        begun = asyncio.get_running_loop().time()
        assert (await waiting).holds
        assert 15 <= asyncio.get_running_loop().time() - begun <= 18
        await keeping
        assert not term.holds


@pytest.mark.virtual_time
async def test_who_was_stopped_for_long_sends_nothing_when_he_goes_on() -> None:
    async with worlds(2) as (_, processes):
        async with running(processes):
            await asyncio.sleep(10)
            stopped = next(one for one in processes if one.term is not None)
            stopped.link.running.clear()
            await asyncio.sleep(60)
            sent = len(stopped.link.arrived)
            stopped.link.running.set()
            await asyncio.sleep(30)
        assert len(stopped.link.arrived) == sent
        assert len(stopped.terms) == 2


@pytest.mark.virtual_time
async def test_an_api_that_is_away_is_asked_less_often() -> None:
    async with worlds(1) as (_, (alone,)):
        alone.link.cut = True
        waiting = asyncio.ensure_future(alone.elector.acquire())
        await asyncio.sleep(300)
        alone.link.cut = False
        begun = asyncio.get_running_loop().time()
        await waiting
        assert asyncio.get_running_loop().time() - begun <= 6


@pytest.mark.virtual_time
async def test_a_release_that_nobody_hears_is_no_failure() -> None:
    async with worlds(1) as (source, (alone,)):
        term = await alone.elector.acquire()
        alone.link.cut = True
        await alone.elector.release(term)
        assert (await spec(source))["holderIdentity"] == alone.elector.identity


@pytest.mark.virtual_time
async def test_two_that_ask_at_once_do_not_both_get_it() -> None:
    for delay in (0.1, 0.5):
        async with worlds(2) as (_, processes):
            for one in processes:
                one.link.delay = delay
            async with running(processes):
                await asyncio.sleep(20)
            assert sum(1 for one in processes if one.term is not None) == 1


ACTIONS = strategies.lists(
    strategies.tuples(
        strategies.integers(0, 1),
        strategies.sampled_from(["cut", "mend", "deaf", "slow", "stop", "go on", "leave alone"]),
        strategies.floats(0.1, 25),
    ),
    min_size=1,
    max_size=14,
)


async def story(
    actions: list[tuple[int, str, float]], timing: lease.Timing | None = None
) -> list[int]:
    """Whose writes arrived, one number of a term after another."""
    async with worlds(2, timing) as (source, processes):
        async with running(processes):
            for number, action, seconds in actions:
                link = processes[number].link
                link.cut = action == "cut"
                link.deaf = action == "deaf"
                # What takes longer is given up by the connection itself.
                link.delay = 3.9 if action == "slow" else 0.0
                if action == "stop":
                    link.running.clear()
                elif action == "go on":
                    link.running.set()
                elif action == "delete":
                    await source.delete(kinds.LEASE, PLACE.name, PLACE.namespace)
                await asyncio.sleep(seconds)
            for one in processes:
                one.link.cut = one.link.deaf = False
                one.link.delay = 0.0
                one.link.running.set()
            arrived = sum(len(one.link.arrived) for one in processes)
            await asyncio.sleep(40)
            assert sum(len(one.link.arrived) for one in processes) > arrived + 10
        found = sorted(entry for one in processes for entry in one.link.arrived)
        return [int(number) for _, number in found]


def told(actions: list[tuple[int, str, float]], timing: lease.Timing | None = None) -> list[int]:
    loop = virtual.VirtualLoop()
    try:
        return loop.run_until_complete(story(actions, timing))
    finally:
        loop.close()


@with_random(ACTIONS)
def test_never_do_two_write_at_the_same_time(actions: list[tuple[int, str, float]]) -> None:
    writers = told(actions)
    assert writers == sorted(writers)


def test_never_do_two_write_where_somebody_deletes_the_lease() -> None:
    writers = told([(0, "delete", 7.3)] * 12)
    assert writers == sorted(writers)
    assert len(set(writers)) > 1


def test_without_a_margin_two_would_write_at_the_same_time() -> None:
    """What the test above proves is not true by itself."""
    careless = lease.Timing(margin=-6)
    actions = [(0, "leave alone", 5.0)]
    for number in (0, 1):
        actions += [(number, "cut", 18.0), (number, "mend", 30.0)]
    writers = told(actions, careless)
    assert writers != sorted(writers)
