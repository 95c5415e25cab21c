"""Who may connect to what in a cloud? Pure: pages, a Cloud and its machines in, policies out.

What the pages say is all there is to know: who has a database may speak to the database server.
Pods that the policies choose are reached by nobody else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ouranos.kit import objects, scheduling
from ouranos.kit.objects import Object
from ouranos.services import labels, page, registry

SYSTEM: Final = "ouranos-system"
"""The namespace of the controllers, where nobody has chosen another."""

_QUEUE: Final = 5672
_NORTHBOUND: Final = 6641
_SOUTHBOUND: Final = 6642
PORTS: Final[Mapping[str, tuple[int, ...]]] = {
    "mariadb": (3306,),
    "rabbitmq": (_QUEUE, 15672),
    "memcached": (11211,),
    "ovn": (_NORTHBOUND, _SOUTHBOUND),
}
"""Where backing servers listen: the port for services first. Controllers use them all."""

_MANAGED: Final = {"app.kubernetes.io/managed-by": "ouranos"}
_NAMESPACE: Final = "kubernetes.io/metadata.name"
_VERIFY: Final = {labels.NAME: "verify", labels.COMPONENT: "ovn"}
"""The pod by which `ouranos verify` reads what is in OVN."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """What the policies of one cloud follow from.

    Attributes:
        namespace: where it is.
        services: the pages of its services, by name.
        builtin: names of the backing servers that run here.
        machines: addresses that the agents of its machines speak from.
        system: the namespace of the controllers.
    """

    namespace: str
    services: Mapping[str, page.Service]
    builtin: tuple[str, ...]
    machines: tuple[str, ...]
    system: str


def of(known: registry.Registry, cloud: Object, nodes: Sequence[Object], system: str) -> Cloud:
    """What follows from a Cloud, with its defaults, and all Nodes."""
    spec: Object = cloud["spec"]
    services = {name: one for name, one in known.services.items() if name in spec["services"]}
    used = {name for one in services.values() for name in registry.stands_on(one)}
    builtin = [
        name for name in registry.BACKING if name in used and "builtin" in spec["backing"][name]
    ]
    namespace = objects.namespace_of(cloud)
    places = machines(nodes, namespace)
    return Cloud(namespace, services, tuple(builtin), places, system)


def machines(nodes: Iterable[Object], namespace: str) -> tuple[str, ...]:
    """The addresses that agents of a cloud's machines speak from.

    They use their node's network. Which address a pod elsewhere sees depends on what makes the
    pods' network: the node's own, or the first ones of its range, which no pod ever has.
    """
    found: set[str] = set()
    for node in nodes:
        if scheduling.is_hypervisor(node, namespace) or scheduling.is_gateway(node, namespace):
            found |= set(_addresses(node))
    return tuple(sorted(found))


def _addresses(node: Object) -> Iterator[str]:
    for address in objects.entries(node, "status", "addresses"):
        if address["type"] in {"InternalIP", "ExternalIP"}:
            yield str(ipaddress.ip_network(address["address"]))
    for cidr in objects.entries(node, "spec", "podCIDRs"):
        network = ipaddress.ip_network(cidr)
        for number in (0, 1):
            yield str(ipaddress.ip_network(network[number]))


def policies(cloud: Cloud) -> list[Object]:
    """All NetworkPolicies of a cloud."""
    return [
        _policy(cloud, "nothing-else", _MANAGED, []),
        *(_of_server(cloud, name) for name in cloud.builtin),
        *(
            _of_listener(cloud, service, component, component.listener)
            for service in cloud.services.values()
            for component in service.components
            if component.listener
        ),
    ]


def _of_server(cloud: Cloud, name: str) -> Object:
    """Services that stand on it, and controllers, may come; it speaks to nobody by itself."""
    ports = PORTS[name]
    wanted = ports if name == "ovn" else ports[:1]
    users = [
        _pods(service.name, names)
        for service in cloud.services.values()
        if name in registry.stands_on(service) and (names := _users(service, name))
    ]
    rules = [_rule(users, wanted), _rule([_controllers(cloud)], ports)]
    if name == "rabbitmq" and "nova" in cloud.services:
        rules.append(_rule(_machines(cloud), (_QUEUE,)))
    if name == "ovn":
        rules.append(_rule(_machines(cloud), (_SOUTHBOUND,)))
        rules.append(_rule([{"podSelector": {"matchLabels": _VERIFY}}], (_NORTHBOUND,)))
    chosen = {labels.NAME: name, labels.COMPONENT: "server"}
    return _policy(cloud, name, chosen, rules, speaks=False)


def _users(service: page.Service, server: str) -> list[str]:
    """Names of those components of a service that use a backing server."""
    uses = {
        "mariadb": [one.name for one in service.components if one.databases],
        "rabbitmq": [one.name for one in service.components if one.queue],
    }
    every = [one.name for one in service.components]
    schema = ["schema"] if service.schema and server != "rabbitmq" else []
    return [*uses.get(server, every), *schema]


def _of_listener(
    cloud: Cloud, service: page.Service, component: page.Component, listener: page.Listener
) -> Object:
    """What is public anybody may ask; what is not, agents of machines and who needs the service."""
    chosen = labels.selector(service, component.name)
    name = f"{service.name}-{component.name}"
    if listener.public:
        return _policy(cloud, name, chosen, [{"ports": _ports((listener.port,))}])
    users = [
        {"podSelector": {"matchLabels": {labels.NAME: other.name}}}
        for other in cloud.services.values()
        if service.name in (*other.needs, *other.optional)
    ]
    return _policy(cloud, name, chosen, [_rule([*users, *_machines(cloud)], (listener.port,))])


def _policy(
    cloud: Cloud, name: str, chosen: Mapping[str, str], rules: list[Object], *, speaks: bool = True
) -> Object:
    spec: Object = {
        "podSelector": {"matchLabels": dict(chosen)},
        "policyTypes": ["Ingress"] if speaks else ["Ingress", "Egress"],
    }
    # A rule that names nobody would let everybody in.
    ingress = [rule for rule in rules if rule.get("from") != []]
    if ingress:
        spec["ingress"] = ingress
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"ouranos-{name}",
            "namespace": cloud.namespace,
            "labels": {**_MANAGED, "app.kubernetes.io/part-of": cloud.namespace},
        },
        "spec": spec,
    }


def _rule(peers: list[Object], ports: Iterable[int]) -> Object:
    return {"from": peers, "ports": _ports(ports)}


def _ports(numbers: Iterable[int]) -> list[Object]:
    return [{"protocol": "TCP", "port": number} for number in numbers]


def _pods(service: str, components: list[str]) -> Object:
    chosen = {"key": labels.COMPONENT, "operator": "In", "values": components}
    return {
        "podSelector": {"matchLabels": {labels.NAME: service}, "matchExpressions": [chosen]},
    }


def _controllers(cloud: Cloud) -> Object:
    return {"namespaceSelector": {"matchLabels": {_NAMESPACE: cloud.system}}}


def _machines(cloud: Cloud) -> list[Object]:
    return [{"ipBlock": {"cidr": cidr}} for cidr in cloud.machines]
