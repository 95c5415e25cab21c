"""Does a machine get there by itself, and come back? Whole controllers, in virtual time."""

import contextlib
from collections.abc import AsyncGenerator

import compute_worlds as worlds
import pytest

from ouranos import compute
from ouranos.engine.simulation import node, twin
from ouranos.kit import conditions, kinds, objects, scheduling, seams

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


async def label(made: twin.Twin, **labels: str | None) -> None:
    changed = {f"ouranos.cloud/{name}": value for name, value in labels.items()}
    await made.cluster.patch(kinds.NODE, worlds.NODE, "", {"metadata": {"labels": changed}})


async def agents(made: twin.Twin) -> set[str]:
    """Identities of the agents' pods that run."""
    held = await made.all(kinds.POD, "app.kubernetes.io/name=hypervisor")
    return {one["metadata"]["uid"] for one in held if not objects.is_deleting(one)}


async def test_a_label_taken_from_a_machine_with_guests_ends_no_agent(given: seams.Seams) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        world.nova.guests = [worlds.NODE]
        await ready(made)
        before = await agents(made)
        assert len(before) == 5
        await label(made, hypervisor=None, gateway=None)
        await ready(made, "False")
        await made.passes(600)
        assert await agents(made) == before
        await label(made, hypervisor="", gateway="")
        await ready(made)
        assert await agents(made) == before


async def test_a_machine_without_guests_leaves_with_its_agents(given: seams.Seams) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        world.nova.guests = [worlds.NODE]
        await ready(made)
        await label(made, hypervisor=None, gateway=None)
        await ready(made, "False")
        world.nova.guests = []

        async def left() -> bool:
            return not await made.all(kinds.HYPERVISOR) and not await agents(made)

        await made.until(left, 120)
        node = await made.cluster.get(kinds.NODE, worlds.NODE)
        assert scheduling.HYPERVISOR_OF not in objects.labels_of(node or {})
        assert (world.nova.services, world.nova.agents) == ([], {worlds.NODE: []})
        await label(made, hypervisor="")
        world.nova.has(worlds.NODE)
        await ready(made)


async def test_a_machine_that_falls_silent_is_told_of_within_a_minute(given: seams.Seams) -> None:
    async with cloud(given) as (made, world):
        world.nova.has(worlds.NODE)
        await ready(made)
        made.nodes[0].silent = True

        async def told() -> bool:
            found = await world.hypervisor()
            said = conditions.find(conditions.of(found), "MachineReady")
            return said is not None and "Node hv1 to be ready" in str(said["message"])

        assert await made.until(told, 120) <= 60
        made.nodes[0].silent = False
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
