"""Does a process wait, act, hand over and come back, and say so?"""

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx2
import pytest

from ouranos.cluster import endpoints, process, settings
from ouranos.engine.apiserver import server
from ouranos.kit import (
    cluster,
    controller,
    effects,
    kinds,
    kubeconfig,
    lease,
    objects,
    outcome,
    seams,
)

PLACE = objects.Key("home", "controllers")


class Gate(httpx2.AsyncBaseTransport):
    """A way to the API that a test can close."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner, self.closed = inner, False
        self.refused = ""
        self.read: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.closed:
            raise httpx2.ConnectError("closed", request=request)
        path = request.url.path
        if request.method == "GET" and "watch" not in request.url.params:
            self.read.append(path)
        if path == self.refused:
            return httpx2.Response(403, json={"message": "not for you"})
        return await self.inner.handle_async_request(request)


class One:
    """A process, what it was asked, and what its controller did."""

    def __init__(self, gate: Gate, http: httpx2.AsyncClient, given: seams.Seams) -> None:
        self.gate, self.asked = gate, asyncio.Event()
        self.passes, self.pause, self.stubborn = 0, 0.0, False
        self.given = given
        source = cluster.Cluster(http, manager="test")
        self.threads = seams.Threads(1)
        config = controller.Controller("config", kinds.CONFIG_MAP, self.reconcile)
        elector = lease.Elector(source, given, PLACE, "one")
        self.process = process.Process(source, [config], (given, self.threads), elector)

    async def reconcile(self, _pass: controller.Pass) -> outcome.Outcome:
        effects.note()
        await self.given.clock.sleep(self.pause)
        self.passes += 1
        return outcome.DONE

    def says(self, path: str) -> endpoints.Answer:
        return self.process.endpoints._known[path]()


Make = Callable[[], "contextlib.AbstractAsyncContextManager[One]"]


@pytest.fixture
def one(api: server.ApiServer, given: seams.Seams, source: cluster.Cluster) -> Make:
    @contextlib.asynccontextmanager
    async def made() -> AsyncIterator[One]:
        labels = {"app.kubernetes.io/managed-by": "ouranos"}
        metadata = {"name": "a", "namespace": "home", "labels": labels}
        await source.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
        gate = Gate(api.transport())
        async with httpx2.AsyncClient(transport=gate, base_url="http://api") as http:
            yield One(gate, http, given)

    return made


async def holder(source: cluster.Cluster) -> str:
    found = await source.get(kinds.LEASE, PLACE.name, PLACE.namespace)
    return objects.mapping(found or {}, "spec").get("holderIdentity") or ""


@pytest.mark.virtual_time
async def test_a_process_acts_and_gives_the_lease_back(one: Make, source: cluster.Cluster) -> None:
    async with one() as first, one() as second:
        assert not first.says("/readyz").good
        running = [asyncio.ensure_future(each.process.run(each.asked)) for each in (first, second)]
        await asyncio.sleep(3)
        leader, other = (first, second) if first.passes else (second, first)
        assert other.passes == 0
        assert leader.says("/readyz") == endpoints.Answer(good=True, text="ok: acting\n")
        assert other.says("/readyz").text.endswith(" acts\n")
        assert leader.says("/healthz").good
        assert "\nleader 1\n" in leader.says("/metrics").text
        leader.asked.set()
        await asyncio.sleep(3)
        assert running[0 if leader is first else 1].done()
        assert other.passes == 1
        other.asked.set()
        await asyncio.gather(*running)
        assert await holder(source) == ""
        told = (await source.list(kinds.EVENT, "home")).items
        assert [event["reason"] for event in told] == ["LeaderElection"] * 2


@pytest.mark.virtual_time
async def test_who_waits_knows_everything_and_lists_nothing_once_he_acts(one: Make) -> None:
    async with one() as first, one() as second:
        leading = asyncio.ensure_future(first.process.run(first.asked))
        await asyncio.sleep(3)
        second.gate.refused = "/api/v1/configmaps"
        waiting = asyncio.ensure_future(second.process.run(second.asked))
        await asyncio.sleep(3)
        answer = endpoints.Answer(good=False, text="not known yet: configmaps\n")
        assert second.says("/readyz") == answer, "who would take over, and not know all, says so"
        second.gate.refused = ""
        await asyncio.sleep(31)
        assert second.says("/readyz").good
        assert "/api/v1/configmaps" in second.gate.read
        second.gate.read.clear()
        first.asked.set()
        await leading
        await asyncio.sleep(3)
        assert second.passes == 1
        assert "/api/v1/configmaps" not in second.gate.read
        second.asked.set()
        await waiting


@pytest.mark.virtual_time
async def test_a_mistake_of_who_reads_ends_the_process(one: Make) -> None:
    async def broken() -> None:
        raise LookupError

    async with one() as single:
        single.process._mirror.run = broken
        with pytest.raises(LookupError):
            await single.process.run(single.asked)


@pytest.mark.virtual_time
async def test_passes_have_a_moment_to_end(one: Make, source: cluster.Cluster) -> None:
    for pause, ended in ((1.5, 1), (60.0, 0)):
        async with one() as single:
            single.pause = pause
            running = asyncio.ensure_future(single.process.run(single.asked))
            await asyncio.sleep(1)
            single.asked.set()
            await running
            assert single.passes == ended
            assert await holder(source) == ""


@pytest.mark.virtual_time
async def test_an_api_that_is_away_makes_a_process_wait(one: Make, source: cluster.Cluster) -> None:
    async with one() as single:
        running = asyncio.ensure_future(single.process.run(single.asked))
        await asyncio.sleep(3)
        single.gate.closed = True
        await asyncio.sleep(120)
        assert not running.done()
        assert single.says("/healthz").good
        assert single.says("/readyz").text == "the Lease cannot be read\n"
        single.gate.closed = False
        await asyncio.sleep(30)
        assert single.says("/readyz").text == "ok: acting\n"
        assert single.passes == 2
        single.asked.set()
        await running


@pytest.mark.virtual_time
async def test_who_is_asked_while_he_waits_ends_at_once(one: Make) -> None:
    async with one() as single:
        single.gate.closed = True
        running = asyncio.ensure_future(single.process.run(single.asked))
        await asyncio.sleep(3)
        single.asked.set()
        await running


@pytest.mark.virtual_time
async def test_a_lost_lease_whose_controllers_go_on_is_no_health(one: Make) -> None:
    async with one() as single:
        term = lease.Term(single.given.clock, single.given.clock.monotonic() + 1)
        single.process._term = term
        assert single.says("/healthz").good
        await asyncio.sleep(2)
        assert not single.says("/healthz").good


async def test_a_mistake_of_the_controllers_ends_the_process(one: Make) -> None:
    async def broken() -> None:
        raise LookupError

    async with one() as single:
        task = asyncio.ensure_future(broken())
        await asyncio.wait({task})
        with pytest.raises(LookupError):
            await single.process._end(task)


def test_the_lease_is_where_the_pod_is_and_else_in_a_place_of_its_own() -> None:
    access = kubeconfig.Access(
        "https://api", ssl.create_default_context(), kubeconfig.Identity(), "here"
    )
    outside = settings.Settings(kubeconfig=Path("config"))
    assert process._namespace(settings.Settings(), access) == "here"
    assert process._namespace(outside, access) == settings.NAMESPACE
    assert process._namespace(dataclasses.replace(outside, namespace="there"), access) == "there"


def test_a_kubeconfig_comes_before_the_service_account(tmp_path: Path) -> None:
    with pytest.raises(kubeconfig.RefusedError, match="cannot be read"):
        process.main(settings.Settings(kubeconfig=tmp_path / "none"))
