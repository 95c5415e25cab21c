"""Does a server come to run where the cluster's own operator runs it, and what if it does not?"""

from typing import Any

import operator_worlds as worlds
import pytest

from ouranos.backing import mariadb_operator, operators, rabbitmq_operator
from ouranos.kit import conditions, kinds, seams
from ouranos.kit.objects import Kind

pytestmark = pytest.mark.virtual_time

THEIRS = {
    kinds.MARIADB: (mariadb_operator.SERVER, "MariaDB mariadb of mariadb-operator"),
    kinds.RABBITMQ: (
        rabbitmq_operator.SERVER,
        "RabbitmqCluster rabbitmq of the RabbitMQ cluster operator",
    ),
}
FIRST_PROOF = {kinds.MARIADB: "Ready", kinds.RABBITMQ: "ClusterAvailable"}
BOTH = pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.kind)
ALL = (worlds.MARIADB, worlds.RABBITMQ)


@BOTH
async def test_without_the_operator_it_is_said_what_is_missing_and_where_to_get_it(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    async with worlds.house(given) as world:
        await world.server(kind)
        reason, message = await world.told(kind, worlds.SERVERS[kind])
        assert reason == "Waiting"
        assert message.startswith(f"CustomResourceDefinition {theirs.qualified}: ")
        assert "install it from https://github.com/" in message
        await world.install(theirs)
        await world.exists(theirs, worlds.SERVERS[kind])
        assert (await world.told(kind, worlds.SERVERS[kind]))[1].startswith(f"{title} to be ")


@BOTH
async def test_a_server_is_ready_when_the_operator_says_so_and_it_answers(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.server(kind)
        made = await world.exists(theirs, name)
        assert operators.owner_of(made) == f"ouranos:home/{name}"
        assert made["metadata"].get("ownerReferences") is None
        proof = FIRST_PROOF[kind]
        await world.reports(theirs, name, {proof: "Pods are pending"})
        assert await world.told(kind, name) == (
            "Waiting",
            f"{title} to be {proof}: Pods are pending",
        )
        await world.runs(kind)
        status = await world.ready(kind, name)
        assert status["host"] == name
        assert status["version"]
        found = await world.twin.get(kind, name)
        assert conditions.is_current(found, "InstanceReady")
        assert conditions.is_current(found, "Available")


async def test_the_administrators_account_is_the_operators(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await world.server(kinds.MARIADB)
        await world.exists(mariadb_operator.SERVER, "mariadb")
        await world.runs(kinds.MARIADB)
        status = await world.ready(kinds.MARIADB, "mariadb")
        assert status["tls"] == "Preferred"
        login = world.databases.logins[-1]
        assert (login.host, login.port) == ("10.96.0.10", 3306)
        assert (login.username, login.password, login.encrypted) == ("root", "of-root", True)
        assert await world.twin.all(kinds.STATEFUL_SET) == []


@BOTH
async def test_a_server_in_trouble_says_so_and_is_ready_again(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.server(kind)
        await world.exists(theirs, name)
        await world.runs(kind)
        await world.ready(kind, name)
        proof = FIRST_PROOF[kind]
        await world.reports(theirs, name, {proof: "Galera is not healthy"})
        assert (await world.told(kind, name))[1] == f"{title} to be {proof}: Galera is not healthy"
        assert not conditions.is_current(await world.twin.get(kind, name), "Available")
        await world.runs(kind)
        await world.ready(kind, name)


async def test_a_rabbitmq_with_an_instance_down_serves_and_is_not_ready(
    given: seams.Seams,
) -> None:
    async with worlds.house(given, *ALL) as world:
        await world.server(kinds.RABBITMQ, replicas=3)
        await world.exists(rabbitmq_operator.SERVER, "rabbitmq")
        await world.runs(kinds.RABBITMQ)
        await world.ready(kinds.RABBITMQ, "rabbitmq")
        said = {"ClusterAvailable": "True", "AllReplicasReady": "2/3 Pods ready"}
        await world.reports(rabbitmq_operator.SERVER, "rabbitmq", said)
        assert (await world.told(kinds.RABBITMQ, "rabbitmq"))[1].endswith(
            "to be AllReplicasReady: 2/3 Pods ready"
        )
        found = await world.twin.get(kinds.RABBITMQ, "rabbitmq")
        assert conditions.is_current(found, "Available")


@BOTH
async def test_what_the_operator_has_not_looked_at_since_is_not_believed(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.server(kind)
        await world.exists(theirs, name)
        proofs = dict.fromkeys(("Ready", *rabbitmq_operator.OPERATOR.proofs), "True")
        await world.reports(theirs, name, proofs, observedGeneration=0)
        assert (await world.told(kind, name))[1] == (
            f"{title} to be looked at by the operator since it was changed"
        )


@BOTH
async def test_the_operators_object_deleted_behind_our_back_is_made_again(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, _ = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.server(kind)
        first = await world.exists(theirs, name)
        await world.cluster.patch(theirs, name, "home", {"metadata": {"finalizers": ["a.b/c"]}})
        await world.cluster.delete(theirs, name, "home")
        assert (await world.told(kind, name))[1].endswith("to be gone, to be made again")
        await world.cluster.patch(theirs, name, "home", {"metadata": {"finalizers": None}})
        await world.twin.passes(5)
        again = await world.exists(theirs, name)
        assert again["metadata"]["uid"] != first["metadata"]["uid"]


@BOTH
async def test_a_strangers_server_of_that_name_is_refused_and_not_touched(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.apply(theirs, name, spec={"replicas": 7})
        before = await world.exists(theirs, name)
        await world.server(kind)
        reason, message = await world.told(kind, name)
        assert reason == "Unrecoverable"
        assert message.startswith(f"{title} was not made by Ouranos; rename it")
        assert f"operator: {{objectRef: {{name: {name}}}}}" in message
        assert await world.exists(theirs, name) == before
        await world.server(kind, objectRef={"name": name})
        await world.runs(kind)
        await world.ready(kind, name)
        assert (await world.exists(theirs, name))["spec"] == {"replicas": 7}


@BOTH
async def test_our_object_goes_and_the_server_with_the_data_stays(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.server(kind)
        first = await world.exists(theirs, name)
        await world.cluster.delete(kind, name, "home")
        await world.is_gone(kind, name)
        assert await world.events("ServerKept") == [f"{title} is kept, because it holds data"]
        await world.twin.passes(60)
        assert (await world.exists(theirs, name))["metadata"]["uid"] == first["metadata"]["uid"]
        await world.server(kind)
        await world.runs(kind)
        await world.ready(kind, name)


@BOTH
async def test_the_server_goes_with_our_object_where_a_person_says_so(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, title = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given, *ALL) as world:
        await world.server(kind)
        await world.exists(theirs, name)
        await world.cluster.patch(theirs, name, "home", {"metadata": {"finalizers": ["a.b/c"]}})
        await world.annotate(kind, name, delete_data=name)
        await world.cluster.delete(kind, name, "home")
        assert (await world.told(kind, name))[1] == f"{title} to be gone"
        await world.cluster.patch(theirs, name, "home", {"metadata": {"finalizers": None}})
        await world.is_gone(theirs, name)
        await world.is_gone(kind, name)


@BOTH
async def test_an_object_that_somebody_made_is_used_as_it_is(
    given: seams.Seams, kind: Kind
) -> None:
    theirs, _ = THEIRS[kind]
    name = worlds.SERVERS[kind]
    async with worlds.house(given) as world:
        await world.server(kind, objectRef={"name": "shared"})
        assert theirs.qualified in (await world.told(kind, name))[1]
        await world.install(theirs)
        await world.twin.passes(2)
        message = (await world.told(kind, name))[1]
        assert message.endswith("to exist")
        assert " shared of " in message
        await world.apply(theirs, "shared", spec={"replicas": 1})
        await world.runs(kind, "shared")
        status = await world.ready(kind, name)
        assert status["host"] == "shared"
        assert await world.find(theirs, name) is None
        await world.cluster.delete(kind, name, "home")
        await world.is_gone(kind, name)
        assert (await world.exists(theirs, "shared"))["spec"] == {"replicas": 1}


async def test_a_rabbitmq_that_speaks_tls_only_is_refused(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        only = {"tls": {"disableNonTLSListeners": True}}
        await world.apply(rabbitmq_operator.SERVER, "shared", spec=only)
        await world.server(kinds.RABBITMQ, objectRef={"name": "shared"})
        reason, message = await world.told(kinds.RABBITMQ, "rabbitmq")
        assert reason == "Unrecoverable"
        assert "shared of the RabbitMQ cluster operator speaks TLS only" in message


@pytest.mark.parametrize(
    ("spec", "host", "port", "account"),
    [
        ({}, "shared", 3306, ("root", "of-root")),
        ({"port": 3307}, "shared", 3307, ("root", "of-root")),
        ({"galera": {"enabled": True}}, "shared-primary", 3306, ("root", "of-root")),
        ({"replication": {"enabled": True}}, "shared-primary", 3306, ("root", "of-root")),
        ({"rootEmptyPassword": True}, "shared", 3306, ("root", "")),
        (
            {"rootPasswordSecretKeyRef": {"name": "vault", "key": "pw"}},
            "shared",
            3306,
            ("root", "of-the-vault"),
        ),
    ],
    ids=["one", "a port of its own", "Galera", "replication", "no password", "a Secret of its own"],
)
async def test_a_mariadb_that_somebody_made_is_reached_where_it_is_written_to(
    given: seams.Seams, spec: Any, host: str, port: int, account: tuple[str, str]
) -> None:
    async with worlds.house(given, *ALL) as world:
        await world.secret("vault", pw="of-the-vault")
        await world.service("shared-primary", "10.96.0.20", 3306)
        await world.apply(mariadb_operator.SERVER, "shared", spec=spec)
        await world.server(kinds.MARIADB, objectRef={"name": "shared"})
        await world.runs(kinds.MARIADB, "shared")
        await world.service("shared", "10.96.0.10", port)
        status = await world.ready(kinds.MARIADB, "mariadb")
        assert (status["host"], status["port"]) == (host, port)
        login = world.databases.logins[-1]
        assert (login.username, login.password) == account


async def test_a_server_is_asked_for_as_the_spec_says(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        spec = {"release": "2026.2", "storageClassName": "fast"}
        several = {"operator": {"replicas": 3, "storage": "7Gi"}}
        await world.apply(kinds.MARIADB, "mariadb", spec=spec | several)
        await world.apply(kinds.RABBITMQ, "rabbitmq", spec=spec | several)
        mariadb = worlds.spec_of(await world.exists(mariadb_operator.SERVER, "mariadb"))
        assert mariadb["storage"] == {"size": "7Gi", "storageClassName": "fast"}
        assert (mariadb["replicas"], mariadb["galera"]) == (3, {"enabled": True})
        assert mariadb["affinity"]["antiAffinityEnabled"] is True
        rabbitmq = worlds.spec_of(await world.exists(rabbitmq_operator.SERVER, "rabbitmq"))
        assert rabbitmq["persistence"] == {"storage": "7Gi", "storageClassName": "fast"}
        assert rabbitmq["replicas"] == 3
        assert "podAntiAffinity" in rabbitmq["affinity"]
        for one in (mariadb, rabbitmq):
            assert "nodeAffinity" in one["affinity"]
            assert one["resources"]["requests"]
            assert one["resources"]["limits"]


async def test_the_operator_that_goes_is_missed_and_found_again(given: seams.Seams) -> None:
    async with worlds.house(given, *ALL) as world:
        await world.server(kinds.MARIADB)
        await world.exists(mariadb_operator.SERVER, "mariadb")
        await world.runs(kinds.MARIADB)
        await world.ready(kinds.MARIADB, "mariadb")
        qualified = mariadb_operator.SERVER.qualified
        await world.cluster.delete(kinds.CUSTOM_RESOURCE_DEFINITION, qualified)
        await world.twin.passes(700)
        assert qualified in (await world.told(kinds.MARIADB, "mariadb"))[1]
        await world.install(mariadb_operator.SERVER)
        await world.exists(mariadb_operator.SERVER, "mariadb")


async def test_an_external_name_without_a_dot_is_a_service_beside_the_cloud(
    given: seams.Seams,
) -> None:
    async with worlds.house(given) as world:
        await world.secret("theirs", username="dba", password="x")
        external = {"host": "legacy", "port": 3307, "secretRef": {"name": "theirs"}}
        spec = {"release": "2026.2", "external": external}
        await world.apply(kinds.MARIADB, "mariadb", spec=spec)
        await world.ready(kinds.MARIADB, "mariadb")
        assert world.databases.logins[-1].host == "legacy"
        await world.service("legacy", "10.96.0.30", 3307)
        await world.twin.passes(200)
        status = await world.ready(kinds.MARIADB, "mariadb")
        assert world.databases.logins[-1].host == "10.96.0.30"
        assert status["host"] == "legacy"
