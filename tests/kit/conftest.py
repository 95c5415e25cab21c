"""Worlds in which the kit is tried: the embedded API behind a tap that can count and break."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from ouranos.engine.apiserver import server
from ouranos.kit import (
    cluster,
    controller,
    events,
    kinds,
    looks,
    outcome,
    passes,
    queue,
    seams,
)
from ouranos.kit.objects import Key, Object

Reconcile = Callable[[controller.Pass], Awaitable[outcome.Outcome]]

DEFINITION: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "keystones.ouranos.cloud"},
    "spec": {
        "group": "ouranos.cloud",
        "names": {"kind": "Keystone", "plural": "keystones"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "x-kubernetes-preserve-unknown-fields": True,
                    }
                },
            }
        ],
    },
}


class _Breaking(httpx2.AsyncByteStream):
    def __init__(self, tap: "Tap", inner: Any) -> None:
        self._tap, self._inner = tap, inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = aiter(self._inner)
        while True:
            piece = asyncio.ensure_future(anext(pieces))
            cut = asyncio.ensure_future(self._tap.cut.wait())
            try:
                await asyncio.wait({piece, cut}, return_when=asyncio.FIRST_COMPLETED)
                if self._tap.cut.is_set():
                    raise httpx2.ReadError("the tap was turned off")
                yield piece.result()
            except StopAsyncIteration:
                return
            finally:
                for task in (piece, cut):
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                        await task

    async def aclose(self) -> None:
        await self._inner.aclose()


class Tap(httpx2.AsyncBaseTransport):
    """Lets requests through to an API, remembers those that are no watches, and can break."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self.requests: list[tuple[str, str]] = []
        self.watches: list[httpx2.URL] = []
        self.cut = asyncio.Event()
        self.answer: Callable[[httpx2.Request], httpx2.Response | None] = lambda _request: None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.cut.is_set():
            raise httpx2.ConnectError("the tap is turned off")
        answered = self.answer(request)
        if answered is not None:
            return answered
        response = await self._inner.handle_async_request(request)
        if "watch" not in request.url.params:
            self.requests.append((request.method, request.url.path))
            return response
        self.watches.append(request.url)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_Breaking(self, response.stream),
        )

    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.requests if one[0] != "GET"]


@pytest.fixture
def tap(api: server.ApiServer) -> Tap:
    return Tap(api.transport())


@pytest.fixture
async def source(api: server.ApiServer, tap: Tap) -> AsyncIterator[cluster.Cluster]:
    """A client through the tap; there are the namespace `home` and the kind Keystone."""
    async with httpx2.AsyncClient(transport=tap, base_url="http://api") as http:
        client = cluster.Cluster(http, manager="test")
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}})
        await client.apply(DEFINITION)
        for _ in range(100):
            with contextlib.suppress(Exception):
                await client.list(kinds.KEYSTONE)
                break
            await asyncio.sleep(0.01)
        tap.requests.clear()
        yield client


@pytest.fixture
def memory(source: cluster.Cluster, given: seams.Seams) -> passes.Memory:
    """What a controller remembers that has made no pass yet."""

    async def nothing(_: Key) -> None:
        """Pass over no object."""

    served = queue.Queue("keystone", 1, given.clock, nothing)
    outside = looks.Looks("keystone", given, served.beside, served.add)
    return passes.Memory(outside, events.Teller(source, given.clock))


@pytest.fixture
def keystone() -> Callable[..., Object]:
    def make(name: str = "keystone", **spec: Any) -> Object:
        return {
            "apiVersion": "ouranos.cloud/v1alpha1",
            "kind": "Keystone",
            "metadata": {"name": name, "namespace": "home"},
            "spec": spec,
        }

    return make


@pytest.fixture
def config() -> Callable[..., Object]:
    def make(name: str = "config", **data: str) -> Object:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}

    return make


Running = Callable[..., contextlib.AbstractAsyncContextManager[controller.ControllerRunner]]


@pytest.fixture
def running(source: cluster.Cluster, given: seams.Seams) -> Running:
    """Runs controllers for as long as the block lasts; raises what ends them."""

    @contextlib.asynccontextmanager
    async def run(*controllers: controller.Controller) -> AsyncIterator[Any]:
        held = controller.Mirror(source, controllers, given)
        runner = controller.ControllerRunner(controllers, held)
        task = asyncio.create_task(controller.run_alone(runner))
        try:
            yield runner
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return run


@pytest.fixture
def controlling() -> Callable[..., controller.Controller]:
    """Makes a controller of Keystones that owns ConfigMaps."""

    def make(reconcile: Reconcile, **more: Any) -> controller.Controller:
        chosen = {"owns": (kinds.CONFIG_MAP,), **more}
        return controller.Controller("keystone", kinds.KEYSTONE, reconcile, **chosen)

    return make
