"""Does a machine get there by itself, and come back? Whole controllers, in virtual time."""

import contextlib
from collections.abc import AsyncGenerator

import compute_worlds as worlds
import pytest

from ouranos import compute
from ouranos.engine.simulation import node, twin
from ouranos.kit import conditions, kinds, seams

pytestmark = pytest.mark.virtual_time

ROLES = {"ouranos.cloud/hypervisor": "", "ouranos.cloud/gateway": ""}


@contextlib.asynccontextmanager
async def cloud(given: seams.Seams) -> AsyncGenerator[tuple[twin.Twin, worlds.World]]:
    machine = node.SimulatedNode(worlds.NODE, given, labels=ROLES)
    answers = worlds.Nova()
    opened = worlds.sessions.Sessions(answers)
    running = twin.running(
        given,
        [machine],
        controllers=compute.controllers(opened),
        objects=worlds.definitions(),
    )
    async with running as made:
        world = worlds.World(made.cluster, given)
        world.nova = answers
        await world.cloud()
        yield made, world


async def ready(made: twin.Twin, truth: str = "True") -> None:
    async def look() -> bool:
        found = await made.cluster.get(kinds.HYPERVISOR, worlds.NODE, "home")
        said = conditions.find(conditions.of(found or {}), "Ready")
        return said is not None and said["status"] == truth

    await made.until(look, 300)


async def test_a_labelled_machine_becomes_ready_by_itself(given: seams.Seams) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        await ready(made)
        assert len(await made.all(kinds.DAEMON_SET)) == 5


@pytest.mark.parametrize("agent", ["libvirt", "openvswitch", "nova-compute"])
async def test_an_agent_deleted_behind_our_back_is_made_again(
    given: seams.Seams, agent: str
) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        await ready(made)
        before = (await made.get(kinds.DAEMON_SET, agent))["metadata"]["uid"]
        await made.cluster.delete(kinds.DAEMON_SET, agent, "home")

        async def again() -> bool:
            found = await made.cluster.get(kinds.DAEMON_SET, agent, "home")
            return found is not None and found["metadata"]["uid"] != before

        await made.until(again, 60)
        await ready(made)


async def test_nova_s_word_is_heard_within_a_minute(given: seams.Seams) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        await ready(made)
        world.nova.hypervisors[0]["state"] = "down"
        await ready(made, "False")
        world.nova.hypervisors[0]["state"] = "up"
        await ready(made)


async def test_a_secret_that_comes_late_wakes_the_machine(given: seams.Seams) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        await ready(made)
        secret = await made.get(kinds.SECRET, "nova-metadata-1")
        await made.cluster.delete(kinds.SECRET, "nova-metadata-1", "home")
        await ready(made, "False")
        await world.apply(kinds.SECRET, "nova-metadata-1", data=secret["data"])
        await ready(made)
