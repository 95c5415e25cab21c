"""On which machines may pods run, and whose are let go first? Pure; asked by all who make pods."""

from collections.abc import Mapping, Sequence
from typing import Final

from ouranos.kit import objects
from ouranos.kit.objects import Object

CONTROL_PLANE: Final = "ouranos.cloud/control-plane"
"""Label of nodes that run OpenStack's services, and what those stand on."""
HYPERVISOR: Final = "ouranos.cloud/hypervisor"
"""Label of nodes that run guests; its value is a cloud's namespace, or one of `ANY`."""
GATEWAY: Final = "ouranos.cloud/gateway"
"""Label of nodes by which guests reach the world, with a value as that of `HYPERVISOR`."""
ANY: Final = ("", "true", "enabled")
"""Values of those two labels that name no cloud, as people write them."""
HYPERVISOR_OF: Final = "ouranos.cloud/hypervisor-of"
"""Label that Ouranos itself puts on a node: the namespace of the cloud whose guests it runs.

The agents of a machine go by this one. It stays until the machine's guests are gone, whatever
happens to `HYPERVISOR`, which people write.
"""
NOBODY: Final = ""
"""Value of that label on a machine that goes to another cloud: until then, nobody's gateway."""

SERVICE_CLASS: Final = "ouranos-service"
BACKING_CLASS: Final = "ouranos-backing"
AGENT_CLASS: Final = "system-node-critical"
"""Every cluster has this one: without its agents a machine's guests have no network."""

_SPREAD: Final = ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
_TAINTS: Final = ("node-role.kubernetes.io/control-plane", CONTROL_PLANE)
"""Whoever labels a node for us has decided, whatever the cluster itself keeps off it."""


def priority_classes() -> list[Object]:
    """Return the classes that pods name: when room is short, who gets it first."""
    said = (
        (BACKING_CLASS, 1_000_000, "Databases, queues and caches that OpenStack stands on."),
        (SERVICE_CLASS, 900_000, "OpenStack's services."),
    )
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "ouranos"}},
            "value": value,
            "globalDefault": False,
            "description": description,
        }
        for name, value, description in said
    ]


def on_control_plane(selector: Mapping[str, str], priority: str) -> Object:
    """Return the fields of a pod's spec by which it runs on the control plane, far from its like.

    Args:
        selector: labels that only the pod and its like have.
        priority: the name of its priority class.
    """
    return {
        "priorityClassName": priority,
        "affinity": {"nodeAffinity": required([exists(CONTROL_PLANE)])},
        "tolerations": [
            {"key": key, "operator": "Exists", "effect": "NoSchedule"} for key in _TAINTS
        ],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": dict(selector)},
            }
            for key in _SPREAD
        ],
    }


def beside(selector: Mapping[str, str]) -> Object:
    """Return the pod affinity by which a new generation comes up where the old one runs.

    A volume that one node at a time may have is then shared by both, for as long as it takes.
    """
    term = {"topologyKey": _SPREAD[0], "labelSelector": {"matchLabels": dict(selector)}}
    return {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": term}
        ]
    }


def exists(label: str) -> Object:
    """Return the expression that a node has a label, of whatever value."""
    return {"key": label, "operator": "Exists"}


def one_of(label: str, *values: str) -> Object:
    """Return the expression that a node's label has one of some values."""
    return {"key": label, "operator": "In", "values": list(values)}


def absent(label: str) -> Object:
    """Return the expression that a node has not got a label."""
    return {"key": label, "operator": "DoesNotExist"}


def required(*terms: Sequence[Object]) -> Object:
    """Return the node affinity of a pod that needs all expressions of one of some terms to hold."""
    told = [{"matchExpressions": list(expressions)} for expressions in terms]
    return {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": told}}


def on_machines(namespace: str, *, gateways: bool) -> Object:
    """Return the node affinity of an agent: on the machines of a cloud, as `is_hypervisor` says.

    Args:
        namespace: the cloud's.
        gateways: whether also on those that `is_gateway` says.
    """
    guests = [one_of(HYPERVISOR_OF, namespace)]
    if not gateways:
        return required(guests)
    return required(guests, [one_of(GATEWAY, *ANY, namespace), absent(HYPERVISOR_OF)])


def is_hypervisor(node: Object, namespace: str) -> bool:
    """Whether a machine runs the guests of a cloud."""
    return objects.labels_of(node).get(HYPERVISOR_OF) == namespace


def is_gateway(node: Object, namespace: str) -> bool:
    """Whether guests of a cloud reach the world by a machine; never by one of another cloud's."""
    labels = objects.labels_of(node)
    return labels.get(GATEWAY) in (*ANY, namespace) and (
        labels.get(HYPERVISOR_OF) in (None, namespace)
    )
