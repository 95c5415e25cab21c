"""What is a cloud? The kind that people write; asked by the kinds and the Cloud controller."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints, create_model

from ouranos.api import backing, model, openstack, rules, service, values

_RESERVED_NAMES = ("default", "kube-system", "kube-public", "kube-node-lease")
_NAME = r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?"


class Services(model.Model):
    """The OpenStack services of the cloud. One that is not named is not there."""


class Backing(model.Model):
    """What the services stand on. Only what some service needs is run."""

    mariadb: backing.MariaDBChoice = backing.MariaDBChoice(builtin=backing.BuiltinMariaDB())
    rabbitmq: backing.RabbitMQChoice = backing.RabbitMQChoice(builtin=backing.BuiltinRabbitMQ())
    memcached: backing.MemcachedChoice = backing.MemcachedChoice(builtin=backing.BuiltinMemcached())
    ovn: backing.OVNChoice = backing.OVNChoice(builtin=backing.BuiltinOVN())


class CloudNetwork(openstack.Underlay):
    """The networks on which the cloud stands, and the host of its public URLs."""

    public_host: values.Host | None = None
    """Host of the public URLs; without it, the address of each service's load balancer."""


class CloudSpec(model.Stored, model.Managed):
    """What the cloud is to be."""

    release: values.Release
    """The OpenStack release, such as 2026.2."""
    region: Annotated[
        values.Region,
        rules.immutable(
            "it is in the catalogue and in the objects of every service",
            "put back the old region, or make a new cloud",
        ),
    ] = "RegionOne"
    """Name of the region in the catalogue; any printable text of one line."""
    network: CloudNetwork = CloudNetwork()
    services: Services
    backing: Backing = Backing()
    compute: openstack.Compute = openstack.Compute()


class Awaited(model.Observed):
    """The first fact that is awaited, in the order in which services need each other."""

    kind: Annotated[str, StringConstraints(max_length=64)]
    """Kind of the object that has to get ready."""
    name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the object that has to get ready."""
    condition: Annotated[str, StringConstraints(max_length=316)]
    """The condition of that object that does not hold yet."""
    reason: Annotated[str, StringConstraints(max_length=1024)]
    """The reason of that condition."""
    message: Annotated[str, StringConstraints(max_length=32768)]
    """The message of that condition."""
    since: Annotated[str, StringConstraints(max_length=64)]
    """Since when it does not hold, as an RFC 3339 time."""


class CloudStatus(model.Status):
    """What is observed of the cloud."""

    release: Annotated[str, StringConstraints(max_length=16)] | None = None
    """The release that every service runs."""
    endpoints: Annotated[
        dict[str, Annotated[str, StringConstraints(max_length=2048)]], Field(max_length=64)
    ] = Field(default_factory=dict)
    """Public URLs by service."""
    awaited: Awaited | None = None
    """What is awaited first; absent when the cloud is ready."""


class Cloud(model.Resource):
    """A private cloud: OpenStack services, what they stand on, and the machines that run guests."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.Invariant(
            cel=f"self.metadata.name.matches({rules.whole(_NAME)})",
            check=lambda value: re.fullmatch(_NAME, value["metadata"]["name"]) is not None,
            message="cannot be the name of a cloud",
            hint="use a-z, 0-9 and '-', at most 32 characters, beginning with a letter",
            field=".metadata.name",
        ),
        rules.Invariant(
            cel=f"!(self.metadata.name in [{', '.join(map(rules.quoted, _RESERVED_NAMES))}])",
            check=lambda value: value["metadata"]["name"] not in _RESERVED_NAMES,
            message="is a namespace of Kubernetes itself",
            hint="choose another name, such as home",
            field=".metadata.name",
        ),
    )
    spec: CloudSpec
    status: CloudStatus = CloudStatus()


def of(services: Sequence[service.Service]) -> type[Cloud]:
    """The model of a Cloud that may name these services."""

    class Ruled(Services):
        RULES: ClassVar[tuple[rules.Rule, ...]] = tuple(_need_rules(services))

    fields: dict[str, Any] = {
        one.name: (one.settings | None, Field(None, description=one.sentence)) for one in services
    }
    named = create_model("Services", __base__=Ruled, __doc__=Services.__doc__, **fields)
    spec = create_model(
        "CloudSpec", __base__=CloudSpec, __doc__=CloudSpec.__doc__, services=(named, ...)
    )
    return create_model("Cloud", __base__=Cloud, __doc__=Cloud.__doc__, spec=(spec, ...))


def _need_rules(services: Sequence[service.Service]) -> Iterator[rules.Rule]:
    """There is a service, and one rule for each need of each."""
    yield rules.Invariant(
        cel=" || ".join(f"has(self.{one.name})" for one in services),
        check=bool,
        message="names no service",
        hint="add at least keystone: {}",
    )
    kinds = {one.name: one.kind for one in services}
    for one in services:
        for need in one.needs:
            yield _need_rule(one, need, kinds[need])


def _need_rule(one: service.Service, need: str, kind: str) -> rules.Rule:
    name = one.name

    def check(value: Any) -> bool:
        return name not in value or need in value

    return rules.Invariant(
        cel=f"!has(self.{name}) || has(self.{need})",
        check=check,
        message=f"{one.kind} needs {kind}, which this cloud does not have",
        hint=f"add {need}: {{}} to spec.services, or remove {name}",
        field=f".{name}",
    )
