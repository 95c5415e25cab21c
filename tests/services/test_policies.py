"""Do the network policies allow each connection that a cloud needs, and no other?"""

from collections.abc import Iterator
from typing import Any

import borders
import pytest
import yaml

from ouranos import backing, services
from ouranos.backing import manifests as backing_manifests
from ouranos.compute import pods as compute_pods
from ouranos.kit import scheduling
from ouranos.services import labels, manifests, page, pods, policies, registry

PAGES = services.KNOWN.services
NAMESPACE = "anywhere"
SPEC: dict[str, Any] = {
    "services": {name: {} for name in PAGES},
    "backing": {name: {"builtin": {}} for name in registry.BACKING},
}
CLOUD = {"metadata": {"name": "home", "namespace": NAMESPACE}, "spec": SPEC}


def a_node(name: str, number: int, **roles: str) -> dict[str, Any]:
    addresses = [
        {"type": "InternalIP", "address": f"172.30.0.{number}"},
        {"type": "Hostname", "address": name},
    ]
    return {
        "metadata": {"name": name, "labels": {f"ouranos.cloud/{k}": v for k, v in roles.items()}},
        "spec": {"podCIDRs": [f"10.244.{number}.0/24"]},
        "status": {"addresses": addresses},
    }


NODES = [
    a_node("hv1", 11, **{"hypervisor-of": NAMESPACE}),
    a_node("gw", 12, gateway=""),
    a_node("control", 13, **{"control-plane": ""}),
    a_node("elsewhere", 14, **{"hypervisor-of": "another", "gateway": "another"}),
]
MADE = policies.policies(policies.of(services.KNOWN, CLOUD, NODES, policies.SYSTEM))

CONTROLLERS = borders.Place("ouranos-system", {labels.NAME: "ouranos-controllers"})
AGENT = borders.Place(address="172.30.0.11")
GATEWAY = borders.Place(address="172.30.0.12")
WORLD = borders.Place()
STRANGER = borders.Place(NAMESPACE, {"app": "somebody's"})


def pods_of(service: page.Service) -> dict[str, borders.Place]:
    """The pods of a service, by the names of their components, as they are labelled."""
    scope = page.Scope(namespace=NAMESPACE, release="2026.2", region="R")
    made = manifests.workloads(service, scope, pods.Facts())
    if service.schema:
        made.append(manifests.schema_job(service, scope, pods.Facts(), service.schema))
    told = [one["spec"]["template"]["metadata"]["labels"] for one in made]
    return {one[labels.COMPONENT]: borders.Place(NAMESPACE, one) for one in told}


def server(name: str) -> borders.Place:
    """The pod of a backing server."""
    (own,) = [one for one in backing.PAGES if one.kind.kind.lower() == name]
    identity = backing_manifests.Identity(name, NAMESPACE)
    sources = backing_manifests.Sources("image", "config")
    made = backing_manifests.stateful_set(identity, own.pod({}), sources)
    return borders.Place(NAMESPACE, made["spec"]["template"]["metadata"]["labels"])


EVERY = {
    f"{service.name}-{name}": (service, name, place)
    for service in PAGES.values()
    for name, place in pods_of(service).items()
}
SERVERS = {name: server(name) for name in registry.BACKING}


Need = tuple[str, borders.Place, borders.Place, int]
"""In words, and as who connects to whom, at which port."""


def needs_of_services() -> Iterator[Need]:
    for told, (service, name, place) in EVERY.items():
        component = next((one for one in service.components if one.name == name), None)
        databases = component.databases if component else True
        queue = component.queue if component else False
        used = {
            "mariadb": (3306,) if service.databases and databases else (),
            "rabbitmq": (5672,) if service.queue and queue else (),
            "memcached": (11211,) if service.cache else (),
            "ovn": (6641, 6642) if service.ovn else (),
        }
        for server, ports in used.items():
            for port in ports:
                yield f"{told} to {server} at {port}", place, SERVERS[server], port
        for other, to, listener in listeners():
            if other.name in (*service.needs, *service.optional):
                yield f"{told} to {other.name} at {listener.port}", place, to, listener.port


def needs_of_others() -> Iterator[Need]:
    for service, to, listener in listeners():
        name = f"{service.name} at {listener.port}"
        yield f"an agent to {name}", AGENT, to, listener.port
        if listener.public:
            yield f"the world to {name}", WORLD, to, listener.port
            yield f"the controllers to {name}", CONTROLLERS, to, listener.port
    for name, ports in policies.PORTS.items():
        for port in ports:
            yield f"the controllers to {name} at {port}", CONTROLLERS, SERVERS[name], port
    yield "an agent to the queue", AGENT, SERVERS["rabbitmq"], 5672
    for place in (AGENT, GATEWAY, borders.Place(address="10.244.11.0")):
        yield f"{place.address} to OVN", place, SERVERS["ovn"], 6642
    verify = {"app.kubernetes.io/name": "verify", "app.kubernetes.io/component": "ovn"}
    yield "verify to OVN", borders.Place(NAMESPACE, verify), SERVERS["ovn"], 6641


