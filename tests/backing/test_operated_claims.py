"""Do claims become objects of the cluster's operators, and what stays when they go?"""

import re
from typing import Any

import operator_worlds as worlds
import pytest

from ouranos.backing import mariadb_operator, operators, rabbitmq_operator
from ouranos.kit import kinds, objects, seams
from ouranos.kit.objects import Kind, Object

pytestmark = pytest.mark.virtual_time

DATABASE, USER, GRANT = worlds.MARIADB[1:]
VHOST, THEIR_USER, PERMISSION = worlds.TOPOLOGY
ALL = (worlds.MARIADB, worlds.RABBITMQ, worlds.TOPOLOGY)


async def with_mariadb(world: worlds.World) -> None:
    await world.server(kinds.MARIADB)
    await world.exists(mariadb_operator.SERVER, "mariadb")
    await world.runs(kinds.MARIADB)
    await world.ready(kinds.MARIADB, "mariadb")


async def with_rabbitmq(world: worlds.World) -> None:
    await world.server(kinds.RABBITMQ)
    await world.exists(rabbitmq_operator.SERVER, "rabbitmq")
    await world.runs(kinds.RABBITMQ)
    await world.ready(kinds.RABBITMQ, "rabbitmq")


async def with_database(world: worlds.World, name: str = "nova-api") -> None:
    """Bring a claim on a database to Ready."""
    await world.claim(name)
    await world.fulfils((DATABASE, name), (USER, "nova"), (GRANT, name))
    world.admit(name.replace("-", "_"))
    await world.ready(kinds.DATABASE, name)


async def with_vhost(world: worlds.World) -> None:
    """Bring a claim on a virtual host to Ready."""
    await world.vhost()
    await world.fulfils((VHOST, "nova"), (THEIR_USER, "nova"), (PERMISSION, "nova"))
    world.know()
    await world.ready(kinds.VHOST, "nova")


def spec_and_mark(obj: Object) -> tuple[Object, str]:
    return worlds.spec_of(obj), operators.owner_of(obj)


async def test_a_claim_on_a_database_becomes_three_objects(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world)
        claim = await world.twin.get(kinds.DATABASE, "nova-api")
        server = {"mariaDbRef": {"name": "mariadb"}, "cleanupPolicy": "Skip"}
        database = await world.exists(DATABASE, "nova-api")
        assert spec_and_mark(database) == (
            server
            | {
                "name": "nova_api",
                "characterSet": "utf8mb3",
                "collate": "utf8mb3_general_ci",
            },
            "ouranos:home/nova-api",
        )
        user = await world.exists(USER, "nova")
        assert spec_and_mark(user) == (
            server
            | {
                "name": "nova",
                "host": "%",
                "passwordSecretKeyRef": {"name": "nova-database-1", "key": "password"},
                "maxUserConnections": 0,
            },
            "ouranos:home",
        )
        grant = await world.exists(GRANT, "nova-api")
        assert spec_and_mark(grant) == (
            server
            | {
                "privileges": ["ALL PRIVILEGES"],
                "database": "nova\\_api",
                "table": "*",
                "username": "nova",
                "host": "%",
            },
            "ouranos:home/nova-api",
        )
        for owned in (database, grant):
            assert objects.controller_uid(owned) == claim["metadata"]["uid"]
        assert objects.controller_uid(user) is None
        status = claim["status"]
        assert (status["host"], status["port"], status["tls"]) == ("mariadb", 3306, "Preferred")
        assert status["madeBy"] == "mariadb-operator"
        assert world.databases.fate.writes == []


