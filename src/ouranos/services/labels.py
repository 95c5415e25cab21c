"""How are the objects of a service called and labelled?"""

from __future__ import annotations

from ouranos.kit import objects
from ouranos.services import page

NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"


def of(service: page.Service, scope: page.Scope, component: str) -> dict[str, str]:
    """Labels of everything that is made for a component."""
    return {
        "app.kubernetes.io/managed-by": "ouranos",
        "app.kubernetes.io/part-of": scope.namespace,
        NAME: service.name,
        COMPONENT: component,
    }


def selector(service: page.Service, component: str) -> dict[str, str]:
    """Labels that only the pods of a component have, of all pods in the namespace."""
    return {NAME: service.name, COMPONENT: component}


def metadata(service: page.Service, scope: page.Scope, name: str, component: str) -> objects.Object:
    """The metadata of an object made for a component."""
    return {
        "name": name,
        "namespace": scope.namespace,
        "labels": of(service, scope, component),
    }
