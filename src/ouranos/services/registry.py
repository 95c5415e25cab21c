"""Which services are there? Every page of this room; asked by the controllers and the composition.

A page is found by being there: a module of this room that has a `SERVICE`.
"""

from __future__ import annotations

import graphlib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ouranos.api import kinds as api_kinds
from ouranos.api import service
from ouranos.kit import kinds
from ouranos.kit.objects import Kind
from ouranos.services import page

BACKING: Final = MappingProxyType(
    {
        "mariadb": kinds.MARIADB,
        "rabbitmq": kinds.RABBITMQ,
        "memcached": kinds.MEMCACHED,
        "ovn": kinds.OVN,
    }
)
"""What services stand on: the object's name, and its kind."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The services that Ouranos knows, and what follows from which they are.

    Attributes:
        services: pages by name, each after all that it needs or uses: the order in which a cloud
            comes up and is read.
        kinds: every kind that people can write, with its rules.
        parts: the kind of each part of a cloud by the part's name, backing services first.
    """

    services: Mapping[str, page.Service]
    kinds: api_kinds.Kinds
    parts: Mapping[str, Kind]

    @property
    def pages(self) -> tuple[page.Service, ...]:
        """The pages, each after all that it needs or uses."""
        return tuple(self.services.values())


def of(pages: Iterable[page.Service]) -> Registry:
    """The registry of some pages.

    Raises:
        ValueError: they do not fit together: two of one name, a need that has no page, a circle of
            needs, a name that is not the kind's.
    """
    services = _ordered(list(pages))
    for one in services.values():
        kinds.register(one.kind)
    return Registry(
        services=MappingProxyType(services),
        kinds=api_kinds.of([described(one) for one in services.values()]),
        parts=MappingProxyType({**BACKING, **{name: one.kind for name, one in services.items()}}),
    )


def _ordered(pages: list[page.Service]) -> dict[str, page.Service]:
    """Pages by name, each after those that it names; otherwise by the alphabet."""
    by_name = {one.name: one for one in pages}
    if len(by_name) < len(pages):
        raise ValueError(f"two pages have one name: {sorted(one.name for one in pages)}")
    for one in pages:
        unknown = {*one.needs, *one.optional} - by_name.keys()
        if unknown:
            raise ValueError(f"{one.name} names {', '.join(sorted(unknown))}, which has no page")
        if one.name != one.kind.kind.lower():
            raise ValueError(f"{one.name} is not {one.kind.kind} in lower case")
    sorter = graphlib.TopologicalSorter(
        {name: {*one.needs, *one.optional} for name, one in by_name.items()}
    )
    sorter.prepare()
    ordered: dict[str, page.Service] = {}
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        ordered |= {name: by_name[name] for name in ready}
        sorter.done(*ready)
    return ordered


def found(package: str) -> Registry:
    """The registry of all pages in a package."""
    folders = importlib.import_module(package).__path__
    names = (one.name for one in pkgutil.iter_modules(folders) if not one.name.startswith("_"))
    modules = [importlib.import_module(f"{package}.{name}") for name in names]
    pages = [getattr(module, "SERVICE", None) for module in modules]
    return of(one for one in pages if isinstance(one, page.Service))


def stands_on(one: page.Service) -> tuple[str, ...]:
    """Names of the backing services that a service uses."""
    uses = {
        "mariadb": bool(one.databases),
        "rabbitmq": one.queue,
        "memcached": one.cache,
        "ovn": one.ovn,
    }
    return tuple(name for name in BACKING if uses[name])


def described(one: page.Service) -> service.Service:
    """A service, as far as people write of it."""
    return service.Service(
        name=one.name,
        kind=one.kind.kind,
        plural=one.kind.plural,
        about=one.about,
        needs=one.needs,
        backing=stands_on(one),
        settings=one.accepts,
        shared=one.shared,
    )
