"""Do the four servers come to run, and come back? In virtual time, on pods that follow a script."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import fake_servers
import pytest

from ouranos import backing, services
from ouranos.backing import page, sql
from ouranos.engine.simulation import node, script, twin
from ouranos.kit import conditions, kinds, objects, scheduling, seams
from ouranos.kit.objects import Kind

pytestmark = pytest.mark.virtual_time

OF_OVN = b'{"id":0,"result":["OVN_Northbound","OVN_Southbound","_Server"],"error":null}'
SOUND = script.Script()
SERVERS = {
    kinds.MARIADB: "mariadb",
    kinds.RABBITMQ: "rabbitmq",
    kinds.MEMCACHED: "memcached",
    kinds.OVN: "ovn",
}


class Wire:
    """Answers as memcached and ovsdb-server do; or not."""

    def __init__(self) -> None:
        self.answer: bytes | None = None

    async def __call__(self, _host: str, _port: int, question: bytes, _until: bytes) -> bytes:
        if self.answer is not None:
            return self.answer
        return OF_OVN if b"list_dbs" in question else b"VERSION 1.6.38\r\n"


class World:
    def __init__(self, made: twin.Twin, means: tuple[Any, ...]) -> None:
        self.twin = made
        self.databases, self.broker, self.wire = means

    async def is_ready(self, kind: Kind) -> bool:
        return conditions.is_current(await self.twin.get(kind, SERVERS[kind]), "Ready")

    async def ready(self, kind: Kind, within: float = 120) -> None:
        async def look() -> bool:
            return await self.is_ready(kind)

        await self.twin.until(look, within)

    async def said(self, kind: Kind, condition: str, *texts: str) -> objects.Object:
        async def look() -> bool:
            found = conditions.find(
                conditions.of(await self.twin.get(kind, SERVERS[kind])), condition
            )
            return found is not None and all(text in found["message"] for text in texts)

        await self.twin.until(look, 120)
        found = conditions.find(conditions.of(await self.twin.get(kind, SERVERS[kind])), condition)
        assert found is not None
        return found


@contextlib.asynccontextmanager
async def house(
    given: seams.Seams, *wanted: Kind, behaviour: script.Behaviour = script.steady, **spec: Any
) -> AsyncGenerator[World]:
    means = fake_servers.Databases(), fake_servers.Broker(), Wire()
    controllers = backing.controllers(page.Means(means[0].connect, means[1].connect, means[2]))
    parts = [
        {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": SERVERS[kind], "namespace": "home"},
            "spec": {"release": "2026.2", **(spec or {"builtin": {}})},
        }
        for kind in wanted
    ]
    roles = {scheduling.CONTROL_PLANE: ""}
    machine = node.SimulatedNode("node1", given, behaviour=behaviour, labels=roles)
    there = [*services.definitions(), *services.priority_classes()]
    running = twin.running(given, [machine], controllers=controllers, objects=[*there, *parts])
    async with running as made:
        yield World(made, means)


@pytest.mark.parametrize("kind", SERVERS, ids=lambda kind: kind.kind)
async def test_a_server_comes_up_and_says_where_it_answers(given: seams.Seams, kind: Kind) -> None:
    async with house(given, kind) as world:
        await world.ready(kind)
        status = (await world.twin.get(kind, SERVERS[kind]))["status"]
        if kind == kinds.OVN:
            assert status["northbound"] == "tcp:ovn-nb:6641"
            assert status["southbound"] == "tcp:ovn-sb:6642"
        else:
            assert status["host"] == SERVERS[kind]
            assert status["version"]


async def test_a_server_keeps_its_volume_and_is_not_evicted_in_passing(given: seams.Seams) -> None:
    async with house(given, kinds.MARIADB, builtin={"storage": "3Gi"}) as world:
        await world.ready(kinds.MARIADB)
        claim = await world.twin.get(kinds.PERSISTENT_VOLUME_CLAIM, "data-mariadb-0")
        assert claim["spec"]["resources"]["requests"]["storage"] == "3Gi"
        budget = await world.twin.get(kinds.POD_DISRUPTION_BUDGET, "mariadb")
        assert budget["spec"]["minAvailable"] == 1


async def test_no_secret_is_in_a_config_map_or_an_argument(given: seams.Seams) -> None:
    async with house(given, *SERVERS) as world:
        for kind in SERVERS:
            await world.ready(kind)
        passwords = [
            base64.b64decode(value).decode()
            for secret in await world.twin.all(kinds.SECRET)
            for key, value in secret["data"].items()
            if key in {"password", "cookie"}
        ]
        assert len(passwords) == 3
        told: list[objects.Object] = []
        for kind in (kinds.CONFIG_MAP, kinds.STATEFUL_SET, kinds.EVENT):
            told += await world.twin.all(kind)
        text = json.dumps(told)
        assert not [one for one in passwords if one in text]


async def test_a_lost_secret_is_made_anew_and_the_server_restarts_with_it(
    given: seams.Seams,
) -> None:
    async with house(given, kinds.MARIADB) as world:
        await world.ready(kinds.MARIADB)
        before = await world.twin.get(kinds.SECRET, "mariadb-root-1")
        pod = await world.twin.get(kinds.POD, "mariadb-0")
        await world.twin.cluster.delete(kinds.SECRET, "mariadb-root-1", "home")

        async def restarted() -> bool:
            found = await world.twin.cluster.get(kinds.POD, "mariadb-0", "home")
            return found is not None and objects.uid_of(found) != objects.uid_of(pod)

        await world.twin.until(restarted, 120)
        after = await world.twin.get(kinds.SECRET, "mariadb-root-1")
        assert after["data"]["password"] != before["data"]["password"]
        await world.ready(kinds.MARIADB)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kinds.STATEFUL_SET, "mariadb"),
        (kinds.SERVICE, "mariadb"),
        (kinds.POD_DISRUPTION_BUDGET, "mariadb"),
    ],
    ids=["StatefulSet", "Service", "PodDisruptionBudget"],
)
async def test_an_object_deleted_behind_our_back_is_made_again(
    given: seams.Seams, kind: Kind, name: str
) -> None:
    async with house(given, kinds.MARIADB) as world:
        await world.ready(kinds.MARIADB)
        await world.twin.cluster.delete(kind, name, "home")

        async def again() -> bool:
            return await world.twin.cluster.get(kind, name, "home") is not None

        await world.twin.until(again, 60)
        await world.ready(kinds.MARIADB)


async def test_an_old_configuration_is_removed_after_the_rollout(given: seams.Seams) -> None:
    async with house(given, kinds.MARIADB) as world:
        await world.ready(kinds.MARIADB)
        owner = await world.twin.get(kinds.MARIADB, "mariadb")
        (present,) = await world.twin.all(kinds.CONFIG_MAP, "app.kubernetes.io/name=mariadb")
        old = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "mariadb-config-old",
                "namespace": "home",
                "ownerReferences": [objects.owner_reference(owner)],
            },
        }
        await world.twin.cluster.create(old)

        async def gone() -> bool:
            return (
                await world.twin.cluster.get(kinds.CONFIG_MAP, "mariadb-config-old", "home") is None
            )

        await world.twin.until(gone, 60)
        name = present["metadata"]["name"]
        assert await world.twin.cluster.get(kinds.CONFIG_MAP, name, "home") is not None


async def test_a_server_that_goes_is_left_alone(given: seams.Seams) -> None:
    async with house(given, kinds.MARIADB) as world:
        await world.ready(kinds.MARIADB)
        waits = {"metadata": {"finalizers": ["example.org/backup"]}}
        await world.twin.cluster.patch(kinds.MARIADB, "mariadb", "home", waits)
        await world.twin.cluster.delete(kinds.MARIADB, "mariadb", "home")
        await asyncio.sleep(1)
        await world.twin.cluster.delete(kinds.SERVICE, "mariadb", "home")
        await asyncio.sleep(60)
        assert await world.twin.cluster.get(kinds.SERVICE, "mariadb", "home") is None


async def test_a_server_that_crashes_says_so(given: seams.Seams) -> None:
    def crashing(_pod: objects.Object) -> script.Script:
        return script.Script(exits_after=timedelta(seconds=1), code=1)

    async with house(given, kinds.MARIADB, behaviour=crashing) as world:
        await world.said(kinds.MARIADB, "WorkloadReady", "StatefulSet mariadb", "pod mariadb-0")


async def test_a_server_that_could_never_start_does_with_a_mended_template(
    given: seams.Seams,
) -> None:
    def crashing(pod: objects.Object) -> script.Script:
        (container,) = pod["spec"]["containers"]
        too_small = container["resources"]["requests"]["memory"] == "64Mi"
        return script.Script(exits_after=timedelta(seconds=1), code=1) if too_small else SOUND

    spec = {"builtin": {"memory": "64Mi"}}
    async with house(given, kinds.MEMCACHED, behaviour=crashing, **spec) as world:
        await world.said(kinds.MEMCACHED, "WorkloadReady", "pod memcached-0")
        mended: objects.Object = {"spec": {"builtin": {"memory": "128Mi"}}}
        await world.twin.cluster.patch(kinds.MEMCACHED, "memcached", "home", mended)
        await world.ready(kinds.MEMCACHED)


async def test_ready_means_that_the_server_answered(given: seams.Seams) -> None:
    async with house(given, kinds.OVN) as world:
        world.wire.answer = b'{"id":0,"result":["Open_vSwitch"],"error":null}'
        said = await world.said(kinds.OVN, "HealthReady", "does not hold OVN_Northbound")
        assert said["status"] == "False"
        world.wire.answer = None
        await world.ready(kinds.OVN)


async def test_what_does_not_speak_like_memcached_is_none(given: seams.Seams) -> None:
    async with house(given, kinds.MEMCACHED) as world:
        world.wire.answer = b"HTTP/1.1 400 Bad Request\r\n"
        await world.said(kinds.MEMCACHED, "HealthReady", "does not speak like memcached")


async def test_somebody_elses_server_is_only_checked(given: seams.Seams) -> None:
    external = {"host": "10.0.0.9", "secretRef": {"name": "theirs"}}
    async with house(given, kinds.MARIADB, external=external) as world:
        await world.said(kinds.MARIADB, "HealthReady", "Secret theirs does not exist")
        data = {
            key: base64.b64encode(value).decode()
            for key, value in (("username", b"dba"), ("password", b"x"))
        }
        secret = {"apiVersion": "v1", "kind": "Secret", "data": data}
        metadata = {"name": "theirs", "namespace": "home"}
        await world.twin.cluster.apply({**secret, "metadata": metadata})
        await world.ready(kinds.MARIADB)
        assert world.databases.logins[-1] == sql.Login("10.0.0.9", 3306, "dba", "x")
        assert await world.twin.all(kinds.STATEFUL_SET) == []
        status = (await world.twin.get(kinds.MARIADB, "mariadb"))["status"]
        assert (status["host"], status["port"], status["tls"]) == ("10.0.0.9", 3306, "Preferred")
        world.databases.is_away = True
        said = await world.said(kinds.MARIADB, "HealthReady", "does not answer")
        assert said["reason"] == "TransientError"
        world.databases.is_away = False
        await world.ready(kinds.MARIADB, 600)


async def test_somebody_elses_ovn_has_ports_of_its_own(given: seams.Seams) -> None:
    external = {"host": "10.0.0.9", "northboundPort": 16641, "southboundPort": 16642}
    async with house(given, kinds.OVN, external=external) as world:
        await world.ready(kinds.OVN)
        status = (await world.twin.get(kinds.OVN, "ovn"))["status"]
        assert status["southbound"] == "tcp:10.0.0.9:16642"
