"""What is an OpenStack service to Ouranos? The types that a page is written in.

Asked by every page (`keystone.py`, `nova.py`, …) and by the pipeline that runs them. A page is
data and pure functions of a `Scope`; nothing in it does I/O.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ouranos.api import model, openstack
from ouranos.kit import objects
from ouranos.openstack import configuration, resources


@dataclass(frozen=True, slots=True)
class Scope:
    """What a page's functions may know about the object that a pass is over."""

    namespace: str
    release: str
    region: str
    replicas: int = 1
    spec: Mapping[str, Any] = field(default_factory=dict[str, Any])
    present: frozenset[str] = frozenset()
    """Names of the services that the cloud has, such as `cinder`: what is optional looks here."""
    memcached: str = configuration.MEMCACHED
    northbound: str = ""
    """Where OVN answers, such as `tcp:172.31.0.2:6641`: its library resolves no names."""
    southbound: str = ""

    def told(self, *path: str) -> objects.Object:
        """The mapping at a path of the spec; empty where there is none."""
        return objects.mapping(dict(self.spec), *path)


# --- claims -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Database:
    """A database of the service's own; all databases of a service share one user."""

    name: str
    """The name in SQL; the claim's name has `-` for `_`."""
    section: str | None = "database"
    """The section whose `connection` is its URL; None where no option names it (cell0)."""

    @property
    def claim(self) -> str:
        """The name of the `Database` object."""
        return self.name.replace("_", "-")


# --- secrets ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Password:
    """A user name and a generated password."""

    name: str
    username: str


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A generated text that two parties know, or a 32-byte key in the form that Fernet takes."""

    name: str
    fernet: bool = False
    option: tuple[str, str] | None = None
    """Section and option that `<name>.conf` in its Secret sets, for an option of several values:
    oslo.config reads such ones from no variable. `Keys` puts it where the service looks."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys with an order: 0 is next, the highest number is in use, the others still decrypt."""

    name: str
    kept: int = 3
    rotation: timedelta | None = None
    """How often the next key becomes the one in use; None: not by itself."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An Ed25519 key pair: `private` in PKCS#8 PEM, `public` in OpenSSH's form."""

    name: str


Credential = Password | SharedSecret | KeySet | KeyPair


@dataclass(frozen=True, slots=True)
class Irreplaceable:
    """A credential that encrypts stored data: kept with it, made again only by a person's word."""

    credential: Credential
    loss: str
    """What would be lost with it, for the message."""


@dataclass(frozen=True, slots=True)
class Option:
    """A configuration option whose value is one key of a credential's Secret."""

    section: str
    option: str
    credential: str
    """A credential of the page, or `service/credential` of another service that is needed."""
    key: str = "password"


# --- identity -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A catalogue entry: a service of a type, with a public, an internal and an admin URL."""

    type: str
    port: int
    service: str
    """The Kubernetes Service whose address the URLs have."""
    path: str = ""
    name: str | None = None
    """The entry's name, where it is not the service's."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the service is in Keystone."""

    endpoints: tuple[Endpoint, ...]
    user: str | None = None
    roles: tuple[str, ...] = ("admin", "service")
    """Roles of the user on the project `service`."""
    system_roles: tuple[str, ...] = ()


# --- files --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settings:
    """The oslo.config file into which `spec.config` is merged."""

    path: str
    sections: Callable[[Scope], configuration.Sections]
    owned: frozenset[tuple[str, str]] = frozenset()
    """Options that `spec.config` may not change, besides those that come by environment."""


# --- components ---------------------------------------------------------------------------------


class Shape(enum.Enum):
    """How many of a component run, and where."""

    SCALABLE = "as many as spec.replicas says"
    SINGLE = "exactly one, never two at once"
    PER_NODE = "one on each node of a label"
    PERIODIC = "one run at each time of a schedule"


@dataclass(frozen=True, slots=True)
class Empty:
    """A folder that lives as long as its pod."""

    path: str


@dataclass(frozen=True, slots=True)
class Storage:
    """A PersistentVolumeClaim, made with the service and kept."""

    path: str
    claim: str
    size: str
    shared: bool = False
    """Whether pods of several nodes write to it."""


@dataclass(frozen=True, slots=True)
class Share:
    """An NFS share, mounted by the node."""

    path: str
    server: str
    export: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """A credential as files, one for each key of its Secret."""

    path: str
    credential: str


@dataclass(frozen=True, slots=True)
class HostFolder:
    """A folder of the node."""

    path: str
    host: str
    propagation: str | None = None


Volume = Empty | Storage | Share | Keys | HostFolder


