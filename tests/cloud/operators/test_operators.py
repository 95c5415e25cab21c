"""Do real operators' kinds take what we ask for, on a real API server?

The operators themselves do not run here: what they would write into their objects' status, the
story writes, as their documentation and types say. The servers behind them are pretended.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

import backing_worlds
import fake_servers
import operator_worlds as worlds
import pytest
import tests_operators

from ouranos import backing, services
from ouranos.backing import manifests, mariadb_operator, operators, page, rabbitmq_operator
from ouranos.bench import controlplane
from ouranos.engine.simulation import twin
from ouranos.kit import controller, kinds, objects, seams
from ouranos.kit.objects import Kind, Object

DATABASE, USER, GRANT = worlds.MARIADB[1:]
VHOST, THEIR_USER, PERMISSION = worlds.TOPOLOGY
EVERYTHING = (*worlds.MARIADB, *worlds.RABBITMQ, *worlds.TOPOLOGY)


class RealWorld(worlds.World):
    """The world of the fast tests, on a real API server and in real time."""

    plane: controlplane.Plane

    async def says(self, kind: Kind, name: str, text: str) -> None:
        """Wait until an object of ours is not Ready for this reason."""

        async def said() -> bool:
            return text in (await self.told(kind, name))[1]

        await self.twin.until(said, self.patience)

    async def publish(self, *theirs: Kind) -> None:
        """Install the definitions that the operators publish."""
        for one in tests_operators.published(theirs):
            await self.cluster.apply(one)

    async def taken(self, kind: Kind, name: str, wanted: Object) -> Object:
        """Wait for an object; nothing that we asked for was refused, unknown or dropped."""
        made = await self.exists(kind, name)
        assert tests_operators.refusals(self.plane, operators.marked(wanted, "home")) == ""
        missing = {
            key: value for key, value in wanted["spec"].items() if made["spec"].get(key) != value
        }
        for key, value in missing.items():
            # A server adds defaults inside of what was asked for.
            assert _holds(made["spec"].get(key), value), (key, value)
        return made


def _holds(found: object, wanted: object) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(_holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_holds, found, wanted))
    return found == wanted


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncGenerator[RealWorld]:
    """A real API server with our kinds, on which our controllers of the room run."""
    async with tests_operators.serving(folder) as (source, plane):
        for one in services.definitions():
            await source.apply(one)
        await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}})
        databases, broker = fake_servers.Databases(), fake_servers.Broker()
        means = page.Means(databases.connect, broker.connect, backing_worlds.answer)
        given = seams.real()
        every = backing.controllers(means)
        runner = controller.ControllerRunner(every, controller.Mirror(source, every, given))
        task = asyncio.create_task(controller.run_alone(runner))
        world = RealWorld(twin.Twin(source, given, (), ()), databases, broker)
        world.network = str(plane.place.services.network_address).rpartition(".")[0]
        world.plane, world.patience = plane, 300
        try:
            yield world
            assert not task.done()
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.mark.enable_socket
async def test_what_we_ask_of_operators_is_what_their_kinds_take(tmp_path: Path) -> None:
    async with house(tmp_path) as world:
        await world.server(kinds.MARIADB)
        await world.server(kinds.RABBITMQ, replicas=3)
        await _installs(world)
        await _runs_servers(world)
        await _fulfils_claims(world)
        await _lets_go(world)
        await _loses_the_operator(world)
        await _takes_what_is_there(world)


async def _installs(world: RealWorld) -> None:
    """Before the operators are there, it is said what is missing; then all goes on by itself."""
    for kind, theirs in (
        (kinds.MARIADB, mariadb_operator.SERVER),
        (kinds.RABBITMQ, rabbitmq_operator.SERVER),
    ):
        await world.says(kind, worlds.SERVERS[kind], f"Definition {theirs.qualified}: ")
    await world.publish(*worlds.MARIADB, *worlds.RABBITMQ)


async def _runs_servers(world: RealWorld) -> None:
    for kind, operator, name in (
        (kinds.MARIADB, mariadb_operator.OPERATOR, "mariadb"),
        (kinds.RABBITMQ, rabbitmq_operator.OPERATOR, "rabbitmq"),
    ):
        ours = await world.twin.get(kind, name)
        identity = manifests.Identity(name, "home")
        await world.taken(operator.kind, name, operator.made(identity, ours["spec"]))
        await world.says(kind, name, f"to be {operator.proofs[0]}")
        await world.runs(kind)
        await world.ready(kind, name)
    several = {"storageClassName": "local", "operator": {"replicas": 3, "storage": "1Gi"}}
    galera = mariadb_operator.server(manifests.Identity("galera", "home"), several)
    assert tests_operators.refusals(world.plane, galera) == ""


async def _fulfils_claims(world: RealWorld) -> None:
    await world.claim()
    await world.vhost()
    # Only the cluster operator is there: virtual hosts are made by hand, and stay so.
    assert (await world.ready(kinds.VHOST, "nova"))["madeBy"] == "ouranos"
    await world.cluster.delete(kinds.VHOST, "nova", "home")
    await world.is_gone(kinds.VHOST, "nova")
    await world.publish(*worlds.TOPOLOGY)
    await world.twin.passes(5)
    await world.vhost()
    order = operators.Order("nova-api", "home", "mariadb", "nova_api", "nova", "nova-database-1")
    await world.taken(DATABASE, "nova-api", mariadb_operator.database(order))
    await world.reports(DATABASE, "nova-api", {"Ready": "Error creating nova-api"})
    await world.says(kinds.DATABASE, "nova-api", "Ready: Error creating nova-api")
    await world.fulfils((DATABASE, "nova-api"))
    await world.taken(USER, "nova", mariadb_operator.user(order))
    await world.taken(GRANT, "nova-api", mariadb_operator.grant(order))
    await world.fulfils((USER, "nova"), (GRANT, "nova-api"))
    world.admit()
    await world.ready(kinds.DATABASE, "nova-api")
    order = operators.Order("nova", "home", "rabbitmq", "nova", "nova", "nova-queue-1")
    await world.taken(VHOST, "nova", rabbitmq_operator.vhost(order))
    await _topology_reports(world, VHOST, "nova")
    await world.taken(THEIR_USER, "nova", rabbitmq_operator.user(order))
    await world.taken(PERMISSION, "nova", rabbitmq_operator.permission(order))
    await _topology_reports(world, THEIR_USER, "nova", username="nova")
    await _topology_reports(world, PERMISSION, "nova")
    world.know()
    status = await world.ready(kinds.VHOST, "nova")
    assert status["madeBy"] == rabbitmq_operator.TOPOLOGY.name
    secret = await world.twin.get(kinds.SECRET, "nova-queue-1")
    assert objects.labels_of(secret)["rabbitmq.com/topology-operator"] == "true"


async def _topology_reports(world: RealWorld, kind: Kind, name: str, **status: str) -> None:
    found = await world.exists(kind, name)
    generation = found["metadata"]["generation"]
    await world.reports(kind, name, {"Ready": "True"}, observedGeneration=generation, **status)


async def _lets_go(world: RealWorld) -> None:
    """What claims stand for stays, or goes where a person says so; the kinds take both."""
    held = {"metadata": {"finalizers": ["k8s.mariadb.com/finalizer"]}}
    await world.cluster.patch(DATABASE, "nova-api", "home", held)
    await world.annotate(kinds.DATABASE, "nova-api", delete_data="nova_api")
    await world.cluster.delete(kinds.DATABASE, "nova-api", "home")
    await world.says(kinds.DATABASE, "nova-api", "Database nova-api of mariadb-operator to be gone")
    assert (await world.exists(DATABASE, "nova-api"))["spec"]["cleanupPolicy"] == "Delete"
    await world.cluster.patch(DATABASE, "nova-api", "home", {"metadata": {"finalizers": None}})
    for kind, name in (
        (DATABASE, "nova-api"),
        (GRANT, "nova-api"),
        (USER, "nova"),
        (kinds.DATABASE, "nova-api"),
    ):
        await world.is_gone(kind, name)
    await world.cluster.delete(kinds.VHOST, "nova", "home")
    for kind in (VHOST, PERMISSION, THEIR_USER, kinds.VHOST):
        await world.is_gone(kind, "nova")


async def _loses_the_operator(world: RealWorld) -> None:
    definition = mariadb_operator.SERVER.qualified
    await world.cluster.delete(kinds.CUSTOM_RESOURCE_DEFINITION, definition)
    await world.says(kinds.MARIADB, "mariadb", f"Definition {definition}: ")
    await world.publish(mariadb_operator.SERVER)
    await world.exists(mariadb_operator.SERVER, "mariadb")


async def _takes_what_is_there(world: RealWorld) -> None:
    """A stranger's server is refused, and used as it is where a person names it."""
    await world.cluster.delete(kinds.MARIADB, "mariadb", "home")
    await world.is_gone(kinds.MARIADB, "mariadb")
    await world.cluster.delete(mariadb_operator.SERVER, "mariadb", "home")
    await world.is_gone(mariadb_operator.SERVER, "mariadb")
    theirs = {"storage": {"size": "1Gi"}, "rootPasswordSecretKeyRef": {"name": "r", "key": "pw"}}
    await world.apply(mariadb_operator.SERVER, "mariadb", spec=theirs)
    before = await world.exists(mariadb_operator.SERVER, "mariadb")
    await world.server(kinds.MARIADB)
    await world.says(kinds.MARIADB, "mariadb", "was not made by Ouranos")
    assert (await world.exists(mariadb_operator.SERVER, "mariadb")) == before
    await world.secret("r", pw="theirs")
    await world.server(kinds.MARIADB, objectRef={"name": "mariadb"})
    await world.runs(kinds.MARIADB)
    await world.ready(kinds.MARIADB, "mariadb")
    assert world.databases.logins[-1].password == "theirs"
