"""Does the cache stay true when watches end, break, or have missed something?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest
import structlog

from ouranos.kit import cache, cluster, errors, kinds, metrics, reflector, seams, selection
from ouranos.kit.objects import Kind, Object

pytestmark = pytest.mark.virtual_time


def config(name: str, **data: str) -> Object:
    metadata = {"name": name, "namespace": "home"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class Ear:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, _kind: Kind, before: Object | None, after: Object | None) -> None:
        if after is None:
            assert before is not None
            self.heard.append(f"-{before['metadata']['name']}")
        else:
            sign = "+" if before is None else "~"
            self.heard.append(f"{sign}{after['metadata']['name']}")


@contextlib.asynccontextmanager
async def reflecting(
    source: cluster.Cluster, given: seams.Seams, ear: Ear
) -> AsyncIterator[cache.Store]:
    store = cache.Store(kinds.CONFIG_MAP)
    one = reflector.Reflector(source, selection.Selection(kinds.CONFIG_MAP), store, given, ear)
    task = asyncio.create_task(one.run())
    try:
        await one.synced.wait()
        await given.clock.sleep(0.1)
        yield store
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_happens_is_heard(source: cluster.Cluster, given: seams.Seams) -> None:
    ear = Ear()
    await source.create(config("a"))
    async with reflecting(source, given, ear):
        await source.create(config("b"))
        await source.patch(kinds.CONFIG_MAP, "a", "home", {"data": {"x": "1"}})
        await source.delete(kinds.CONFIG_MAP, "b", "home")
        await given.clock.sleep(1)
    assert ear.heard == ["+a", "+b", "~a", "-b"]


async def test_a_watch_that_ends_is_taken_up_where_it_ended(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    ear = Ear()
    async with reflecting(source, given, ear):
        tap.requests.clear()
        await given.clock.sleep(2000)
        assert len(tap.watches) >= 3
        await source.create(config("b"))
        await given.clock.sleep(1)
    assert metrics.WATCH_RESTARTS.value("configmaps", "ended") >= 2
    assert ear.heard == ["+b"]
    assert [method for method, _ in tap.requests] == ["POST"]


async def test_a_lost_connection_is_taken_up_again(
    source: cluster.Cluster, given: seams.Seams, api: Any, tap: Any
) -> None:
    ear = Ear()
    async with (
        httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http,
        reflecting(source, given, ear),
    ):
        other = cluster.Cluster(http, manager="other")
        tap.cut.set()
        await given.clock.sleep(60)
        await other.create(config("b"))
        await other.delete(kinds.CONFIG_MAP, "b", "home")
        await other.create(config("c"))
        tap.cut.clear()
        await given.clock.sleep(31)
    assert ear.heard == ["+b", "-b", "+c"]
    assert metrics.WATCH_RESTARTS.value("configmaps", "Unreachable") >= 2


async def test_a_deletion_in_a_gap_is_seen(
    source: cluster.Cluster, given: seams.Seams, api: Any, tap: Any
) -> None:
    ear = Ear()
    for name in ("a", "b", "c"):
        await source.create(config(name))
    async with (
        httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http,
        reflecting(source, given, ear) as store,
    ):
        other = cluster.Cluster(http, manager="other")
        ear.heard.clear()
        tap.cut.set()
        await given.clock.sleep(1)
        await other.delete(kinds.CONFIG_MAP, "a", "home")
        await other.patch(kinds.CONFIG_MAP, "b", "home", {"data": {"x": "1"}})
        gone = [True]

        def too_old(request: httpx2.Request) -> httpx2.Response | None:
            if "watch" in request.url.params and gone:
                gone.clear()
                status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}
                event = {"type": "ERROR", "object": status}
                return httpx2.Response(200, content=msgspec.json.encode(event) + b"\n")
            return None

        tap.answer = too_old
        tap.cut.clear()
        await given.clock.sleep(31)
        assert sorted(one["metadata"]["name"] for one in store.each()) == ["b", "c"]
    assert sorted(ear.heard) == ["-a", "~b"]


async def test_bookmarks_keep_the_place(source: cluster.Cluster, given: seams.Seams) -> None:
    ear = Ear()
    async with reflecting(source, given, ear) as store:
        before = store._position
        secret = {"apiVersion": "v1", "kind": "Secret"}
        await source.create({**secret, "metadata": {"name": "s", "namespace": "home"}})
        await given.clock.sleep(120)
        assert store._position > before
    assert ear.heard == []


async def test_a_kind_that_is_not_there_yet_is_waited_for(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    missing = [True]

    def unknown(request: httpx2.Request) -> httpx2.Response | None:
        if missing and request.url.path == "/api/v1/configmaps":
            body = msgspec.json.encode({"kind": "Status", "code": 404, "message": "no such kind"})
            return httpx2.Response(404, content=body)
        return None

    tap.answer = unknown

    async def appear() -> None:
        await given.clock.sleep(100)
        missing.clear()

    task = asyncio.create_task(appear())
    ear = Ear()
    async with reflecting(source, given, ear):
        assert 100 <= given.clock.monotonic() <= 131
    await task


async def test_a_watch_raises_what_the_server_says(
    source: cluster.Cluster, given: seams.Seams
) -> None:
    events = source.watch(kinds.CONFIG_MAP, resource_version="999999")
    with pytest.raises(errors.Gone):
        await anext(events)


async def test_a_watch_that_has_ended_is_begun_again_where_it_was(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    ear = Ear()
    async with reflecting(source, given, ear):
        tap.requests.clear()
        await given.clock.sleep(1300)
        assert len(tap.watches) >= 3, "each lasts ten minutes at most"
        assert tap.requests == [], "nothing is listed anew"
        await source.create(config("late"))
        await given.clock.sleep(1)
    assert ear.heard == ["+late"]
    assert metrics.WATCH_RESTARTS.value("configmaps", "ended") >= 2


def ends(_request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, content=b"")


def is_too_old(_request: httpx2.Request) -> httpx2.Response:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    event = {"type": "ERROR", "object": status}
    return httpx2.Response(200, content=msgspec.json.encode(event) + b"\n")


@pytest.mark.parametrize("answer", [ends, is_too_old])
async def test_a_watch_that_ends_at_once_is_begun_again_ever_more_rarely(
    source: cluster.Cluster, given: seams.Seams, tap: Any, answer: Any
) -> None:
    asked: list[float] = []

    def counting(request: httpx2.Request) -> httpx2.Response | None:
        if "watch" not in request.url.params:
            return None
        asked.append(given.clock.monotonic())
        # Without a pause between two watches nothing here would ever let the clock go on.
        return answer(request) if len(asked) < 100 else None

    tap.answer = counting
    async with reflecting(source, given, Ear()):
        await given.clock.sleep(600)
    assert 20 <= len(asked) < 100


async def test_a_missing_right_is_told_once_each_time_it_goes_missing(
    source: cluster.Cluster, given: seams.Seams, tap: Any
) -> None:
    body = msgspec.json.encode({"kind": "Status", "code": 403, "message": "not for you"})
    refused = [True]

    def answer(request: httpx2.Request) -> httpx2.Response | None:
        of_maps = request.url.path == "/api/v1/configmaps"
        return httpx2.Response(403, content=body) if refused and of_maps else None

    tap.answer = answer
    ear, store = Ear(), cache.Store(kinds.CONFIG_MAP)
    chosen = selection.Selection(kinds.CONFIG_MAP)
    one = reflector.Reflector(source, chosen, store, given, ear)
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(one.run())
        await given.clock.sleep(600)
        warned = [(log["kind"], log["event"]) for log in logs if log["log_level"] == "warning"]
        assert warned == [("configmaps", "Lacking a right")]
        assert not one.synced.is_set()
        refused.clear()
        await given.clock.sleep(31)
        assert one.synced.is_set()
        refused.append(True)
        tap.cut.set()
        await given.clock.sleep(1)
        tap.cut.clear()
        await given.clock.sleep(600)
        assert sum(1 for log in logs if log["log_level"] == "warning") == 2
        assert not one.synced.is_set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
