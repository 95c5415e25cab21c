"""What are backing services and claims on them? Asked by the kinds and by the Cloud."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import StringConstraints

from ouranos.api import model, rules, values

_STAYS = {
    "reason": "the data would stay behind",
    "hint": "put back the old choice, or make a new cloud and move the data",
}


class _Choice(model.Model):
    """Either run here, or run by somebody else."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.one_of("builtin", "external"),
        rules.same_one_of("builtin", "external", **_STAYS),
    )


class _WiderChoice(model.Model):
    """Run here, run by somebody else, or run by an operator that the cluster has."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.one_of("builtin", "external", "operator"),
        rules.same_one_of("builtin", "external", "operator", **_STAYS),
    )


def _same_object(name: str) -> rules.Rule:
    """The rule that the object of an operator stays the same; `name` is that of the one we make."""

    def named(operator: Any) -> str:
        return operator.get("objectRef", {"name": name})["name"]

    default = rules.quoted(name)
    return rules.Transition(
        cel=f"(has(self.objectRef) ? self.objectRef.name : {default}) == "
        f"(has(oldSelf.objectRef) ? oldSelf.objectRef.name : {default})",
        check=lambda old, new: named(old) == named(new),
        message="cannot name another object: the data would stay behind",
        hint=f"put back the old objectRef; without one, the object is {name}",
        field=".objectRef",
    )


_FEW = rules.Invariant(
    cel="self in [1, 3, 5]",
    check=lambda value: value in {1, 3, 5},
    message="must be 1, 3 or 5, so that a majority is always known",
    hint="use 1, or 3 on three or more nodes",
)


class BuiltinMariaDB(model.Model):
    """A MariaDB server that Ouranos runs: one instance."""

    storage: values.VolumeSize = "10Gi"
    """Size of the volume that holds all databases, such as 10Gi."""


class ExternalMariaDB(model.Model):
    """A MariaDB or MySQL server that somebody else runs."""

    host: values.Host
    """Host name or IPv4 address of the server; without a dot, a Service in this namespace."""
    port: values.Port = 3306
    """TCP port of the server."""
    secret_ref: model.Reference
    """Secret with username and password of an account that may create databases and users."""


class OperatorMariaDB(model.Model):
    """A MariaDB object of mariadb-operator, which the cluster has."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (_same_object("mariadb"),)

    object_ref: model.Reference | None = None
    """A MariaDB object that somebody else made; without it, Ouranos makes one called mariadb."""
    storage: values.VolumeSize = "10Gi"
    """Size of each instance's volume; says nothing about an object that somebody else made."""
    replicas: Annotated[
        int,
        _FEW,
        rules.Transition(
            cel="(self == 1) == (oldSelf == 1)",
            check=lambda old, new: (old == 1) == (new == 1),
            message="cannot change between one instance and several: those are a Galera cluster",
            hint="put back the old number, or make a new cloud and move the data",
        ),
    ] = 1
    """How many instances: 1, or 3 or 5, which are a Galera cluster; like storage, of our own."""


class MariaDBChoice(_WiderChoice):
    """Where the services' databases are: run here, elsewhere, or by mariadb-operator."""

    builtin: BuiltinMariaDB | None = None
    external: ExternalMariaDB | None = None
    operator: OperatorMariaDB | None = None


class BuiltinRabbitMQ(model.Model):
    """A RabbitMQ server that Ouranos runs: one instance."""

    storage: values.VolumeSize = "5Gi"
    """Size of the volume that holds queues and definitions, such as 5Gi."""


class ExternalRabbitMQ(model.Model):
    """A RabbitMQ server that somebody else runs."""

    host: values.Host
    """Host name or IPv4 address of the server; without a dot, a Service in this namespace."""
    port: values.Port = 5672
    """TCP port for AMQP."""
    management_port: values.Port = 15672
    """TCP port of the management API, by which virtual hosts and users are made."""
    secret_ref: model.Reference
    """Secret with the keys username and password of an administrator."""


class OperatorRabbitMQ(model.Model):
    """A RabbitmqCluster object of the RabbitMQ cluster operator, which the cluster has."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (_same_object("rabbitmq"),)

    object_ref: model.Reference | None = None
    """A RabbitmqCluster that somebody else made; without it, Ouranos makes one called rabbitmq."""
    storage: values.VolumeSize = "5Gi"
    """Size of each instance's volume; says nothing about an object that somebody else made."""
    replicas: Annotated[
        int,
        _FEW,
        rules.Transition(
            cel="self >= oldSelf",
            check=lambda old, new: new >= old,
            message="cannot be lowered: the operator does not take instances out of a cluster",
            hint="put back the old number",
        ),
    ] = 1
    """How many instances: 1, 3 or 5; like storage, of our own."""


class RabbitMQChoice(_WiderChoice):
    """Where the services' messages go: run here, elsewhere, or by RabbitMQ's cluster operator."""

    builtin: BuiltinRabbitMQ | None = None
    external: ExternalRabbitMQ | None = None
    operator: OperatorRabbitMQ | None = None


