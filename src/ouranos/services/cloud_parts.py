"""What objects is a Cloud made of? Pure; asked by the Cloud controller.

One object for each service that the spec names and for each backing service that those need. What
the spec leaves to defaults is left out, so that the fields stay free for other hands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ouranos.api import schema
from ouranos.kit import objects
from ouranos.kit.objects import Kind, Object
from ouranos.services import page, registry


@dataclass(frozen=True, slots=True)
class Part:
    """An object that the Cloud wants.

    Attributes:
        name: its name, which is the object's name too.
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
    return name in registry.BACKING


def parts(known: registry.Registry, cloud: Object) -> tuple[Part, ...]:
    """The objects that a Cloud wants, each after all that it needs.

    Args:
        known: the services that there are.
        cloud: a Cloud whose spec has its defaults and keeps all rules.
    """
    spec: Object = cloud["spec"]
    services = [known.services[name] for name in spec["services"]]
    backing = {name for one in services for name in registry.stands_on(one)}
    made = {
        **{name: _backing_spec(spec, name) for name in backing},
        **{one.name: _service_spec(spec, one) for one in services},
    }
    return tuple(
        Part(name, kind, _object(cloud, name, kind, made[name]))
        for name, kind in known.parts.items()
        if name in made
    )


def _object(cloud: Object, name: str, kind: Kind, spec: Object) -> Object:
    labels = {
        "app.kubernetes.io/managed-by": "ouranos",
        "app.kubernetes.io/part-of": objects.key_of(cloud).name,
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/component": "backing" if is_backing(name) else "service",
    }
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
    }


def _backing_spec(spec: Object, name: str) -> Object:
    told = {key: spec[key] for key in ("release", "storageClassName") if key in spec}
    return {**told, **spec["backing"][name]}


def _service_spec(spec: Object, one: page.Service) -> Object:
    host = spec["network"].get("publicHost")
    said: Object = spec["services"][one.name]
    return {
        "release": spec["release"],
        "region": spec["region"],
        **({"publicHost": host} if host else {}),
        **{key: value for key, value in said.items() if value != {}},
        **_shared(spec, schema.structural(one.shared)),
    }


def _shared(spec: Object, wanted: schema.Schema) -> Object:
    """As much of the Cloud's spec as a service is told."""
    found: Object = {}
    for name, member in wanted.get("properties", {}).items():
        value: Any = spec.get(name)
        if value is None:
            continue
        found[name] = _shared(value, member) if "properties" in member else value
    return found


def unwanted(known: registry.Registry, cloud: Object, present: frozenset[str]) -> tuple[str, ...]:
    """Services that are there and not in the spec, in the order in which they can go.

    Args:
        known: the services that there are.
        cloud: the Cloud; when it is being deleted, it wants nothing.
        present: names of the parts that are there.
    """
    deleting = objects.is_deleting(cloud)
    wanted = frozenset[str]() if deleting else frozenset(cloud["spec"]["services"])
    order = reversed(tuple(known.services))
    return tuple(name for name in order if name in present and name not in wanted)


def needed_by(known: registry.Registry, name: str, present: frozenset[str]) -> tuple[str, ...]:
    """Services that are still there and cannot do without another service."""
    return tuple(
        other for other, one in known.services.items() if other in present and name in one.needs
    )
