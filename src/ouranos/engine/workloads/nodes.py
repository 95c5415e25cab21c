"""May a pod run on a node, and does it fit? Predicates that the scheduler and DaemonSets share."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from ouranos.engine import quantities
from ouranos.engine.workloads import selectors
from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object, Objects

HOSTNAME: Final = "kubernetes.io/hostname"
NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
DISK_PRESSURE: Final = "node.kubernetes.io/disk-pressure"
MEMORY_PRESSURE: Final = "node.kubernetes.io/memory-pressure"
PID_PRESSURE: Final = "node.kubernetes.io/pid-pressure"

NO_SCHEDULE: Final = "NoSchedule"
NO_EXECUTE: Final = "NoExecute"
_HARD: Final = (NO_SCHEDULE, NO_EXECUTE)
_POD_SLOTS: Final = 110

Amounts = dict[str, Fraction]


def address(node: Object) -> str | None:
    """Return the address at which a node's pods are reached."""
    told: Objects = objects.entries(node, "status", "addresses")
    return next((one["address"] for one in told if one["type"] == "InternalIP"), None)


def is_ready(node: Object) -> bool:
    """Whether the node says that it is well."""
    return conditions.is_true(node, "Ready")


def taints(node: Object) -> Objects:
    """Return the node's taints, and the one that being unschedulable means."""
    told: Objects = list(objects.entries(node, "spec", "taints"))
    if objects.mapping(node, "spec").get("unschedulable"):
        told.append({"key": UNSCHEDULABLE, "effect": NO_SCHEDULE})
    return told


def tolerates(toleration: Object, taint: Object) -> bool:
    """Whether one toleration is about the taint, and accepts it."""
    if toleration.get("effect") and toleration["effect"] != taint["effect"]:
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    if toleration.get("operator", "Equal") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")


def untolerated(spec: Object, node: Object, effects: Iterable[str] = _HARD) -> Object | None:
    """Return the first taint of those effects that a pod's spec does not tolerate."""
    tolerations: Objects = objects.entries(spec, "tolerations")
    for taint in taints(node):
        if taint["effect"] in effects and not any(tolerates(one, taint) for one in tolerations):
            return taint
    return None


def is_chosen(spec: Object, node: Object) -> bool:
    """Whether a pod's node selector and required node affinity choose the node."""
    if not objects.matches(objects.labels_of(node), objects.mapping(spec, "nodeSelector")):
        return False
    affinity = objects.mapping(spec, "affinity", "nodeAffinity")
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    return required is None or matches_terms(required, node)


def matches_terms(selector: Object, node: Object) -> bool:
    """Whether one of a node selector's terms chooses the node."""
    fields = {"metadata.name": node["metadata"]["name"]}
    return any(
        (term.get("matchExpressions") or term.get("matchFields"))
        and _all(term.get("matchExpressions"), objects.labels_of(node))
        and _all(term.get("matchFields"), fields)
        for term in objects.entries(selector, "nodeSelectorTerms")
    )


def _all(requirements: Any, labels: Mapping[str, str]) -> bool:
    return all(selectors.fulfils(one, labels) for one in requirements or ())


def requests(spec: Object) -> Amounts:
    """Return what a pod asks for: the sum of its containers, or its largest init container."""
    amounts: Amounts = {"pods": Fraction(1)}
    for container in objects.entries(spec, "containers"):
        for name, amount in _asked(container).items():
            amounts[name] = amounts.get(name, Fraction(0)) + amount
    for container in objects.entries(spec, "initContainers"):
        for name, amount in _asked(container).items():
            amounts[name] = max(amounts.get(name, Fraction(0)), amount)
    for name, amount in objects.mapping(spec, "overhead").items():
        amounts[name] = amounts.get(name, Fraction(0)) + quantities.number(amount)
    return amounts


def _asked(container: Object) -> Amounts:
    resources = objects.mapping(container, "resources")
    # A limit without a request is a request too.
    asked = {**objects.mapping(resources, "limits"), **objects.mapping(resources, "requests")}
    return {name: quantities.number(amount) for name, amount in asked.items()}


def free(node: Object, pods: Iterable[Object]) -> Amounts:
    """Return what a node has left beside the pods that it runs."""
    told = objects.mapping(node, "status", "allocatable")
    left = {name: quantities.number(amount) for name, amount in told.items()}
    left.setdefault("pods", Fraction(_POD_SLOTS))
    for pod in pods:
        for name, amount in requests(pod["spec"]).items():
            left[name] = left.get(name, Fraction(0)) - amount
    return left


def shortage(wanted: Amounts, left: Amounts) -> str | None:
    """Return the name of the first resource that a node has too little of."""
    return next(
        (
            name
            for name, amount in wanted.items()
            if amount > 0 and amount > left.get(name, Fraction(0))
        ),
        None,
    )