async def test_a_claim_on_a_virtual_host_becomes_three_objects(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_rabbitmq(world)
        await with_vhost(world)
        server = {"rabbitmqClusterReference": {"name": "rabbitmq"}}
        assert spec_and_mark(await world.exists(VHOST, "nova")) == (
            server | {"name": "nova", "deletionPolicy": "retain"},
            "ouranos:home/nova",
        )
        assert spec_and_mark(await world.exists(THEIR_USER, "nova")) == (
            server | {"importCredentialsSecret": {"name": "nova-queue-1"}},
            "ouranos:home",
        )
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        assert spec_and_mark(await world.exists(PERMISSION, "nova")) == (
            server | {"vhost": "nova", "user": "nova", "permissions": everything},
            "ouranos:home/nova",
        )
        secret = await world.twin.get(kinds.SECRET, "nova-queue-1")
        assert objects.labels_of(secret)["rabbitmq.com/topology-operator"] == "true"
        status = (await world.twin.get(kinds.VHOST, "nova"))["status"]
        assert (status["host"], status["port"]) == ("rabbitmq", 5672)
        assert world.broker.fate.writes == []


async def test_each_wait_names_its_object(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await world.claim()
        assert (await world.told(kinds.DATABASE, "nova-api"))[1] == "MariaDB mariadb to exist"
        await world.server(kinds.MARIADB)
        message = (await world.told(kinds.DATABASE, "nova-api"))[1]
        assert message == (
            "MariaDB mariadb to be available: MariaDB mariadb of mariadb-operator to be Ready"
        )
        await world.runs(kinds.MARIADB)
        await world.exists(DATABASE, "nova-api")
        message = (await world.told(kinds.DATABASE, "nova-api"))[1]
        assert message == "Database nova-api of mariadb-operator to be Ready"
        await world.reports(DATABASE, "nova-api", {"Ready": "Error connecting to MariaDB"})
        message = (await world.told(kinds.DATABASE, "nova-api"))[1]
        assert message.endswith("to be Ready: Error connecting to MariaDB")
        await world.fulfils((DATABASE, "nova-api"))
        message = (await world.told(kinds.DATABASE, "nova-api"))[1]
        assert message == (
            "User nova of mariadb-operator to be Ready; "
            "Grant nova-api of mariadb-operator to be Ready"
        )
        await world.fulfils((USER, "nova"), (GRANT, "nova-api"))
        message = (await world.told(kinds.DATABASE, "nova-api"))[1]
        assert message == "MariaDB mariadb to admit the user nova to the database nova_api"
        world.admit()
        await world.ready(kinds.DATABASE, "nova-api")


async def test_a_settled_claim_is_left_alone(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_rabbitmq(world)
        await with_database(world)
        await with_vhost(world)
        await world.twin.passes(5)

        async def versions() -> list[str]:
            found = [one for group in ALL for kind in group for one in await world.twin.all(kind)]
            found += await world.twin.all(kinds.DATABASE) + await world.twin.all(kinds.VHOST)
            return [one["metadata"]["resourceVersion"] for one in found]

        before = await versions()
        await world.twin.passes(3600)
        assert await versions() == before


@pytest.mark.parametrize(("kind", "name"), [(DATABASE, "nova-api"), (USER, "nova")], ids=str)
async def test_an_object_deleted_behind_our_back_is_asked_for_again(
    given: seams.Seams, kind: Kind, name: str
) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world)
        await world.cluster.delete(kind, name, "home")
        await world.exists(kind, name)
        assert f"{kind.kind} {name}" in (await world.told(kinds.DATABASE, "nova-api"))[1]
        await world.fulfils((kind, name))
        await world.ready(kinds.DATABASE, "nova-api")


async def test_a_user_who_is_kept_out_is_seen(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world)
        world.databases.users["nova"] = "changed"
        await world.twin.passes(120)
        assert "to admit the user nova" in (await world.told(kinds.DATABASE, "nova-api"))[1]
        world.databases.users["nova"] = "first"
        await world.ready(kinds.DATABASE, "nova-api")


async def test_a_user_whom_the_broker_does_not_know_by_this_password_is_seen(
    given: seams.Seams,
) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_rabbitmq(world)
        await with_vhost(world)
        await world.secret("nova-queue-1", username="nova", password="second")
        message = (await world.told(kinds.VHOST, "nova"))[1]
        assert message == "RabbitMQ rabbitmq to admit the user nova to the virtual host nova"
        world.know("second")
        await world.ready(kinds.VHOST, "nova")


async def test_one_user_with_two_secrets_is_refused_to_the_claim_that_comes_second(
    given: seams.Seams,
) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world)
        before = await world.exists(USER, "nova")
        await world.claim("billing", "billing-1")
        await world.fulfils((DATABASE, "billing"))
        reason, message = await world.told(kinds.DATABASE, "billing")
        assert reason == "InvalidSpec"
        assert "in Secret nova-database-1 for Database nova-api" in message
        assert await world.exists(USER, "nova") == before
        await world.cluster.delete(kinds.DATABASE, "nova-api", "home")
        await world.exists(GRANT, "billing")


async def test_another_secret_is_handed_on(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_rabbitmq(world)
        await with_vhost(world)
        await world.secret("nova-queue-2", username="nova", password="second")
        wanted = {"spec": {"secretRef": {"name": "nova-queue-2"}}}
        await world.cluster.patch(kinds.VHOST, "nova", "home", wanted)
        await world.twin.passes(5)
        user = await world.exists(THEIR_USER, "nova")
        assert user["spec"]["importCredentialsSecret"] == {"name": "nova-queue-2"}
        secret = await world.twin.get(kinds.SECRET, "nova-queue-2")
        assert objects.labels_of(secret)["rabbitmq.com/topology-operator"] == "true"


async def test_a_claim_goes_and_what_it_stood_for_stays(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world, "nova-api")
        await with_database(world, "nova")
        await world.cluster.delete(kinds.DATABASE, "nova-api", "home")
        for kind in (DATABASE, GRANT):
            await world.is_gone(kind, "nova-api")
        await world.is_gone(kinds.DATABASE, "nova-api")
        await world.twin.passes(60)
        assert worlds.spec_of(await world.exists(USER, "nova"))["cleanupPolicy"] == "Skip"
        await world.ready(kinds.DATABASE, "nova")
        await world.cluster.delete(kinds.DATABASE, "nova", "home")
        await world.is_gone(USER, "nova")
        await world.is_gone(kinds.DATABASE, "nova")


@pytest.mark.parametrize("sort", ["database", "vhost"])
async def test_what_a_claim_stood_for_goes_where_a_person_says_so(
    given: seams.Seams, sort: str
) -> None:
    kind, name, theirs, thing, wanted = {
        "database": (kinds.DATABASE, "nova-api", DATABASE, "nova_api", ("cleanupPolicy", "Delete")),
        "vhost": (kinds.VHOST, "nova", VHOST, "nova", ("deletionPolicy", "delete")),
    }[sort]
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_rabbitmq(world)
        await with_database(world)
        await with_vhost(world)
        held: dict[str, Any] = {"metadata": {"finalizers": ["operator/finalizer"]}}
        await world.cluster.patch(theirs, name, "home", held)
        await world.annotate(kind, name, delete_data=thing)
        await world.cluster.delete(kind, name, "home")
        assert f"{theirs.kind} {name} of " in (await world.told(kind, name))[1]
        assert (await world.told(kind, name))[1].endswith("to be gone")
        assert (await world.exists(theirs, name))["spec"][wanted[0]] == wanted[1]
        await world.cluster.patch(theirs, name, "home", {"metadata": {"finalizers": None}})
        await world.is_gone(kind, name)
        assert len(await world.events(f"{kind.kind}Deleted")) == 1


@pytest.mark.parametrize(
    ("kind", "name", "annotations", "said"),
    [
        (DATABASE, "nova-api", {}, "Database nova-api of mariadb-operator"),
        (USER, "nova", {}, "User nova of mariadb-operator"),
        (GRANT, "nova-api", {}, "Grant nova-api of mariadb-operator"),
        (USER, "nova", {operators.OWNER: "ouranos:away"}, "belongs to ouranos:away"),
    ],
    ids=["database", "user", "grant", "another namespace's"],
)
async def test_a_strangers_object_of_that_name_stops_the_claim_unless_a_person_says_so(
    given: seams.Seams, kind: Kind, name: str, annotations: dict[str, str], said: str
) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        metadata = {"annotations": annotations}
        await world.apply(kind, name, metadata=metadata, spec={"theirs": True})
        before = await world.exists(kind, name)
        await world.claim()
        if kind != DATABASE:
            await world.fulfils((DATABASE, "nova-api"))
        reason, message = await world.told(kinds.DATABASE, "nova-api")
        assert reason == "Unrecoverable"
        assert said in message
        assert "ouranos.cloud/adopt=nova_api" in message
        assert await world.exists(kind, name) == before
        await world.annotate(kinds.DATABASE, "nova-api", adopt="nova_api")
        await world.twin.passes(5)
        assert operators.owner_of(await world.exists(kind, name)).startswith("ouranos:home")


async def test_a_strangers_object_that_stands_for_the_same_database_stops_the_claim(
    given: seams.Seams,
) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        server = {"mariaDbRef": {"name": "mariadb"}}
        await world.apply(DATABASE, "theirs", spec=server | {"name": "nova_api"})
        await world.apply(DATABASE, "elsewhere", spec={"mariaDbRef": {}, "name": "nova_api"})
        await world.claim()
        reason, message = await world.told(kinds.DATABASE, "nova-api")
        assert reason == "Unrecoverable"
        assert "the database nova_api (Database theirs of mariadb-operator)" in message
        assert await world.find(DATABASE, "nova-api") is None
        await world.cluster.delete(DATABASE, "theirs", "home")
        await world.exists(DATABASE, "nova-api")


async def test_a_strangers_object_that_stands_for_the_same_virtual_host_stops_the_claim(
    given: seams.Seams,
) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_rabbitmq(world)
        theirs = {"rabbitmqClusterReference": {"name": "rabbitmq"}, "name": "nova"}
        await world.apply(VHOST, "theirs", spec=theirs)
        await world.vhost()
        reason, message = await world.told(kinds.VHOST, "nova")
        assert reason == "Unrecoverable"
        assert "(Vhost theirs of the RabbitMQ messaging topology operator)" in message


async def test_without_the_topology_operator_virtual_hosts_are_made_by_hand(
    given: seams.Seams,
) -> None:
    async with worlds.house(given, worlds.RABBITMQ) as world:
        await with_rabbitmq(world)
        await world.vhost()
        status = await world.ready(kinds.VHOST, "nova")
        assert status["madeBy"] == "ouranos"
        assert world.broker.vhosts == {"nova": "ouranos:home/nova"}
        await world.install(*worlds.TOPOLOGY)
        await world.twin.passes(120)
        await world.ready(kinds.VHOST, "nova")
        assert await world.find(VHOST, "nova") is None
        await world.annotate(kinds.VHOST, "nova", delete_data="nova")
        await world.cluster.delete(kinds.VHOST, "nova", "home")
        await world.is_gone(kinds.VHOST, "nova")
        assert world.broker.vhosts == {}
        assert "nova" not in world.broker.users


async def test_what_the_topology_operator_made_stays_its_own(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_rabbitmq(world)
        await with_vhost(world)
        for kind in worlds.TOPOLOGY:
            await world.cluster.delete(kinds.CUSTOM_RESOURCE_DEFINITION, kind.qualified)
        await world.twin.passes(700)
        message = (await world.told(kinds.VHOST, "nova"))[1]
        assert message.startswith("CustomResourceDefinition vhosts.rabbitmq.com: ")
        assert world.broker.fate.writes == []
        await world.cluster.delete(kinds.VHOST, "nova", "home")
        await world.is_gone(kinds.VHOST, "nova")


async def test_a_claim_whose_server_is_gone_goes(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world)
        await world.cluster.delete(kinds.MARIADB, "mariadb", "home")
        await world.is_gone(kinds.MARIADB, "mariadb")
        assert (await world.told(kinds.DATABASE, "nova-api"))[1] == "MariaDB mariadb to exist"
        await world.annotate(kinds.DATABASE, "nova-api", delete_data="nova_api")
        await world.cluster.delete(kinds.DATABASE, "nova-api", "home")
        await world.is_gone(kinds.DATABASE, "nova-api")


async def test_a_lost_secret_is_waited_for(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await with_mariadb(world)
        await with_database(world)
        await world.cluster.delete(kinds.SECRET, "nova-database-1", "home")
        message = (await world.told(kinds.DATABASE, "nova-api"))[1]
        assert message == "Secret nova-database-1 to exist"
        await world.secret("nova-database-1", username="nova", password="first")
        await world.ready(kinds.DATABASE, "nova-api")
        secret = await world.twin.get(kinds.SECRET, "nova-database-1")
        assert "k8s.mariadb.com/watch" in objects.labels_of(secret)


@pytest.mark.parametrize("username", ["nova", "nova-2", "7"])
def test_a_users_object_has_the_users_name_where_it_can(username: str) -> None:
    order = operators.Order("n", "home", "mariadb", "nova", username, "s")
    assert order.account == username


@pytest.mark.parametrize("username", ["nova_api", "Nova", "-", "nova-", "", "über"])
def test_a_user_whose_name_no_object_can_have_gets_another(username: str) -> None:
    order = operators.Order("n", "home", "mariadb", "nova", username, "s")
    assert re.fullmatch("user-[0-9a-f]{10}", order.account)
