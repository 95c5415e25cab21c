"""Is every pod of a service and of a server as a cluster with rules takes it?"""

from typing import Any

import pod_security
import pytest

from ouranos import backing, services
from ouranos.backing import manifests as backing_manifests
from ouranos.kit import scheduling
from ouranos.openstack import environment
from ouranos.services import manifests, page, pods

Spec = dict[str, Any]


def workloads() -> dict[str, Spec]:
    """Every workload with pods, by its kind and name, of two copies where it can have them."""
    found: list[Spec] = []
    for service in services.KNOWN.pages:
        scope = page.Scope("home", "2026.2", "R", replicas=2)
        places = {one.claim: environment.Address("m", 3306) for one in service.databases}
        queue = environment.Address("rabbitmq", 5672)
        facts = pods.Facts(databases=places, queue=queue)
        found += manifests.workloads(service, scope, facts)
        if service.schema:
            found.append(manifests.schema_job(service, scope, facts, service.schema))
    for server in backing.PAGES:
        name = server.kind.kind.lower()
        sources = backing_manifests.Sources("image", "config", "secret", ("key",), storage="1Gi")
        identity = backing_manifests.Identity(name, "home")
        found.append(backing_manifests.stateful_set(identity, server.pod({}), sources))
    return {f"{one['kind']} {one['metadata']['name']}": one for one in found}


WORKLOADS = workloads()


def spec_of(name: str) -> Spec:
    spec: Spec = WORKLOADS[name]["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_keeps_the_restricted_profile(name: str) -> None:
    assert pod_security.violations(spec_of(name)) == []


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_container_has_requests_and_limits_of_both_sorts(name: str) -> None:
    for container in pod_security.containers(spec_of(name)):
        for sort in ("requests", "limits"):
            assert set(container["resources"][sort]) == {"cpu", "memory"}


@pytest.mark.parametrize("name", [one for one in WORKLOADS if not one.startswith("Job")])
def test_every_container_that_stays_is_looked_at(name: str) -> None:
    for container in spec_of(name)["containers"]:
        assert "startupProbe" in container
        assert {"readinessProbe", "livenessProbe"} & set(container)


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_has_a_priority_that_the_installation_brings(name: str) -> None:
    known = {one["metadata"]["name"] for one in services.priority_classes()}
    assert spec_of(name)["priorityClassName"] in known


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_needs_the_control_plane_and_keeps_apart_from_its_like(name: str) -> None:
    spec = spec_of(name)
    affinity = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert affinity == {
        "nodeSelectorTerms": [
            {"matchExpressions": [{"key": scheduling.CONTROL_PLANE, "operator": "Exists"}]}
        ]
    }
    labels: Spec = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    keys = [one["topologyKey"] for one in spec["topologySpreadConstraints"]]
    assert keys == ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
    for one in spec["topologySpreadConstraints"]:
        assert one["labelSelector"]["matchLabels"].items() <= labels.items()


def test_what_has_a_volume_of_its_own_comes_up_beside_its_like() -> None:
    """Else the new pod waits for a volume that the old one has on another node, for ever."""
    scope = page.Scope("home", "2026.2", "R")
    glance = services.KNOWN.services["glance"]
    (made,) = manifests.workloads(glance, scope, pods.Facts())
    spec = made["spec"]["template"]["spec"]
    assert "topologySpreadConstraints" not in spec
    (term,) = spec["affinity"]["podAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert term["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= labels.items()
    assert term["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"


def test_what_runs_twice_has_a_budget_and_what_keeps_data_too() -> None:
    for service in services.KNOWN.pages:
        scope = page.Scope("home", "2026.2", "R", replicas=2)
        names = {one["metadata"]["name"] for one in manifests.budgets(service, scope)}
        several = {
            manifests.name_of(service, one)
            for one in service.components
            if manifests.replicas(one, scope) > 1
        }
        assert names == several


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hostNetwork", True),
        ("hostPID", True),
        ("volumes", [{"name": "v", "hostPath": {"path": "/"}}]),
        ("volumes", [{"name": "v", "nfs": {"server": "s", "path": "/"}}]),
        ("securityContext", {"runAsNonRoot": True}),
        ("securityContext", {"seccompProfile": {"type": "RuntimeDefault"}}),
    ],
)
def test_the_checker_sees_what_a_pod_does_wrong(field: str, value: Any) -> None:
    name = "Deployment keystone-api"
    assert pod_security.violations(spec_of(name) | {field: value})


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"privileged": True},
        {"runAsUser": 0},
        {"allowPrivilegeEscalation": True},
        {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}},
        {"appArmorProfile": {"type": "Unconfined"}},
        {"procMount": "Unmasked"},
    ],
)
def test_the_checker_sees_what_a_container_does_wrong(context: Spec) -> None:
    spec = spec_of("Deployment keystone-api")
    (container,) = spec["containers"]
    right = container["securityContext"] if context else {}
    wrong = container | {"securityContext": right | context}
    assert pod_security.violations(spec | {"containers": [wrong]})
