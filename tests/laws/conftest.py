"""Every law is tried on every server: the embedded API, and the one of OURANOS_LAWS_KUBECONFIG."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import laws_servers

PATIENCE = 100.0
WIDGETS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

Object = dict[str, Any]
Watch = Callable[..., AbstractAsyncContextManager["Events"]]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents and laws_servers.KUBERNETES in item.name:
            item.add_marker(pytest.mark.enable_socket)


@pytest.fixture(params=laws_servers.SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """The name of the server that a law is tried on."""
    return request.param


@pytest.fixture
async def api(server: str) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """A client of the API, as an administrator."""
    async with laws_servers.opened(server) as client:
        yield client


@pytest.fixture
async def home(api: httpx2.AsyncClient) -> AsyncGenerator[str, None]:
    """A fresh namespace."""
    made = await api.post("/api/v1/namespaces", json={"metadata": {"generateName": "law-"}})
    assert made.status_code == 201, made.text
    name = made.json()["metadata"]["name"]
    yield name
    await api.delete(f"/api/v1/namespaces/{name}")


class Events:
    """What a watch tells."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def next(self) -> Object:
        """Give the next event."""
        return json.loads(await asyncio.wait_for(anext(self._lines), PATIENCE))

    async def of(self, name: str) -> Object:
        """Give the next event about an object of that name."""
        while True:
            event = await self.next()
            if event["object"]["metadata"].get("name") == name:
                return event

    async def ended(self) -> bool:
        """Whether the watch ends now."""
        try:
            await asyncio.wait_for(anext(self._lines), PATIENCE)
        except StopAsyncIteration:
            return True
        return False


@pytest.fixture
def watch(api: httpx2.AsyncClient) -> Watch:
    """Opens watches."""

    @asynccontextmanager
    async def opened(path: str, **parameters: Any) -> AsyncGenerator[Events, None]:
        query = {"watch": "true", **parameters}
        async with api.stream("GET", path, params=query, timeout=None) as response:
            if response.status_code != 200:
                await response.aread()
            assert response.status_code == 200, response.text
            yield Events(response.aiter_lines())

    return opened


@pytest.fixture
def eventually(server: str) -> Eventually:
    """Waits until a question is answered with something true."""

    async def wait(ask: Callable[[], Awaitable[Any]]) -> Any:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not (answer := await ask()):
            assert asyncio.get_running_loop().time() < deadline, "it never became true"
            await asyncio.sleep(0.005 if server == laws_servers.EMBEDDED else 0.05)
        return answer

    return wait


def _widget_definition() -> Object:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "minimum": 0, "maximum": 10, "default": 3},
                    "colour": {"type": "string", "enum": ["red", "green"]},
                    "replicas": {"type": "integer"},
                    "name": {
                        "type": "string",
                        "x-kubernetes-validations": [
                            {"rule": "self == oldSelf", "message": "name is immutable"}
                        ],
                    },
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "ports": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["port"],
                            "properties": {
                                "port": {"type": "integer"},
                                "name": {"type": "string"},
                            },
                        },
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["port"],
                    },
                },
                "x-kubernetes-validations": [
                    {
                        "rule": "!has(self.replicas) || self.replicas <= self.size",
                        "message": "replicas must fit into size",
                    }
                ],
            },
            "status": {
                "type": "object",
                "properties": {
                    "replicas": {"type": "integer"},
                    "selector": {"type": "string"},
                    "phase": {"type": "string"},
                },
            },
        },
    }
    version = {
        "served": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.replicas",
                "statusReplicasPath": ".status.replicas",
                "labelSelectorPath": ".status.selector",
            },
        },
        "additionalPrinterColumns": [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Phase", "type": "string", "jsonPath": ".status.phase", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ],
        "selectableFields": [{"jsonPath": ".spec.colour"}],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.laws.ouranos.cloud"},
        "spec": {
            "group": "laws.ouranos.cloud",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [
                {"name": "v1", "storage": True, **version},
                {"name": "v1beta1", "storage": False, **version},
            ],
        },
    }


@pytest.fixture
async def widgets(api: httpx2.AsyncClient, home: str, eventually: Eventually) -> str:
    """The path of a custom kind's objects in the fresh namespace."""
    made = await api.post(WIDGETS, json=_widget_definition())
    assert made.status_code in {201, 409}, made.text
    path = f"/apis/laws.ouranos.cloud/v1/namespaces/{home}/widgets"

    async def served() -> bool:
        return (await api.get(path)).status_code == 200

    await eventually(served)
    return path
