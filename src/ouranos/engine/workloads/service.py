"""Is a Service reached at an address, and are its pods named? Runs Services.

Pods share the network of their node, so a Service is reached at the address of a node, at its
pods' own port; no packet is rewritten.
"""

from collections.abc import Iterator
from typing import Final

from ouranos.engine.workloads import endpoints
from ouranos.kit import controller, kinds, objects, outcome
from ouranos.kit.objects import Key, Object


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Give the Service its address, tell balanced ones from outside, and name the pods."""
    if p.deleting or endpoints.is_named(p.object):
        return outcome.DONE
    selected = endpoints.chosen(p.object, p.cache.list(kinds.POD, p.key.namespace))
    if not endpoints.is_headless(p.object):
        every_node = p.cache.list(kinds.NODE)
        address = endpoints.address(p.object, selected, every_node)
        if not address:
            return outcome.wait("a node with an address")
        if address != p.object["spec"].get("clusterIP"):
            spec = {"clusterIP": address, "clusterIPs": [address]}
            await p.patch(kinds.SERVICE, p.key.name, {"spec": spec})
        _say_ingress(p, address)
        if endpoints.is_elsewhere(p.object, selected, every_node):
            message = f"No pod of it serves on the node of its address {address}"
            await p.event("Warning", "ServesElsewhere", message)
    if objects.mapping(p.object, "spec", "selector"):
        await p.apply(endpoints.slice_of(p.object, selected))
    return outcome.DONE


def _say_ingress(p: controller.Pass, address: str) -> None:
    if p.object["spec"].get("type") == "LoadBalancer":
        p.status["loadBalancer"] = {"ingress": [{"ip": address, "ipMode": "VIP"}]}
    elif p.status.get("loadBalancer"):
        p.status["loadBalancer"] = {}


def _of_pod(pod: Object, held: controller.Cache) -> Iterator[Key]:
    labels = objects.labels_of(pod)
    for service in held.list(kinds.SERVICE, objects.namespace_of(pod)):
        selector = objects.mapping(service, "spec", "selector")
        if selector and objects.matches(labels, selector):
            yield objects.key_of(service)


def _every(_node: Object, held: controller.Cache) -> Iterator[Key]:
    return (objects.key_of(one) for one in held.list(kinds.SERVICE))


CONTROLLER: Final = controller.Controller(
    "service",
    kinds.SERVICE,
    reconcile,
    owns=(kinds.ENDPOINT_SLICE,),
    watches=(controller.Watch(kinds.POD, _of_pod), controller.Watch(kinds.NODE, _every)),
)
