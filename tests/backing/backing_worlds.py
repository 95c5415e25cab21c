"""Worlds that the tests of backing are told in: an embedded API, and servers in memory."""

import base64
import contextlib
import functools
from collections.abc import AsyncGenerator
from typing import Any

import fake_servers
import httpx2

from ouranos import services
from ouranos.backing import claim, databases, page, vhosts
from ouranos.engine.apiserver import server
from ouranos.kit import cluster, conditions, controller, kinds, objects, outcome, seams
from ouranos.kit.objects import Key, Kind

NEEDED = {"mariadbs", "rabbitmqs", "databases", "vhosts"}


async def answer(_host: str, _port: int, _question: bytes, _until: bytes) -> bytes:
    return b"VERSION 1.6.38\r\n"


def client_of(api: server.ApiServer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=api.transport(), base_url="http://api")


@functools.cache
def definitions() -> tuple[objects.Object, ...]:
    """The kinds that are needed here; making and taking in all of them takes its time."""
    return tuple(one for one in services.definitions() if one["spec"]["names"]["plural"] in NEEDED)


@functools.cache
def every_definition() -> tuple[objects.Object, ...]:
    """The kinds of all servers and claims."""
    wanted = NEEDED | {"memcacheds", "ovns"}
    return tuple(one for one in services.definitions() if one["spec"]["names"]["plural"] in wanted)


class World:
    """A namespace with servers that answer, and claims on them."""

    def __init__(self, source: cluster.Cluster, given: seams.Seams) -> None:
        self.source = source
        self.given = given
        self.databases = fake_servers.Databases()
        self.broker = fake_servers.Broker()
        self.means = page.Means(self.databases.connect, self.broker.connect, answer)

    async def prepare(self) -> None:
        for definition in definitions():
            await self.source.apply(definition)
        await self.server(kinds.MARIADB, "mariadb", "root")
        await self.server(kinds.RABBITMQ, "rabbitmq", "admin")

    async def server(self, kind: Kind, name: str, account: str, **spec: Any) -> None:
        given = spec or {"builtin": {}}
        await self.apply(kind, name, spec={"release": "2026.2", **given})
        await self.available(kind, name)
        ports = {"mariadb": [3306], "rabbitmq": [5672, 15672]}[name]
        entries = [{"name": f"p{port}", "port": port} for port in ports]
        where = {"clusterIP": "172.31.0.2", "ports": entries}
        await self.apply(kinds.SERVICE, name, spec=where)
        await self.secret(f"{name}-{account}-1", "ouranos", "of-the-server")

    async def external(self) -> None:
        """Let somebody else run the servers."""
        for kind, name, account in (
            (kinds.MARIADB, "mariadb", "root"),
            (kinds.RABBITMQ, "rabbitmq", "admin"),
        ):
            await self.source.delete(kind, name, "home")
            said = {"host": "10.0.0.9", "secretRef": {"name": f"{name}-{account}-1"}}
            await self.server(kind, name, account, external=said)

    @contextlib.asynccontextmanager
    async def other_cluster(self) -> AsyncGenerator["World"]:
        """Another Kubernetes with a namespace of the same name, which uses the same servers."""
        api = await server.ApiServer.open(None, self.given)
        async with client_of(api) as http:
            source = cluster.Cluster(http, manager="test")
            home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}}
            await source.apply(home)
            other = World(source, self.given)
            other.databases, other.broker, other.means = self.databases, self.broker, self.means
            await other.prepare()
            await other.external()
            yield other
        await api.close()

    async def available(self, kind: Kind, name: str, status: str = "True") -> None:
        found = await self.source.get(kind, name, "home")
        assert found is not None
        said: list[objects.Object] = []
        now = self.given.clock.now()
        conditions.set_condition(said, "Available", status, "Succeeded", "", now)
        conditions.set_condition(said, "Ready", status, "Waiting", "its pod is not ready", now)
        await self.source.replace_status({**found, "status": {"conditions": said}})

    async def apply(self, kind: Kind, name: str, **content: Any) -> objects.Object:
        metadata = {"name": name, "namespace": "home", **content.pop("metadata", {})}
        return await self.source.apply(
            {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content}
        )

    async def secret(self, name: str, username: str, password: str) -> None:
        data = {
            key: base64.b64encode(value.encode()).decode()
            for key, value in (("username", username), ("password", password))
        }
        await self.apply(kinds.SECRET, name, data=data)

    async def claim(
        self, name: str = "nova-api", database: str = "nova_api", secret: str = "nova-database-1"
    ) -> None:
        await self.secret(secret, "nova", "first")
        spec = {
            "mariadbRef": {"name": "mariadb"},
            "database": database,
            "secretRef": {"name": secret},
        }
        await self.apply(kinds.DATABASE, name, spec=spec)

    async def vhost(self, name: str = "nova") -> None:
        await self.secret("nova-queue-1", "nova", "first")
        spec = {
            "rabbitmqRef": {"name": "rabbitmq"},
            "vhost": "nova",
            "secretRef": {"name": "nova-queue-1"},
        }
        await self.apply(kinds.VHOST, name, spec=spec)

    async def annotate(self, kind: Kind, name: str, **values: str | None) -> None:
        wanted = {f"ouranos.cloud/{key.replace('_', '-')}": value for key, value in values.items()}
        await self.source.patch(kind, name, "home", {"metadata": {"annotations": wanted}})

    async def pass_over(self, kind: Kind, name: str) -> outcome.Outcome:
        sort = {kinds.DATABASE: databases.SORT, kinds.VHOST: vhosts.SORT}[kind]
        one = claim.controller_of(sort, self.means)
        return await controller.run_pass(one, self.source, Key("home", name), self.given)

    async def told(self, kind: Kind, name: str, condition: str) -> tuple[str, str, str]:
        found = await self.source.get(kind, name, "home")
        assert found is not None
        said = conditions.find(conditions.of(found), condition)
        assert said is not None
        return said["status"], said["reason"], said["message"]