class BuiltinMemcached(model.Model):
    """A memcached server that Ouranos runs: one instance."""

    memory: values.Size = "64Mi"
    """Memory for cached items, such as 64Mi."""


class ExternalMemcached(model.Model):
    """A memcached server that somebody else runs."""

    host: values.Host
    """Host name or IPv4 address of the server; without a dot, a Service in this namespace."""
    port: values.Port = 11211
    """TCP port of the server."""


class MemcachedChoice(_Choice):
    """Where the services cache: in a server run here (builtin) or elsewhere (external)."""

    builtin: BuiltinMemcached | None = None
    external: ExternalMemcached | None = None


class BuiltinOVN(model.Model):
    """OVN's northbound and southbound databases and northd, run by Ouranos: one instance."""

    storage: values.VolumeSize = "1Gi"
    """Size of the volume that holds both databases, such as 1Gi."""


class ExternalOVN(model.Model):
    """OVN databases that somebody else runs."""

    host: values.Host
    """Host name or IPv4 address of the databases."""
    northbound_port: values.Port = 6641
    """TCP port of the northbound database."""
    southbound_port: values.Port = 6642
    """TCP port of the southbound database."""


class OVNChoice(_Choice):
    """Where OVN's databases are: run here (builtin) or elsewhere (external)."""

    builtin: BuiltinOVN | None = None
    external: ExternalOVN | None = None


class _Spec(model.Stored, model.Managed):
    release: values.Release
    """The OpenStack release whose images are run, such as 2026.2."""


class MariaDBSpec(MariaDBChoice, _Spec):
    """A MariaDB server for the databases of the services."""


class RabbitMQSpec(RabbitMQChoice, _Spec):
    """A RabbitMQ server for the messages of the services."""


class MemcachedSpec(MemcachedChoice, _Spec):
    """A memcached server for what the services cache."""


class OVNSpec(OVNChoice, _Spec):
    """OVN's databases and northd."""


class OVNStatus(model.Status):
    """What is observed of OVN's databases."""

    northbound: Annotated[str, StringConstraints(max_length=300)] | None = None
    """Where the northbound database answers, such as tcp:ovn-nb:6641."""
    southbound: Annotated[str, StringConstraints(max_length=300)] | None = None
    """Where the southbound database answers, such as tcp:ovn-sb:6642."""


class DatabaseStatus(model.Answering):
    """The status of databases."""

    tls: Literal["Disabled", "Preferred"] | None = None
    """Whether to encrypt what is said to the server: never, or where it offers that."""


class MariaDB(model.Resource):
    """A MariaDB server in which Database claims are fulfilled, whoever runs it."""

    spec: MariaDBSpec
    status: DatabaseStatus = DatabaseStatus()


class RabbitMQ(model.Resource):
    """A RabbitMQ server in which Vhost claims are fulfilled, whoever runs it."""

    spec: RabbitMQSpec
    status: model.Answering = model.Answering()


class Memcached(model.Resource):
    """A memcached server, run here or elsewhere."""

    spec: MemcachedSpec
    status: model.Answering = model.Answering()


class OVN(model.Resource):
    """OVN's northbound and southbound databases, run here or elsewhere."""

    spec: OVNSpec
    status: OVNStatus = OVNStatus()


_DATABASE = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    rules.matches(
        r"[a-z][a-z0-9_]*",
        "is not the name of a database",
        "use a-z, 0-9 and _, beginning with a letter",
    ),
    rules.immutable("the data would stay in the old database", "make another Database object"),
]
_VHOST = Annotated[
    str,
    StringConstraints(min_length=1, max_length=64),
    rules.matches(
        r"[a-z][a-z0-9_-]*",
        "is not the name of a virtual host",
        "use a-z, 0-9, _ and -, beginning with a letter",
    ),
    rules.immutable("the queues would stay in the old virtual host", "make another Vhost object"),
]
_SERVER_STAYS = rules.immutable("what is there would stay behind", "make another claim")


class DatabaseSpec(model.Model):
    """A claim on one database and one user that may do everything in it and nothing outside."""

    mariadb_ref: Annotated[model.Reference, _SERVER_STAYS]
    """The MariaDB object that fulfils the claim."""
    database: _DATABASE
    """Name of the database in the server."""
    secret_ref: model.Reference
    """Secret with the keys username and password, made by whoever claims."""


class Database(model.Resource):
    """A claim on a database. Deleting the claim keeps the data."""

    spec: DatabaseSpec
    status: DatabaseStatus = DatabaseStatus()


class VhostSpec(model.Model):
    """A claim on one virtual host and one user that may do everything in it and nothing outside."""

    rabbitmq_ref: Annotated[model.Reference, _SERVER_STAYS]
    """The RabbitMQ object that fulfils the claim."""
    vhost: _VHOST
    """Name of the virtual host in the server."""
    secret_ref: model.Reference
    """Secret with the keys username and password, made by whoever claims."""


class Vhost(model.Resource):
    """A claim on a virtual host for messages."""

    spec: VhostSpec
    status: model.Answering = model.Answering()
