"""What is a cloud? The kind that people write; asked by the kinds and the Cloud controller."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from ouranos.api import backing, graph, model, openstack, rules, values

_RESERVED_NAMES = ("default", "kube-system", "kube-public", "kube-node-lease")
_NAME = r"[a-z]([-a-z0-9]{0,30}[a-z0-9])?"


def _need_rules() -> Iterator[rules.Rule]:
    """One rule for each arrow of the service graph."""
    yield rules.Invariant(
        cel=" || ".join(f"has(self.{service})" for service in graph.SERVICES),
        check=bool,
        message="names no service",
        hint="add at least keystone: {}",
    )
    for service, facts in graph.SERVICES.items():
        for need in facts.needs:
            yield _need_rule(service, need)


def _need_rule(service: str, need: str) -> rules.Rule:
    def check(value: Any) -> bool:
        return service not in value or need in value

    names = graph.SERVICES[service].title, graph.SERVICES[need].title
    return rules.Invariant(
        cel=f"!has(self.{service}) || has(self.{need})",
        check=check,
        message=f"{names[0]} needs {names[1]}, which this cloud does not have",
        hint=f"add {need}: {{}} to spec.services, or remove {service}",
        field=f".{service}",
    )


class Services(model.Model):
    """The OpenStack services of the cloud. One that is not named is not there."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = tuple(_need_rules())
    keystone: openstack.Settings | None = None
    """Identity: users, projects, tokens and the catalogue."""
    glance: openstack.GlanceSettings | None = None
    """Images."""
    placement: openstack.Settings | None = None
    """The inventory of what machines can give to guests."""
    nova: openstack.Settings | None = None
    """Servers."""
    neutron: openstack.Settings | None = None
    """Networks."""
    cinder: openstack.CinderSettings | None = None
    """Volumes."""


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


class CloudSpec(model.Managed):
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
            message="is a namespace of Kubernetes; a cloud lives in a namespace of its own name",
            hint="choose another name, such as home",
            field=".metadata.name",
        ),
    )
    spec: CloudSpec
    status: CloudStatus = CloudStatus()
