"""Worlds that the tests of services are told in."""

import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))

import fake_openstack
import pytest

from ouranos import services
from ouranos.api import crds
from ouranos.engine.simulation import node, script, twin
from ouranos.engine.workloads import volumes
from ouranos.kit import conditions, controller, kinds, objects, outcome, scheduling, seams
from ouranos.openstack import sessions
from ouranos.services import cloud as cloud_controller
from ouranos.services import content, page, pipeline, registry


class World:
    """A twin with services, on backing servers that fulfil every claim at once."""

    def __init__(self, made: twin.Twin, cloud: fake_openstack.FakeOpenStack) -> None:
        self.twin = made
        self.cloud = cloud
        self.cluster = made.cluster

    async def until_ready(self, *names: str, within: float = 120) -> float:
        async def everything() -> bool:
            for name in names:
                if not await self.is_ready(name):
                    return False
            return True

        return await self.twin.until(everything, within)

    async def is_ready(self, name: str) -> bool:
        obj = await self.service(name)
        return conditions.is_current(obj, "Ready")

    async def service(self, name: str) -> objects.Object:
        kind = {one.name: one.kind for one in services.KNOWN.pages}[name]
        return await self.twin.get(kind, name)

    async def until_said(self, name: str, condition: str, *said: str) -> str:
        """Wait until a condition's message holds all of the texts, and return it."""

        async def holds() -> bool:
            found = conditions.find(conditions.of(await self.service(name)), condition)
            return found is not None and all(one in found["message"] for one in said)

        await self.twin.until(holds, 120)
        return str((await self.told(name, condition))["message"])

    async def secret(self, name: str) -> dict[str, str]:
        return content.of(await self.twin.get(kinds.SECRET, name))

    async def gone(self, kind: objects.Kind, name: str) -> None:
        await self.cluster.delete(kind, name, "home")

    async def change(self, name: str, **spec: Any) -> None:
        obj = await self.service(name)
        await self.cluster.patch(kinds.of(obj), name, "home", {"spec": spec})

    async def told(self, name: str, condition: str) -> objects.Object:
        found = conditions.find(conditions.of(await self.service(name)), condition)
        assert found is not None
        return found


House = Callable[..., contextlib.AbstractAsyncContextManager[World]]


def a_service(service: page.Service, **spec: Any) -> objects.Object:
    return {
        "apiVersion": service.kind.api_version,
        "kind": service.kind.kind,
        "metadata": {"name": service.name, "namespace": "home"},
        "spec": {"release": "2026.2", "region": "Düdingen Test", **spec},
    }


def _fulfil(kind: objects.Kind, status: objects.Object) -> controller.Controller:
    async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
        pass_.status |= status
        said = (pass_.seams.clock.now(), pass_.generation)
        conditions.set_condition(pass_.conditions, "Ready", "True", "Succeeded", "", *said)
        return outcome.DONE

    return controller.Controller(f"test-{kind.kind.lower()}", kind, reconcile)


OVN = {"northbound": "tcp:172.31.0.11:6641", "southbound": "tcp:172.31.0.11:6642"}


@pytest.fixture
def house(given: seams.Seams) -> House:
    """Makes a world with the objects of some services."""

    @contextlib.asynccontextmanager
    async def make(
        *wanted: page.Service,
        known: registry.Registry = services.KNOWN,
        behaviour: script.Behaviour | None = None,
        ovn: objects.Object | None = None,
        cloud: objects.Object | None = None,
        **spec: Any,
    ) -> AsyncGenerator[World]:
        password = [""]
        openstack = fake_openstack.FakeOpenStack(lambda: password[0])
        kept = sessions.Sessions(openstack)
        backing = [
            _fulfil(kinds.DATABASE, {"host": "mariadb", "port": 3306}),
            _fulfil(kinds.VHOST, {"host": "rabbitmq", "port": 5672}),
            _fulfil(kinds.OVN, ovn or OVN),
            _fulfil(kinds.MARIADB, {"host": "mariadb", "port": 3306}),
            _fulfil(kinds.MEMCACHED, {"host": "memcached", "port": 11211}),
        ]
        machine = node.SimulatedNode(
            "node1", given, behaviour=behaviour or _usual, labels={scheduling.CONTROL_PLANE: ""}
        )
        databases = {
            "apiVersion": kinds.OVN.api_version,
            "kind": "OVN",
            "metadata": {"name": "ovn", "namespace": "home"},
            "spec": {"release": "2026.2", "builtin": {}},
        }
        parts = [
            *crds.generate(known.kinds),
            *services.priority_classes(),
            databases,
            volumes.STORAGE_CLASS,
            *([{**cloud, "metadata": {"name": "home", "namespace": "home"}}] if cloud else []),
            *(a_service(one, **spec) for one in wanted),
        ]
        running = twin.running(
            given,
            [machine],
            controllers=[
                *backing,
                cloud_controller.controller(known),
                *pipeline.controllers(known, kept),
            ],
            objects=parts,
        )
        async with running as made:
            world = World(made, openstack)
            await _learn_password(world, password)
            yield world

    return make


async def _learn_password(world: World, password: list[str]) -> None:
    async def known() -> bool:
        secret = await world.cluster.get(kinds.SECRET, "keystone-admin-1", "home")
        if secret is not None:
            password[0] = content.of(secret)["password"]
        return secret is not None

    await world.twin.until(known, 30)


def _usual(pod: objects.Object) -> script.Script:
    if objects.labels_of(pod).get("app.kubernetes.io/component") == "schema":
        return script.Script(exits_after=timedelta(seconds=2))
    return script.Script()
