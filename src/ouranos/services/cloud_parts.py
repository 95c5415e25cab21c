"""What objects is a Cloud made of? Pure; asked by the Cloud controller.

One object for each service that the spec names and for each backing service that those need. What
the spec leaves to defaults is left out, so that the fields stay free for other hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ouranos.api import graph
from ouranos.kit import kinds, objects
from ouranos.kit.objects import Kind, Object

KINDS: Final[dict[str, Kind]] = {
    "mariadb": kinds.MARIADB,
    "rabbitmq": kinds.RABBITMQ,
    "memcached": kinds.MEMCACHED,
    "ovn": kinds.OVN,
    "keystone": kinds.KEYSTONE,
    "placement": kinds.PLACEMENT,
    "glance": kinds.GLANCE,
    "neutron": kinds.NEUTRON,
    "cinder": kinds.CINDER,
    "nova": kinds.NOVA,
}
"""Each part's kind by its name, which is the object's name too; each part after what it needs."""


@dataclass(frozen=True, slots=True)
class Part:
    """An object that the Cloud wants.

    Attributes:
        name: its name and its name in the service graph.
        kind: its kind.
        wanted: the fields that the Cloud has an opinion on.
    """

    name: str
    kind: Kind
    wanted: Object

    @property
    def condition(self) -> str:
        """The condition of the Cloud that tells of it."""
        return condition(self.kind)


def condition(kind: Kind) -> str:
    """The condition of a Cloud that tells of a kind: `MariaDB` → `MariaDBReady`."""
    return f"{kind.kind}Ready"


def is_backing(name: str) -> bool:
    """Whether a part is what services stand on, and may hold their data."""
    return name in graph.BACKING


def parts(cloud: Object) -> tuple[Part, ...]:
    """The objects that a Cloud wants, each after all that it needs.

    Args:
        cloud: a Cloud whose spec has its defaults and keeps all rules.
    """
    services: Object = cloud["spec"]["services"]
    backing = graph.backing_of(services)
    made = {
        **{name: _backing_spec(cloud["spec"], name) for name in backing},
        **{name: _service_spec(cloud["spec"], name) for name in services},
    }
    return tuple(
        Part(name, kind, _object(cloud, name, kind, made[name]))
        for name, kind in KINDS.items()
        if name in made
    )


def _object(cloud: Object, name: str, kind: Kind, spec: Object) -> Object:
    component = "backing" if name in graph.BACKING else "service"
    labels = {
        "app.kubernetes.io/managed-by": "ouranos",
        "app.kubernetes.io/part-of": objects.key_of(cloud).name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": component,
    }
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


def _backing_spec(spec: Object, name: str) -> Object:
    return {"release": spec["release"], **spec["backing"][name]}


def _service_spec(spec: Object, name: str) -> Object:
    network: Object = dict(spec["network"])
    host = network.pop("publicHost", None)
    settings: Object = {key: value for key, value in spec["services"][name].items() if value != {}}
    extra: dict[str, Object] = {
        "nova": {"compute": spec["compute"]},
        "neutron": {"network": network, "compute": {"datapath": spec["compute"]["datapath"]}},
    }
    return {
        "release": spec["release"],
        "region": spec["region"],
        **({"publicHost": host} if host else {}),
        **settings,
        **extra.get(name, {}),
    }


def unwanted(cloud: Object, present: frozenset[str]) -> tuple[str, ...]:
    """Services that are there and not in the spec, in the order in which they can go.

    Args:
        cloud: the Cloud; when it is being deleted, it wants nothing.
        present: names of the parts that are there.
    """
    deleting = objects.is_deleting(cloud)
    wanted = frozenset[str]() if deleting else frozenset(cloud["spec"]["services"])
    return tuple(
        name for name in reversed(graph.SERVICES) if name in present and name not in wanted
    )


def needed_by(name: str, present: frozenset[str]) -> tuple[str, ...]:
    """Services that are still there and cannot do without another service."""
    return tuple(
        other
        for other in graph.SERVICES
        if other in present and name in graph.SERVICES[other].needs
    )
