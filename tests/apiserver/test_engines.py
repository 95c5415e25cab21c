"""The engines beside the handler: retries, expiry, and what a law cannot reach."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx2
import pytest

from ouranos.engine.apiserver import failure, server, worker
from ouranos.kit import seams

EVENTS = "/api/v1/namespaces/default/events"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PASSING = {"involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"}}
PATIENCE = 30


class SetClock:
    """A clock that stands where it is set; whoever sleeps wakes at the next turn of the loop."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.Event().wait() if seconds > 1 else await asyncio.sleep(0)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def api(clock: SetClock) -> AsyncIterator[server.ApiServer]:
    opened = await server.ApiServer.open(None, seams.Seams(clock, Random(7), seams.inline))
    yield opened
    await opened.close()


@pytest.fixture
async def client(api: server.ApiServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as inside:
        yield inside


async def test_a_refused_item_is_tried_again(clock: SetClock) -> None:
    tried: list[str] = []
    done = asyncio.Event()

    async def process(item: str) -> None:
        tried.append(item)
        if tried.count(item) < 3 and item == "stubborn":
            raise failure.unavailable("not now")
        if tried.count("stubborn") == 3:
            done.set()

    work = worker.Worker(process, clock)
    for item in ("stubborn", "meek", "meek"):
        work.add(item)
    running = asyncio.create_task(work.run())
    await asyncio.wait_for(done.wait(), PATIENCE)
    running.cancel()
    assert tried == ["stubborn", "meek", "stubborn", "stubborn"]
    assert clock.slept == [1.0, 1.0]


async def test_old_events_are_forgotten(
    api: server.ApiServer, client: httpx2.AsyncClient, clock: SetClock
) -> None:
    for name in ("old", "repeated"):
        event: dict[str, Any] = {**PASSING, "metadata": {"name": name}}
        assert (await client.post(EVENTS, json=event)).status_code == 201
    clock.moment += timedelta(minutes=59)
    await api._expiry.sweep()
    assert len((await client.get(EVENTS)).json()["items"]) == 2
    headers = {"content-type": "application/merge-patch+json"}
    text = '{"lastTimestamp":"2026-11-21T12:59:00Z","count":2}'
    patched = await client.patch(f"{EVENTS}/repeated", content=text, headers=headers)
    assert patched.status_code == 200, patched.text
    clock.moment += timedelta(minutes=2)
    await api._expiry.sweep()
    items = (await client.get(EVENTS)).json()["items"]
    assert [each["metadata"]["name"] for each in items] == ["repeated"]


async def test_chance_and_time_come_from_the_seams(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    again = await server.ApiServer.open(None, seams.Seams(SetClock(), Random(7), seams.inline))
    async with httpx2.AsyncClient(transport=again.transport(), base_url="http://api") as other:
        listed = [(await each.get("/api/v1/namespaces")).text for each in (client, other)]
    await again.close()
    assert listed[0] == listed[1]


async def test_nothing_new_of_a_kind_that_goes(client: httpx2.AsyncClient) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True}
    definition = {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    assert (await client.post(DEFINITIONS, json=definition)).status_code == 201
    thing = {"apiVersion": "example.com/v1", "kind": "Thing"}
    things = "/apis/example.com/v1/things"
    held = {"name": "one", "finalizers": ["tests.example.com/hold"]}
    assert (await client.post(things, json={**thing, "metadata": held})).status_code == 201
    await client.delete(f"{DEFINITIONS}/things.example.com")
    refused = await client.post(things, json={**thing, "metadata": {"name": "two"}})
    assert refused.status_code == 405
    assert "definition is terminating" in refused.json()["message"]


async def test_a_kind_can_be_defined_once_only(client: httpx2.AsyncClient) -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    for plural, verdict in (("things", "True"), ("otherthings", "False")):
        definition = {
            "metadata": {"name": f"{plural}.example.com"},
            "spec": {
                "group": "example.com",
                "scope": "Cluster",
                "names": {"plural": plural, "kind": "Thing"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        }
        made = (await client.post(DEFINITIONS, json=definition)).json()
        states = {each["type"]: each["status"] for each in made["status"]["conditions"]}
        assert states == {"NamesAccepted": verdict, "Established": verdict}
    assert (await client.get("/apis/example.com/v1/otherthings")).status_code == 404


async def test_a_wrong_column_is_refused(client: httpx2.AsyncClient) -> None:
    column = {"name": "A", "type": "string", "jsonPath": ".a["}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
        "additionalPrinterColumns": [column],
    }
    definition = {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Cluster",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [version],
        },
    }
    refused = await client.post(DEFINITIONS, json=definition)
    assert refused.status_code == 422
    assert "additionalPrinterColumns[0].jsonPath" in refused.json()["message"]


async def test_bookmarks_come_when_nothing_happens(
    api: server.ApiServer, client: httpx2.AsyncClient, clock: SetClock
) -> None:
    query = {"watch": "1", "resourceVersion": "0", "allowWatchBookmarks": "true"}
    async with client.stream("GET", EVENTS, params=query) as response:
        lines = response.aiter_lines()
        for name in ("there", "new"):
            # The first may have been there when the watch began; the second is seen by following.
            await client.post(EVENTS, json={**PASSING, "metadata": {"name": name}})
            assert f'"name":"{name}"' in await asyncio.wait_for(anext(lines), PATIENCE)
        clock.moment += timedelta(seconds=61)
        api._parts.store.history("events").wake()
        assert '"type":"BOOKMARK"' in await asyncio.wait_for(anext(lines), PATIENCE)