@dataclass(frozen=True, slots=True)
class Listener:
    """What a component listens on: the port, the Service in front of it, the path of its probes."""

    port: int
    service: str
    public: bool
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Component:
    """One deployable part of a service."""

    name: str
    command: tuple[str, ...]
    shape: Shape = Shape.SCALABLE
    listener: Listener | None = None
    databases: bool = True
    queue: bool = True
    options: tuple[Option, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    volumes: Callable[[Scope], tuple[Volume, ...]] = lambda _: ()
    capabilities: tuple[str, ...] = ()
    memory: str = "256Mi"
    """The request; the limit is four times as much."""
    cpu: str = "50m"
    grace: int = 30
    """Seconds between SIGTERM and SIGKILL."""
    after: tuple[str | objects.Kind, ...] = ()
    """What has to come first: a component of the same service, by its name, that has to be up; a
    service, by its kind, that has to be in the catalogue, because it is looked up only once."""
    node_label: str | None = None
    schedule: str | None = None
    keeps: Callable[[Scope], int] | None = None
    """The port of a connection that it always has, where it neither listens nor has a queue's."""


def wsgi(
    name: str,
    application: str,
    listener: Listener,
    *,
    threads: int = 4,
    arguments: tuple[str, ...] = (),
    **particulars: Any,
) -> Component:
    """A WSGI application, served by gunicorn in one worker process of several threads.

    Args:
        name: The component's name.
        application: `package.module:object`.
        listener: Where it listens.
        threads: Requests at the same time; 1 gives a worker without threads (Masakari).
        arguments: What the application finds in `sys.argv[1:]`.
        particulars: Other fields of `Component`.
    """
    command = ("python3", "-m", "ouranos_runtime.wsgi", application)
    title = f"{application.partition('.')[0]}-{name}"
    settings = ("--name", title, "--port", str(listener.port), "--threads", str(threads))
    rest = ("--", *arguments) if arguments else ()
    defaults: dict[str, Any] = {"queue": False, "grace": 35}
    return Component(
        name=name,
        command=(*command, *settings, *rest),
        listener=listener,
        **(defaults | particulars),
    )


# --- schema -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Schema:
    """How the databases come to be, and follow a release. One process for each command."""

    initialise: tuple[str, ...]
    expand: tuple[str, ...] = ()
    migrate: tuple[str, ...] = ()
    contract: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    credentials: tuple[str, ...] = ()
    """Passwords that the initialiser finds as `OURANOS_<NAME>_USERNAME` and `_PASSWORD`."""
    volumes: Callable[[Scope], tuple[Volume, ...]] = lambda _: ()
    needs_running: bool = False
    """Whether `initialise` is run after the workload is up (Designate's pools)."""


# --- proof and page -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """A GET whose answer tells whether something works."""

    path: str
    complaint: Callable[[Any], str | None] = lambda _: None
    """What is wrong with the JSON answer, in words, or None."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Requests, made as the admin, whose answers show that the service works."""

    service: str
    port: int
    requests: tuple[Request, ...]
    """Asked in this order, each when those before it were answered well."""


@dataclass(frozen=True, slots=True)
class Service:
    """A page: everything that is particular to one OpenStack service."""

    kind: objects.Kind
    name: str
    about: str
    """What it gives to users, as the rest of a sentence: `images`."""
    uid: int
    """User and group that its processes run as."""
    releases: Mapping[str, tuple[str, ...]]
    """What each release that it was tried with takes into the image: `barbican==22.0.0`."""
    components: tuple[Component, ...]
    identity: Identity
    proof: Proof
    needs: tuple[str, ...] = ("keystone",)
    """Names of services without which it cannot work."""
    optional: tuple[str, ...] = ()
    """Names of services that it uses where the cloud has them."""
    accepts: type[openstack.Settings] = openstack.Settings
    """What people may say of it."""
    shared: type[model.Model] = model.Model
    """Fields of the Cloud's spec that it is told too, as far as it needs them."""
    databases: tuple[Database, ...] = ()
    queue: bool = False
    cache: bool = True
    ovn: bool = False
    secrets: tuple[Credential | Irreplaceable, ...] = ()
    settings: Settings | None = None
    files: Callable[[Scope], Mapping[str, str]] = lambda _: {}
    """Further files, by their absolute paths."""
    schema: Schema | None = None
    inside: Callable[[Scope], tuple[resources.Resource, ...]] = lambda _: ()
    """Things that have to exist inside OpenStack: flavors, networks, roles, domains."""
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    """Environment of every process of the service."""
    image: str = "openstack"

    @property
    def folder(self) -> str:
        """Where its processes may write, apart from `/tmp`."""
        return f"/var/lib/{self.name}"

    def credentials(self) -> tuple[Credential, ...]:
        """All credentials, also those that every service of its kind has."""
        own = tuple(
            item.credential if isinstance(item, Irreplaceable) else item for item in self.secrets
        )
        implied: list[Credential] = []
        if self.databases:
            implied.append(Password("database", self.name))
        if self.queue:
            implied.append(Password("queue", self.name))
        if self.identity.user:
            implied.append(Password("user", self.identity.user))
        return (*implied, *own)

    def irreplaceable(self, name: str) -> Irreplaceable | None:
        """What would be lost with a credential, if anything."""
        return next(
            (
                item
                for item in self.secrets
                if isinstance(item, Irreplaceable) and item.credential.name == name
            ),
            None,
        )