def listeners() -> Iterator[tuple[page.Service, borders.Place, page.Listener]]:
    for service in PAGES.values():
        places = pods_of(service)
        for component in service.components:
            if component.listener:
                yield service, places[component.name], component.listener


NEEDED = {told: rest for told, *rest in (*needs_of_services(), *needs_of_others())}


@pytest.mark.parametrize("told", NEEDED)
def test_what_a_cloud_needs_is_let_through(told: str) -> None:
    source, target, port = NEEDED[told]
    assert borders.allows(MADE, source, target, port)


def test_nothing_that_nobody_needs_reaches_a_server_or_what_is_not_public() -> None:
    """All of everybody to everything, less what is needed."""
    sources = {name: place for name, (_, _, place) in EVERY.items()}
    sources |= SERVERS
    sources |= {"a stranger": STRANGER, "the world": WORLD, "an agent": AGENT}
    sources["a machine of another cloud"] = borders.Place(address="172.30.0.14")
    sources["a pod of another cloud"] = borders.Place("another", dict(SERVERS["ovn"].labels))
    for name, (_, _, place) in EVERY.items():
        sources[f"{name} of another cloud"] = borders.Place("another", place.labels)
    targets = [(place, port) for name, place in SERVERS.items() for port in policies.PORTS[name]]
    targets.append((pods_of(PAGES["nova"])["metadata"], 8775))
    known = {(str(source), str(target), port) for source, target, port in NEEDED.values()}
    wrong = [
        f"{name} reaches {target.labels} at {port}"
        for name, source in sources.items()
        for target, port in targets
        if borders.allows(MADE, source, target, port)
        and (str(source), str(target), port) not in known
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        ("glance-api", "rabbitmq", 5672),
        ("keystone-api", "ovn", 6641),
        ("nova-conductor", "ovn", 6642),
        ("nova-schema", "rabbitmq", 5672),
        ("placement-api", "rabbitmq", 5672),
        ("nova-api", "rabbitmq", 15672),
    ],
)
def test_a_service_that_does_not_use_a_server_cannot_reach_it(
    source: str, target: str, port: int
) -> None:
    assert not borders.allows(MADE, EVERY[source][2], SERVERS[target], port)


@pytest.mark.parametrize("name", registry.BACKING)
def test_a_server_speaks_to_nobody_by_itself(name: str) -> None:
    assert not borders.allows(MADE, SERVERS[name], WORLD, 443)
    assert not borders.allows(MADE, SERVERS[name], EVERY["keystone-api"][2], 5000)


def test_what_listens_nowhere_is_reached_by_nobody() -> None:
    for source in (WORLD, STRANGER, AGENT, CONTROLLERS, EVERY["nova-api"][2]):
        assert not borders.allows(MADE, source, EVERY["nova-conductor"][2], 8080)


def test_a_server_that_somebody_else_runs_has_no_policy() -> None:
    external = SPEC | {"backing": SPEC["backing"] | {"mariadb": {"external": {}}}}
    made = policies.of(services.KNOWN, CLOUD | {"spec": external}, NODES, policies.SYSTEM)
    assert made.builtin == ("rabbitmq", "memcached", "ovn")


def test_ports_are_those_of_the_servers() -> None:
    told = {
        one.kind.kind.lower(): tuple(port.number for port in one.ports) for one in backing.PAGES
    }
    assert told == dict(policies.PORTS)


def test_agents_use_their_node_s_network_so_that_addresses_choose_them() -> None:
    agent = compute_pods.Agent("libvirt", containers=())
    made = compute_pods.daemon_set(agent, NAMESPACE, "2026.2")
    assert made["spec"]["template"]["spec"]["hostNetwork"] is True


def test_without_machines_no_rule_lets_everybody_in() -> None:
    made = policies.policies(policies.of(services.KNOWN, CLOUD, [], policies.SYSTEM))
    for target in ("rabbitmq", "ovn"):
        assert not borders.allows(made, WORLD, SERVERS[target], policies.PORTS[target][0])
    assert "from: []" not in yaml.safe_dump(made)


def test_a_machine_is_known_by_its_own_addresses_and_the_first_of_its_range() -> None:
    assert policies.machines(NODES[:1], NAMESPACE) == (
        "10.244.11.0/32",
        "10.244.11.1/32",
        "172.30.0.11/32",
    )
    assert scheduling.HYPERVISOR_OF in NODES[0]["metadata"]["labels"]
