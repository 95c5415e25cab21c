"""Who may connect to whom, going by NetworkPolicies? As a network that keeps them decides it."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ouranos.engine.workloads import selectors


@dataclass(frozen=True)
class Place:
    """A pod, or, without labels, an address of a machine or of the world."""

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    address: str = "203.0.113.9"


def allows(policies: list[dict[str, Any]], source: Place, target: Place, port: int) -> bool:
    """Whether a connection is let out at its source and in at its target."""
    return _passes(policies, "Egress", source, target, port) and _passes(
        policies, "Ingress", target, source, port
    )


def _passes(policies: list[dict[str, Any]], way: str, own: Place, other: Place, port: int) -> bool:
    """Whether the policies that choose a pod let it speak with another, one way."""
    chosen = [
        one["spec"]
        for one in policies
        if own.labels
        and one["metadata"]["namespace"] == own.namespace
        and way in one["spec"]["policyTypes"]
        and selectors.selects(one["spec"]["podSelector"], dict(own.labels))
    ]
    if not chosen:
        return True
    side = "from" if way == "Ingress" else "to"
    rules = [rule for spec in chosen for rule in spec.get(way.lower()) or ()]
    return any(
        _has_port(rule, port)
        and (not rule.get(side) or any(_is_peer(peer, own.namespace, other) for peer in rule[side]))
        for rule in rules
    )


def _has_port(rule: dict[str, Any], port: int) -> bool:
    ports = rule.get("ports")
    return not ports or any(one["port"] == port and one["protocol"] == "TCP" for one in ports)


def _is_peer(peer: dict[str, Any], namespace: str, other: Place) -> bool:
    if "ipBlock" in peer:
        network = ipaddress.ip_network(peer["ipBlock"]["cidr"])
        return not other.labels and ipaddress.ip_address(other.address) in network
    if not other.labels:
        return False
    if "namespaceSelector" in peer:
        name = {"kubernetes.io/metadata.name": other.namespace}
        if not selectors.selects(peer["namespaceSelector"], name):
            return False
    elif other.namespace != namespace:
        return False
    return "podSelector" not in peer or selectors.selects(peer["podSelector"], dict(other.labels))
