"""What is a backing server? The types that its page is written in, and where it is reached.

Pages are data and pure functions; what is done with a page is in `server.py`.
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from random import Random
from typing import Any

from ouranos.backing import accounts, broker, manifests, operators, sql, wire
from ouranos.kit import address, controller, errors, objects, seams
from ouranos.kit.objects import Kind, Object


@dataclass(frozen=True, slots=True)
class Means:
    """By what controllers reach servers; tests and simulated worlds give their own."""

    databases: sql.Connect = sql.MariaDb
    brokers: broker.Connect = broker.connect
    ask: wire.Ask = wire.ask


@dataclass(frozen=True, slots=True)
class Credential:
    """A server's own account: made once, kept in a Secret, and made anew if the Secret is lost.

    Attributes:
        name: what the Secret is for: `mariadb-root-1`.
        username: the account's name in the server.
        further: given user name, password and chance, the Secret's other keys.
        files: the keys that the server reads as files, at each start.
    """

    name: str
    username: str
    further: Callable[[str, str, Random], Mapping[str, str]]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that is particular to one kind of server.

    Attributes:
        image: the image that its containers run.
        ports: where it listens; the first is the one that others use.
        pod: given what `spec.builtin` says, its pod.
        health: asks the server something; returns what `status` is to tell of it, and raises
            `errors.OuranosError` where it does not answer as it should.
        answers: what `status` tells of where it answers; by default host and port.
        credential: its own account, if it has accounts.
        keeps_data: whether losing its pod's volume loses data.
        operator: who runs it instead of us where a person says so and the cluster has it.
    """

    kind: Kind
    image: str
    ports: tuple[manifests.Port, ...]
    pod: Callable[[Object], manifests.Pod]
    health: Callable[["Site"], Awaitable[Mapping[str, str]]]
    answers: Callable[["Site"], Mapping[str, Any]] = lambda site: site.address()
    credential: Credential | None = None
    keeps_data: bool = True
    operator: operators.Operator | None = None

    @property
    def files(self) -> Mapping[str, str]:
        """Its configuration and scripts, text by file name; empty where it has none."""
        return _texts(self.image)


@dataclass(frozen=True, slots=True)
class Site:
    """One server: what is said of it, where it is, and how to speak to it.

    Asked by the server's own controller and by those of the claims on it.
    """

    object: Object
    page: Page
    means: Means
    held: controller.Cache
    seams: seams.Seams

    @property
    def identity(self) -> manifests.Identity:
        """What its objects are called."""
        key = objects.key_of(self.object)
        return manifests.Identity(key.name, key.namespace)

    @property
    def builtin(self) -> Object:
        """What is said of a server that is run here."""
        return self.object["spec"].get("builtin") or {}

    @property
    def external(self) -> Object | None:
        """What is said of a server that somebody else runs."""
        return self.object["spec"].get("external")

    @property
    def operator(self) -> operators.Operator | None:
        """The operator of the cluster that runs the server, if one does."""
        return self.page.operator if "operator" in self.object["spec"] else None

    @property
    def is_builtin(self) -> bool:
        """Whether the server is run here, and what is said to it stays in the cloud's network."""
        return self.external is None and self.operator is None

    def instance(self, operator: operators.Operator) -> Object:
        """Return the operator's object of the server.

        Raises:
            errors.Transient: there is none.
        """
        name = operator.reference(self.object)
        found = self.held.get(operator.kind, name, self.identity.namespace)
        if found is None:
            title = operator.software.title(operator.kind, name)
            raise errors.Transient(f"{title} does not exist")
        return found

    @property
    def secret(self) -> str:
        """The Secret by which we administer a server that no operator runs; may be empty."""
        if self.external is not None:
            return objects.mapping(self.external, "secretRef").get("name", "")
        credential = self.page.credential
        return f"{self.identity.name}-{credential.name}-1" if credential else ""

    def place(self, port: manifests.Port) -> tuple[str, int]:
        """Return where this process reaches one of the server's ports.

        Raises:
            errors.Transient: its Service has no address yet.
        """
        name, number = self.told(port)
        # A name without a dot means a Service beside the cloud: from elsewhere, as from where
        # controllers run, it is another one, or none.
        found = address.of_service(self.held, self.identity.namespace, name, number)
        if found is not None:
            return found
        if self.external is not None:
            return name, number
        raise errors.Transient(f"Service {name} has no address for port {number}")

    def told(self, port: manifests.Port) -> tuple[str, int]:
        """Return where the cloud's services reach one of the server's ports.

        Raises:
            errors.Transient: an operator runs it, and its object is not there.
        """
        if self.external is not None:
            return self.external["host"], self.external.get(port.field, port.number)
        if self.operator is not None:
            return self.operator.service(self.instance(self.operator), port)
        return self.identity.name + port.service, port.number

    def address(self) -> dict[str, Any]:
        """Return host and port for the cloud's services, as `status` holds them."""
        host, port = self.told(self.page.ports[0])
        return {"host": host, "port": port}

    def login(self) -> tuple[str, str]:
        """Return user name and password of the account by which the server is administered.

        Raises:
            errors.Transient: the Secret is not there, or lacks one of them.
        """
        namespace = self.identity.namespace
        if self.operator is None:
            return accounts.login(self.held, namespace, self.secret)
        account = self.operator.account(self.instance(self.operator))
        if not account.secret:
            return account.username, ""
        read = functools.partial(accounts.value, self.held, namespace, account.secret)
        return account.username or read(account.username_key), read(account.password_key)


@functools.cache
def _texts(server: str) -> Mapping[str, str]:
    folder = resources.files("ouranos.backing") / "files" / server
    files = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else ()
    return {file.name: file.read_text() for file in files}
