"""At which address is a Service reached, and which pods answer? Pure decisions."""

from collections.abc import Sequence
from typing import Any, Final

from ouranos.engine.workloads import nodes, pods
from ouranos.kit import objects
from ouranos.kit.objects import Object, Objects

SERVICE: Final = "kubernetes.io/service-name"
MANAGED: Final = "endpointslice.kubernetes.io/managed-by"
CONTROL_PLANE: Final = "ouranos.cloud/control-plane"
HEADLESS: Final = "None"


def is_headless(service: Object) -> bool:
    """Whether the Service has no address of its own by intent."""
    return service["spec"].get("clusterIP") == HEADLESS


def is_named(service: Object) -> bool:
    """Whether the Service is but another name for something outside."""
    return service["spec"].get("type") == "ExternalName"


def chosen(service: Object, every_pod: Sequence[Object]) -> Objects:
    """Return the pods that the Service selects and that have an address."""
    selector = objects.mapping(service, "spec", "selector")
    if not selector:
        return []
    return [
        pod
        for pod in every_pod
        if objects.matches(objects.labels_of(pod), selector)
        and not pods.is_finished(pod)
        and objects.mapping(pod, "status").get("podIP")
    ]


def address(service: Object, selected: Sequence[Object], every_node: Sequence[Object]) -> str:
    """Return the Service's address: that of a node where its pods serve, or will.

    What it has it keeps: clients remember it, and the API does not let it change.
    """
    present: str = service["spec"].get("clusterIP") or ""
    if present:
        return present
    known = addresses(every_node)
    ready = sorted(node["metadata"]["name"] for node in every_node if nodes.is_ready(node))
    control = sorted(
        node["metadata"]["name"] for node in every_node if CONTROL_PLANE in objects.labels_of(node)
    )
    order = [*serving(selected), *map(pods.node_of, selected), *control, *ready, *sorted(known)]
    return next((known[name] for name in order if name in known), "")


def addresses(every_node: Sequence[Object]) -> dict[str, str]:
    """Return the nodes' addresses by their names."""
    return {
        node["metadata"]["name"]: found
        for node in every_node
        if (found := nodes.address(node)) is not None
    }


def serving(selected: Sequence[Object]) -> list[str]:
    """Return the names of the nodes where a pod serves."""
    return sorted({pods.node_of(pod) for pod in selected if pods.is_ready(pod)})


def is_elsewhere(service: Object, selected: Sequence[Object], every_node: Sequence[Object]) -> bool:
    """Whether the Service's pods serve, but none at the address that it was given once."""
    known = addresses(every_node)
    good = {known[name] for name in serving(selected) if name in known}
    return bool(good) and service["spec"].get("clusterIP") not in good


def slice_of(service: Object, selected: Sequence[Object]) -> Object:
    """Return the EndpointSlice that names the Service's pods and their ports."""
    name: str = service["metadata"]["name"]
    ready_anyway = bool(service["spec"].get("publishNotReadyAddresses"))
    labels = {
        **objects.labels_of(service),
        SERVICE: name,
        MANAGED: "endpointslice-controller.k8s.io",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-ipv4", "labels": labels},
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod, ready_anyway=ready_anyway) for pod in selected],
        "ports": [_port(one, selected) for one in objects.entries(service, "spec", "ports")],
    }


def _endpoint(pod: Object, *, ready_anyway: bool) -> Object:
    ready = pods.is_ready(pod)
    going = objects.is_deleting(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": ready_anyway or (ready and not going),
            "serving": ready_anyway or ready,
            "terminating": going,
        },
        "nodeName": pods.node_of(pod),
        "targetRef": {
            "kind": "Pod",
            "namespace": objects.namespace_of(pod),
            "name": pod["metadata"]["name"],
            "uid": objects.uid_of(pod),
        },
    }


def _port(port: Object, selected: Sequence[Object]) -> Object:
    return {
        "name": port.get("name") or "",
        "port": _target(port, selected),
        "protocol": port.get("protocol") or "TCP",
    }


def _target(port: Object, selected: Sequence[Object]) -> int:
    """Return the number of a port in the pods, where the Service may give its name."""
    target: Any = port.get("targetPort")
    if target is None or isinstance(target, int):
        return target or port["port"]
    for pod in selected:
        for container in objects.entries(pod, "spec", "containers"):
            for one in objects.entries(container, "ports"):
                if one.get("name") == target:
                    return one["containerPort"]
    return port["port"]
