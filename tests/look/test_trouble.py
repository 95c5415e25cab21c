"""What a person is told of a cluster that keeps a cloud from going on, and the hint with it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ouranos.kit import conditions
from ouranos.look import trouble

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EMPTY = trouble.Seen(
    "home", options=" --kubeconfig k", install="ouranos install --kubeconfig k", classes=[]
)
LONG_AGO = conditions.timestamp(NOW - timedelta(minutes=2))
Object = dict[str, Any]


def pod(name: str = "nova-api-1", *, since: str = LONG_AGO, **status: Any) -> Object:
    labels = {"app.kubernetes.io/name": "nova", "app.kubernetes.io/component": "api"}
    metadata = {"name": name, "namespace": "home", "uid": name, "labels": labels}
    return {
        "metadata": {**metadata, "creationTimestamp": since},
        "spec": {"nodeName": "node1"},
        "status": status,
    }


def unplaced(message: str, **spec: Any) -> Object:
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    found = pod(conditions=[{**said, "message": message}])
    return {**found, "spec": spec}


def waiting(reason: str, message: str = "", **more: Any) -> Object:
    container = {"name": "api", "image": "ouranos.cloud/openstack:2026.2"}
    state = {"waiting": {"reason": reason, "message": message}}
    return pod(containerStatuses=[{**container, "state": state, **more}])


def warning(about: str, reason: str, message: str, at: str = LONG_AGO) -> Object:
    return {
        "metadata": {"name": "e", "creationTimestamp": at},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "involvedObject": {"kind": "ReplicaSet", "name": about, "uid": about},
        "lastTimestamp": at,
    }


def claim(storage_class: str | None, phase: str = "Pending") -> Object:
    spec = {"storageClassName": storage_class} if storage_class else {}
    return {"metadata": {"name": "data-mariadb-0"}, "spec": spec, "status": {"phase": phase}}


def service(*, since: str = LONG_AGO) -> Object:
    metadata = {"name": "keystone", "creationTimestamp": since}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}


AFFINITY = {
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "ouranos.cloud/control-plane", "operator": "Exists"},
                            {"key": "kubernetes.io/os", "operator": "Exists"},
                        ]
                    }
                ]
            }
        }
    }
}
CASES = {
    "no node has the label": (
        replace(
            EMPTY, pods=[unplaced("0/1 nodes: didn't match node affinity/selector", **AFFINITY)]
        ),
        "no node takes the pod nova-api-1: 0/1 nodes: didn't match node affinity/selector",
        "label a node: kubectl label node NAME ouranos.cloud/control-plane=",
    ),
    "no node has room": (
        replace(EMPTY, pods=[unplaced("0/1 nodes: 1 Insufficient memory")]),
        "1 Insufficient memory",
        "give the cluster a larger node",
    ),
    "every node is tainted": (
        replace(EMPTY, pods=[unplaced("0/1 nodes: 1 had untolerated taint")]),
        "untolerated taint",
        "kubectl describe nodes",
    ),
    "a reason that nobody knows": (
        replace(EMPTY, pods=[unplaced("the moon is full")]),
        "the moon is full",
        "kubectl --namespace home describe pod nova-api-1",
    ),
    "storage that does not come": (
        replace(EMPTY, pods=[unplaced("pod has unbound immediate PersistentVolumeClaims")]),
        "the pod nova-api-1 waits for its storage",
        "describe persistentvolumeclaims",
    ),
    "no default StorageClass": (
        replace(EMPTY, claims=[claim(None)]),
        "the claim data-mariadb-0 finds no default StorageClass",
        "kubectl annotate storageclass NAME",
    ),
    "a StorageClass that does not exist": (
        replace(EMPTY, claims=[claim("fast")], classes=[{"metadata": {"name": "slow"}}]),
        "asks for the StorageClass fast, which does not exist",
        "there is: slow",
    ),
    "an image that is nowhere": (
        replace(EMPTY, pods=[waiting("ErrImagePull", "failed to pull\n  no such host")]),
        "openstack:2026.2 of pod nova-api-1: failed to pull no such host",
        "ouranos install --kubeconfig k --images REGISTRY",
    ),
    "a pod that may not be": (
        replace(EMPTY, events=[warning("nova-1", "FailedCreate", 'violates PodSecurity "x"')]),
        'ReplicaSet nova-1: violates PodSecurity "x"',
        "kubectl label namespace home pod-security.kubernetes.io/enforce=privileged --overwrite",
    ),
    "a quota that is used up": (
        replace(EMPTY, events=[warning("nova-1", "FailedCreate", "exceeded quota: q")]),
        "ReplicaSet nova-1: exceeded quota: q",
        "kubectl --namespace home get events",
    ),
    "a container that ends": (
        replace(
            EMPTY,
            pods=[
                waiting(
                    "CrashLoopBackOff",
                    "back-off 10s",
                    lastState={"terminated": {"reason": "Error", "message": "no such table"}},
                )
            ],
        ),
        "container api of pod nova-api-1: CrashLoopBackOff: no such table",
        "ouranos logs --kubeconfig k nova/api",
    ),
    "a mount that fails": (
        replace(
            EMPTY,
            pods=[waiting("ContainerCreating")],
            events=[warning("nova-api-1", "FailedMount", "MountVolume.SetUp failed")],
        ),
        "pod nova-api-1: MountVolume.SetUp failed",
        "kubectl --namespace home describe pod nova-api-1",
    ),
    "an address that nobody gives": (
        replace(EMPTY, services=[service()]),
        "nobody gives the Service keystone an address",
        "such as MetalLB",
    ),
}


@pytest.mark.parametrize(("seen", "message", "hint"), CASES.values(), ids=CASES.keys())
def test_what_keeps_a_cloud_waiting_is_told_with_a_hint(
    seen: trouble.Seen, message: str, hint: str
) -> None:
    found = trouble.first(seen, NOW)
    assert found is not None
    assert message in found.message
    assert hint in found.hint
    assert found.message.isprintable()


OLD = conditions.timestamp(NOW - timedelta(minutes=6))
YOUNG = conditions.timestamp(NOW - timedelta(seconds=2))
ready = [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(EMPTY, id="nothing is there"),
        pytest.param(replace(EMPTY, pods=[pod(conditions=ready)]), id="all is well"),
        pytest.param(replace(EMPTY, pods=[pod(phase="Succeeded")]), id="a job is done"),
        pytest.param(
            replace(EMPTY, claims=[claim("x", "Bound")]), id="storage that outlived its class"
        ),
        pytest.param(
            replace(EMPTY, classes=None, claims=[claim("fast")]), id="classes we may not see"
        ),
        pytest.param(
            replace(EMPTY, events=[warning("nova-1", "FailedCreate", "exceeded quota", OLD)]),
            id="what is over",
        ),
        pytest.param(
            replace(
                EMPTY,
                pods=[{**waiting("ContainerCreating"), **pod(since=YOUNG)}],
                events=[warning("nova-api-1", "FailedMount", "not yet")],
            ),
            id="a mount of this moment",
        ),
        pytest.param(
            replace(EMPTY, services=[service(since=YOUNG)]), id="an address of this moment"
        ),
    ],
)
def test_what_is_well_or_passes_by_itself_is_not_told(seen: trouble.Seen) -> None:
    assert trouble.first(seen, NOW) is None
