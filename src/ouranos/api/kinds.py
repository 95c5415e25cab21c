"""Which kinds are there? Asked by everybody who reads, checks or describes an object."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from ouranos.api import backing, cloud, model, names, openstack, rules, schema, service

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column that kubectl prints."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""


def _condition(field: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{field}'


_READY = Column("Ready", _condition("status"), description="Whether all is as the spec says.")
_REASON = Column("Reason", _condition("reason"), description="What to do.")
_MESSAGE = Column(
    "Message", _condition("message"), priority=1, description="The object or fact that is awaited."
)
_AGE = Column("Age", ".metadata.creationTimestamp", "date", description="Since when there is one.")
_RELEASE = Column("Release", ".spec.release", description="The OpenStack release.")


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind: its names, its model, and how kubectl shows it."""

    name: names.Name
    model: type[model.Resource]
    columns: tuple[Column, ...]
    scalable: bool = False

    @property
    def schema(self) -> schema.Schema:
        """The structural schema of the whole object, with `rules.Rule` objects in it."""
        return _schema(self.model, self.name.only)

    def parse(self, obj: Mapping[str, Any]) -> model.Resource:
        """The object as its model; rules are not asked here, `checks.parse` does both.

        Raises:
            pydantic.ValidationError: the object does not have the shape of its kind.
        """
        return self.model.model_validate(dict(obj))


def _only(name: str) -> rules.Rule:
    return rules.Invariant(
        cel=f"self.metadata.name == {rules.quoted(name)}",
        check=lambda value: value["metadata"]["name"] == name,
        message=f"must be {name}: other services find the object by this name",
        hint=f"name it {name}; for another one, make another cloud in another namespace",
        field=".metadata.name",
    )


@functools.cache
def _schema(resource: type[model.Resource], only: str | None) -> schema.Schema:
    spec, status = (_field(resource, name) for name in ("spec", "status"))
    text: schema.Schema = {"type": "string"}
    result: schema.Schema = {
        "type": "object",
        "description": inspect.cleandoc(resource.__doc__ or ""),
        "required": ["spec"],
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": {"type": "object", "properties": {"name": text}},
            "spec": spec,
            "status": schema.without_defaults(status),
        },
    }
    fixed = (_only(only),) if only else ()
    return rules.with_rules(result, (*fixed, *resource.own_rules()))


def _field(resource: type[model.Resource], name: str) -> schema.Schema:
    annotation = resource.model_fields[name].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, model.Model)):
        raise schema.NotStructural(f"{resource.__name__}.{name} is not a model")
    return schema.structural(annotation)


Kinds = Mapping[str, Definition]
"""Kinds by their names."""


def of(services: Sequence[service.Service]) -> Kinds:
    """Every kind there is, for a set of OpenStack services.

    Args:
        services: each after all that it needs, as messages name them in this order.
    """
    return MappingProxyType(
        {
            definition.name.kind: definition
            for definition in (_cloud(services), *map(_service, services), *_OTHERS)
        }
    )


def _cloud(services: Sequence[service.Service]) -> Definition:
    region = Column("Region", ".spec.region", priority=1, description="The region's name.")
    awaited = "The first fact that is awaited."
    message = Column("Message", _condition("message"), description=awaited)
    columns = (_RELEASE, region, _READY, _REASON, message, _AGE)
    return Definition(names.KINDS["Cloud"], cloud.of(services), columns)


def _service(one: service.Service) -> Definition:
    replicas = Column("Replicas", ".spec.replicas", "integer", description="Copies of each part.")
    endpoint = Column(
        "Endpoint", ".status.endpoints.public", priority=1, description="The URL for clients."
    )
    columns = (_RELEASE, replicas, _READY, _REASON, endpoint, _MESSAGE, _AGE)
    return Definition(one.names, service.resource(one), columns, scalable=True)


def _other(resource: type[model.Resource], *columns: Column) -> Definition:
    shown = (*columns, _READY, _REASON, _MESSAGE, _AGE)
    return Definition(names.KINDS[resource.__name__], resource, shown)


_OTHERS: Final = (
    _other(backing.MariaDB, _RELEASE),
    _other(backing.RabbitMQ, _RELEASE),
    _other(backing.Memcached, _RELEASE),
    _other(backing.OVN, _RELEASE),
    _other(
        openstack.Hypervisor,
        Column("Virtualization", ".status.virtualization", description="How guests run."),
        Column("Guests", ".status.facts.guests", "integer", description="How many live there."),
        Column("Scheduling", ".spec.scheduling", description="Whether new guests may come."),
    ),
    _other(
        backing.Database,
        Column("Database", ".spec.database", description="The database in the server."),
    ),
    _other(
        backing.Vhost,
        Column("Vhost", ".spec.vhost", description="The virtual host in the server."),
    ),
)
