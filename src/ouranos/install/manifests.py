"""What does an installation consist of? Every object, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Mapping

from ouranos import services
from ouranos.install import access, order, workload
from ouranos.kit import kinds
from ouranos.kit.objects import Kind, Object

KINDS: tuple[Kind, ...] = (
    kinds.NAMESPACE,
    kinds.PRIORITY_CLASS,
    kinds.CUSTOM_RESOURCE_DEFINITION,
    kinds.SERVICE_ACCOUNT,
    kinds.CLUSTER_ROLE,
    kinds.CLUSTER_ROLE_BINDING,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.SERVICE,
    kinds.NETWORK_POLICY,
    kinds.POD_DISRUPTION_BUDGET,
    kinds.DEPLOYMENT,
)
"""Every kind that an installation of any version had: where what is left over is looked for."""


def definitions(wanted: order.Order) -> list[Object]:
    """The definitions of our kinds, by name."""
    made = (workload.definition(wanted, one) for one in services.definitions())
    return sorted(made, key=lambda one: one["metadata"]["name"])


def parts(wanted: order.Order) -> Mapping[str, list[Object]]:
    """Everything but the definitions, by what it is about."""
    return {
        "namespace": [workload.namespace(wanted)],
        "priorities": workload.priorities(wanted),
        "access": access.of_controllers(wanted),
        "people": access.of_people(wanted),
        "network": [workload.service(wanted), workload.policy(wanted)],
        "deployment": [workload.budget(wanted), workload.deployment(wanted)],
    }


def every(wanted: order.Order) -> list[Object]:
    """All objects; each after those that it needs, the Deployment last."""
    by_part = parts(wanted)
    rest = [obj for name, objects in by_part.items() if name != "namespace" for obj in objects]
    return [*by_part["namespace"], *definitions(wanted), *rest]
