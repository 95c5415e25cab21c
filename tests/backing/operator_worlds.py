"""A cluster in which somebody may have installed operators for MariaDB and RabbitMQ.

The operators themselves are the test: it says what they would write into their objects' status.
"""

import base64
import contextlib
from collections.abc import AsyncGenerator, Iterable
from random import Random
from typing import Any

import backing_worlds as worlds
import fake_servers

from ouranos import backing
from ouranos.backing import broker, mariadb_operator, page, rabbitmq_operator
from ouranos.engine.simulation import twin
from ouranos.kit import conditions, kinds, objects, seams
from ouranos.kit.objects import Kind, Object

MARIADB = (
    mariadb_operator.SERVER,
    mariadb_operator.DATABASE,
    mariadb_operator.USER,
    mariadb_operator.GRANT,
)
RABBITMQ = (rabbitmq_operator.SERVER,)
TOPOLOGY = (rabbitmq_operator.VHOST, rabbitmq_operator.USER, rabbitmq_operator.PERMISSION)
SERVERS = {kinds.MARIADB: "mariadb", kinds.RABBITMQ: "rabbitmq"}


def definition(kind: Kind) -> Object:
    """A kind of somebody else's, as loose as can be."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.qualified},
        "spec": {
            "group": kind.group,
            "names": {"kind": kind.kind, "plural": kind.plural},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": kind.version,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": anything},
                }
            ],
        },
    }


class World:
    """A twin, or a real cluster in its manners; servers behind operators; what operators do."""

    def __init__(self, made: twin.Twin, databases: Any, broker: Any) -> None:
        self.twin = made
        self.cluster = made.cluster
        self.databases: fake_servers.Databases = databases
        self.broker: fake_servers.Broker = broker
        self.network = "10.96.0"
        self.patience = 120.0

    async def install(self, *theirs: Kind) -> None:
        """Install the kinds of an operator."""
        for kind in theirs:
            await self.cluster.apply(definition(kind))

    async def apply(self, kind: Kind, name: str, **content: Any) -> Object:
        """Apply an object as a person would."""
        metadata = {"name": name, "namespace": "home", **content.pop("metadata", {})}
        head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
        return await self.cluster.apply({**head, **content}, manager="person")

    async def server(self, kind: Kind, **said: Any) -> None:
        """Ask for a server that an operator runs."""
        spec = {"release": "2026.2", "operator": said}
        await self.apply(kind, SERVERS[kind], spec=spec)

    async def annotate(self, kind: Kind, name: str, **values: str) -> None:
        """Say something to us on an object."""
        wanted = {f"ouranos.cloud/{key.replace('_', '-')}": value for key, value in values.items()}
        await self.cluster.patch(kind, name, "home", {"metadata": {"annotations": wanted}})

    async def secret(self, name: str, **data: str) -> None:
        """Make a Secret."""
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
        await self.apply(kinds.SECRET, name, data=encoded)

    async def service(self, name: str, address: str, *ports: int) -> None:
        """Make a Service."""
        entries = [{"name": f"p{port}", "port": port} for port in ports]
        await self.apply(kinds.SERVICE, name, spec={"clusterIP": address, "ports": entries})

    async def reports(
        self, kind: Kind, name: str, conditions_: dict[str, str], **status: Any
    ) -> None:
        """Write what an operator would say of an object: True, or why not."""
        found = await self.exists(kind, name)
        said: list[Object] = []
        now = self.twin.seams.clock.now()
        for type_, text in conditions_.items():
            truth = "True" if text == "True" else "False"
            conditions.set_condition(said, type_, truth, "Said", text, now)
        await self.cluster.replace_status({**found, "status": {"conditions": said, **status}})

    async def runs(self, kind: Kind, name: str = "") -> None:
        """Do what the operators do for a server: Services, the account's Secret, conditions."""
        name = name or SERVERS[kind]
        if kind == kinds.MARIADB:
            await self.service(name, f"{self.network}.10", 3306)
            await self.secret(f"{name}-root", password="of-root")
            await self.reports(mariadb_operator.SERVER, name, {"Ready": "True"})
            return
        await self.service(name, f"{self.network}.11", 5672, 15672)
        await self.secret(f"{name}-default-user", username="default_user_x", password="of-default")
        proofs = dict.fromkeys(rabbitmq_operator.OPERATOR.proofs, "True")
        reference = {"name": name, "namespace": "home"}
        keys = {"username": "username", "password": "password"}
        secret = {"name": f"{name}-default-user", "namespace": "home", "keys": keys}
        user = {"serviceReference": reference, "secretReference": secret}
        await self.reports(rabbitmq_operator.SERVER, name, proofs, defaultUser=user)

    async def fulfils(self, *things: tuple[Kind, str]) -> None:
        """Do what the operators do for a claim's objects."""
        for kind, name in things:
            await self.reports(kind, name, {"Ready": "True"})

    async def exists(self, kind: Kind, name: str) -> Object:
        """Wait until there is an object."""

        async def there() -> bool:
            return await self.find(kind, name) is not None

        await self.twin.until(there, self.patience)
        return await self.twin.get(kind, name)

    async def is_gone(self, kind: Kind, name: str) -> None:
        """Wait until there is no such object."""

        async def gone() -> bool:
            return await self.find(kind, name) is None

        await self.twin.until(gone, self.patience)

    async def find(self, kind: Kind, name: str) -> Object | None:
        """Return an object, or None where there is none."""
        return await self.cluster.get(kind, name, "home")

    async def told(self, kind: Kind, name: str, condition: str = "Ready") -> tuple[str, str]:
        """Return reason and message of a condition, once all is quiet."""
        await self.twin.passes(2)
        found = conditions.find(conditions.of(await self.twin.get(kind, name)), condition)
        assert found is not None
        return found["reason"], found["message"]

    async def ready(self, kind: Kind, name: str) -> Object:
        """Wait until an object of ours is Ready; return its status."""

        async def is_ready() -> bool:
            return conditions.is_current(await self.twin.get(kind, name), "Ready")

        await self.twin.until(is_ready, self.patience)
        return (await self.twin.get(kind, name))["status"]

    async def events(self, reason: str) -> list[str]:
        """Return the messages of all events of a reason."""
        return [
            one["message"] for one in await self.twin.all(kinds.EVENT) if one["reason"] == reason
        ]

    async def claim(self, name: str = "nova-api", secret: str = "nova-database-1") -> None:
        """Claim a database."""
        await self.secret(secret, username="nova", password="first")
        spec = {
            "mariadbRef": {"name": "mariadb"},
            "database": name.replace("-", "_"),
            "secretRef": {"name": secret},
        }
        await self.apply(kinds.DATABASE, name, spec=spec)

    async def vhost(self) -> None:
        """Claim a virtual host."""
        await self.secret("nova-queue-1", username="nova", password="first")
        spec = {
            "rabbitmqRef": {"name": "rabbitmq"},
            "vhost": "nova",
            "secretRef": {"name": "nova-queue-1"},
        }
        await self.apply(kinds.VHOST, "nova", spec=spec)

    def know(self, password: str = "first") -> None:
        """Let the broker know the user, as the operator would."""
        kept = broker.salted(password, Random(1))
        self.broker.users["nova"] = {"tags": [], "password_hash": kept}

    def admit(self, database: str = "nova_api") -> None:
        """Let the user into the database, as the operator's statements would."""
        self.databases.users["nova"] = "first"
        self.databases.grants.add((database, "nova"))


@contextlib.asynccontextmanager
async def house(given: seams.Seams, *installed: Iterable[Kind]) -> AsyncGenerator[World]:
    """Run the room's controllers in a cluster where some operators are installed."""
    databases, broker = fake_servers.Databases(), fake_servers.Broker()
    means = page.Means(databases.connect, broker.connect, worlds.answer)
    theirs = [definition(kind) for group in installed for kind in group]
    running = twin.running(
        given,
        controllers=backing.controllers(means),
        objects=[*worlds.every_definition(), *theirs],
    )
    async with running as made:
        yield World(made, databases, broker)


def spec_of(obj: Object) -> Object:
    """Return the spec of an object."""
    return objects.mapping(obj, "spec")
