"""Which kinds do pages bring that the api room has no model of? Their definitions.

A page of a new service names its own kind. Such an object may say what every service may say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from ouranos.api import crds, kinds, model, names, openstack
from ouranos.services import page


def of(pages: Sequence[page.Service]) -> list[dict[str, Any]]:
    """CustomResourceDefinitions of the kinds that only pages know."""
    return [crds.definition(_definition(one)) for one in pages if one.kind.kind not in names.KINDS]


def _definition(service: page.Service) -> kinds.Definition:
    name = names.Name(service.kind.kind, service.kind.plural, only=service.name)
    template = kinds.KINDS["Keystone"]
    return kinds.Definition(name, _model(service), template.columns, scalable=True)


def _model(service: page.Service) -> type[model.Resource]:
    backing = openstack.MessagingBacking if service.queue else openstack.Backing
    about = f"{service.kind.kind}, a service of OpenStack."
    spec = type(
        f"{service.kind.kind}Spec",
        (openstack.ServiceSpec,),
        {"__doc__": about, "__annotations__": {"backing": backing}, "backing": backing()},
    )
    resource = type(
        service.kind.kind,
        (model.Resource,),
        {
            "__doc__": about,
            "__annotations__": {"spec": spec, "status": openstack.ServiceStatus},
            "status": openstack.ServiceStatus(),
        },
    )
    return cast("type[model.Resource]", resource)
