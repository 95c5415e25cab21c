"""Worlds and objects that the tests of workloads are told in."""

import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from ouranos.engine.simulation import node, script, twin
from ouranos.kit import seams
from ouranos.kit.objects import Object

Build = Callable[..., Object]
World = Callable[..., contextlib.AbstractAsyncContextManager[twin.Twin]]


@pytest.fixture
def world(given: seams.Seams) -> World:
    """Makes a twin of some nodes, whose pods all behave alike."""

    @contextlib.asynccontextmanager
    async def make(
        nodes: int = 1, behaviour: script.Behaviour = script.steady, **more: Any
    ) -> AsyncGenerator[twin.Twin]:
        machines = [
            node.SimulatedNode(
                f"node{number}",
                given,
                address=f"172.31.0.{10 + number}",
                behaviour=behaviour,
                **more,
            )
            for number in range(1, nodes + 1)
        ]
        async with twin.running(given, machines) as made:
            yield made

    return make


def template(image: str = "one", **spec: Any) -> Object:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": image}], **spec},
    }


@pytest.fixture
def workload() -> Build:
    """Makes a workload of one container, labelled app=web."""

    def make(kind: str, *, image: str = "one", pod: Object | None = None, **spec: Any) -> Object:
        group = "batch/v1" if kind == "Job" else "apps/v1"
        selector: Object = {} if kind == "Job" else {"selector": {"matchLabels": {"app": "web"}}}
        if kind == "StatefulSet":
            selector["serviceName"] = "web"
        return {
            "apiVersion": group,
            "kind": kind,
            "metadata": {"name": "web", "namespace": "home"},
            "spec": {**selector, "template": template(image, **(pod or {})), **spec},
        }

    return make
