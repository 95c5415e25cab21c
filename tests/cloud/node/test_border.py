"""What does a guest reach of its node and its host? Only what is meant for tenants."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import tests_border
import tests_node
from tests_border import Guest, Target
from tests_node import Engine, Images, running

from ouranos.engine.node import firewall, network, node, rules
from ouranos.kit import kinds, seams

pytestmark = pytest.mark.enable_socket

PRIVATE = (3306, 5672, 6641, 6642, 11211, 16509)
API = 5000
HOST_PORT = 28473
GENEVE = 6081


class Border:
    """A node with programs on many ports, and a guest of its public range."""

    def __init__(self, engine: Engine, stack: ExitStack) -> None:
        told = engine.told
        (public,) = told.public
        self.engine = engine
        self.gateway = str(public[1])
        self.host = {(where, HOST_PORT) for where in tests_node.own_addresses()}
        self.world = tests_border.world_of(told)
        self.guest: Guest = stack.enter_context(
            tests_border.plugged(self.world, "br-ex", str(public[77]), self.gateway)
        )
        tests_border.give_address(self.world, "br-ex", self.gateway)
        stack.enter_context(tests_border.listening(self.world, *PRIVATE, API))
        stack.enter_context(tests_border.listening(None, HOST_PORT))

    @property
    def secrets(self) -> set[Target]:
        """What no tenant may reach."""
        told = self.engine.told
        inner = {(where, port) for where in (self.gateway, str(told.address)) for port in PRIVATE}
        return inner | {(str(told.host_address), HOST_PORT)}

    @property
    def apis(self) -> set[Target]:
        return {(self.gateway, API), (str(self.engine.told.address), API)}

    def reached(self) -> set[Target]:
        return self.guest.reaches(self.secrets | self.apis | self.host)

    def open_border(self) -> None:
        """Remove all the rules, as somebody could behind our back."""
        name = rules.table(self.engine.told.bridge)
        firewall.remove(name)
        tests_border.inside(self.world, lambda: firewall.remove(name))


@pytest.fixture
def told(tmp_path: Path) -> Any:
    seed = tests_node.node_config(tmp_path / "cloud")
    third = seed.network.network_address.packed[2]
    return tests_node.node_config(tmp_path / "cloud", public=(IPv4Network(f"172.28.{third}.0/24"),))


@pytest.fixture
async def border(images: Images, told: Any) -> AsyncIterator[Border]:
    images.missing.clear()
    async with running(told, images) as engine:
        await engine.ready_node()
        with ExitStack() as stack:
            yield await asyncio.to_thread(Border, engine, stack)


async def publish(engine: Engine) -> None:
    ports = [{"port": API, "protocol": "TCP"}]
    await engine.apply("Service", "api", spec={"type": "LoadBalancer", "ports": ports})
    ingress = {"ingress": [{"ip": str(engine.told.address)}]}
    await engine.client.patch(
        kinds.SERVICE,
        "api",
        "default",
        {"status": {"loadBalancer": ingress}},
        subresource="status",
    )


async def until_reached(border: Border, expected: set[Target]) -> None:
    async def look() -> bool:
        return await asyncio.to_thread(border.reached) == expected

    await border.engine.until(look, f"a guest to reach {expected}", 60)


async def test_a_guest_reaches_only_what_is_meant_for_tenants(border: Border) -> None:
    await asyncio.to_thread(border.open_border)
    assert await asyncio.to_thread(border.reached) >= border.secrets | border.apis
    await publish(border.engine)
    await until_reached(border, border.apis)
    guest, told = border.guest, border.engine.told
    assert await asyncio.to_thread(guest.does, tests_border.pings, border.gateway)
    assert not await asyncio.to_thread(guest.does, tests_border.pings, str(told.host_address))
    with tests_border.answering(border.world, 53), tests_border.answering(None, 28474):
        for where, port in ((border.gateway, 53), (str(told.host_address), 28474)):
            assert not await asyncio.to_thread(guest.does, tests_border.asks, where, port)
    await border.engine.client.delete(kinds.SERVICE, "api", "default")
    await until_reached(border, set())


async def test_the_host_reaches_guests_and_the_node(border: Border) -> None:
    guest = border.guest
    with tests_border.listening(guest.place, 80), tests_border.answering(guest.place, 53):
        assert await asyncio.to_thread(tests_border.connects, guest.address, 80)
        assert await asyncio.to_thread(tests_border.asks, guest.address, 53)
        assert await asyncio.to_thread(tests_border.pings, guest.address)
    for port in (*PRIVATE, API):
        assert await asyncio.to_thread(tests_border.connects, str(border.engine.told.address), port)


async def test_nothing_of_a_node_opens_a_connection_to_the_host(border: Border) -> None:
    address = str(border.engine.told.host_address)
    ways = ((tests_border.connects, HOST_PORT), (tests_border.asks, 28475))
    with tests_border.answering(None, 28475):
        for act, port in ways:
            assert await asyncio.to_thread(act, address, port)
            assert not await asyncio.to_thread(
                tests_border.inside, border.world, lambda act=act, port=port: act(address, port)
            )


async def test_rules_outlive_the_supervisor_and_come_back_with_it(border: Border) -> None:
    engine = border.engine
    await publish(engine)
    await until_reached(border, border.apis)
    await engine.leave()
    assert await asyncio.to_thread(border.reached) == border.apis
    opened = frozenset({rules.Opening(engine.told.address, 6, API)})
    written = await asyncio.to_thread(network.guard, engine.told, border.world, opened)
    assert written == [], "what is right is not written again"
    await asyncio.to_thread(border.open_border)
    await engine.come_back()
    await until_reached(border, border.apis)


async def test_nodes_of_one_cloud_reach_each_other_but_guests_reach_neither(
    border: Border, images: Images, tmp_path: Path
) -> None:
    engine = border.engine
    two = tests_node.node_config(tmp_path / "cloud", 2)
    second = node.Node(two, engine.client, images, seams.real())
    task = asyncio.create_task(second.run())
    try:
        await engine.ready_node(two.name)
        other, address = tests_border.world_of(two), str(two.address)
        with (
            tests_border.listening(other, *PRIVATE),
            tests_border.answering(other, GENEVE),
        ):
            assert await asyncio.to_thread(
                tests_border.inside, border.world, lambda: tests_border.asks(address, GENEVE)
            )
            assert await asyncio.to_thread(
                tests_border.inside, border.world, lambda: tests_border.connects(address, 3306)
            )
            targets = {(address, port) for port in PRIVATE}
            assert await asyncio.to_thread(border.guest.reaches, targets) == set()
            assert not await asyncio.to_thread(
                border.guest.does, tests_border.asks, address, GENEVE
            )
    finally:
        await second.destroy()
        await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.to_thread(border.reached) == set()
