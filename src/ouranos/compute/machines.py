"""Which machines run guests? Makes a Hypervisor for each labelled Node of each cloud with Nova."""

from collections.abc import Iterable
from typing import Final

from ouranos.compute import pods
from ouranos.kit import controller, kinds, objects, outcome
from ouranos.kit.objects import Key, Object


async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
    """Make one pass over one Node."""
    wanted = pods.HYPERVISOR in objects.labels_of(pass_.object) and not pass_.deleting
    result = outcome.DONE
    for nova in pass_.cache.list(kinds.NOVA):
        if wanted:
            await pass_.apply(_hypervisor(pass_.key.name, nova), owned=False)
        else:
            result |= await _let_go(pass_, nova)
    return result


def _hypervisor(node: str, nova: Object) -> Object:
    namespace = objects.namespace_of(nova)
    return {
        "apiVersion": kinds.HYPERVISOR.api_version,
        "kind": kinds.HYPERVISOR.kind,
        "metadata": {
            "name": node,
            "namespace": namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "ouranos",
                "app.kubernetes.io/part-of": namespace,
                "app.kubernetes.io/name": "hypervisor",
            },
            "ownerReferences": [objects.owner_reference(nova)],
        },
        "spec": {"nodeName": node, "compute": objects.mapping(nova, "spec", "compute")},
    }


async def _let_go(pass_: controller.Pass, nova: Object) -> outcome.Outcome:
    """Remove the Hypervisor of a Node without the label, once it has no guests."""
    found = pass_.cache.get(kinds.HYPERVISOR, pass_.key.name, objects.namespace_of(nova))
    if found is None or objects.controller_uid(found) != objects.uid_of(nova):
        return outcome.DONE
    guests: int = objects.mapping(found, "status", "facts").get("guests", 0)
    if guests:
        return outcome.wait(f"Hypervisor {pass_.key.name} to have no guests; it has {guests}")
    where = objects.namespace_of(found)
    await pass_.cluster.delete(kinds.HYPERVISOR, pass_.key.name, where, uid=objects.uid_of(found))
    return outcome.DONE


def _every(_: Object, held: controller.Cache) -> Iterable[Key]:
    return [objects.key_of(node) for node in held.list(kinds.NODE)]


def _same_name(obj: Object, held: controller.Cache) -> Iterable[Key]:
    name: str = obj["metadata"]["name"]
    return [Key("", name)] if held.get(kinds.NODE, name) else []


CONTROLLER: Final = controller.Controller(
    name="machines",
    kind=kinds.NODE,
    reconcile=reconcile,
    watches=(
        controller.Watch(kinds.NOVA, _every),
        controller.Watch(kinds.HYPERVISOR, _same_name),
    ),
)
