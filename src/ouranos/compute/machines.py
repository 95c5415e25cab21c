"""Which machines run guests, and of which cloud? Makes a Hypervisor for each labelled Node.

A machine belongs to one cloud at a time: its switch, its bridges and its guests are the machine's
own. Which cloud, Ouranos writes on the Node itself; the agents go by that, so that a label taken
away by mistake ends none of them.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from ouranos.compute import agents
from ouranos.kit import controller, kinds, objects, outcome, scheduling
from ouranos.kit.objects import Key, Object


def cloud_of(node: Object | None, novas: Sequence[Object]) -> Object | None:
    """Return the Nova whose guests a machine is to run, if any.

    A label's value names its namespace. Without one it is the cloud that the machine belongs to
    already, or the oldest.
    """
    if node is None or objects.is_deleting(node):
        return None
    labels = objects.labels_of(node)
    value = labels.get(scheduling.HYPERVISOR)
    if value is None:
        return None
    wanted = value if value not in scheduling.ANY else labels.get(scheduling.HYPERVISOR_OF)
    named = next((one for one in novas if objects.namespace_of(one) == wanted), None)
    if named is not None or value not in scheduling.ANY:
        return named
    staying = (one for one in novas if not objects.is_deleting(one))
    return min(staying, key=_age, default=None)


def _age(nova: Object) -> tuple[str, str]:
    return nova["metadata"].get("creationTimestamp", ""), objects.namespace_of(nova)


async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
    """Make one pass over one Node."""
    name = pass_.key.name
    nova = cloud_of(pass_.object, pass_.cache.list(kinds.NOVA))
    namespace = objects.namespace_of(nova) if nova else ""
    node = pass_.object
    held = objects.labels_of(node).get(scheduling.HYPERVISOR_OF)
    former = _of_another(pass_, namespace)
    if former is not None:
        # Its own controller lets it go, once no guest lives there, and takes our label away.
        key = objects.key_of(former)
        told = f"Hypervisor {key.namespace}/{key.name} to be gone"
        return outcome.wait(told) if nova else outcome.DONE
    if nova is None:
        await give(pass_, node, None)
        return outcome.DONE
    if objects.is_deleting(nova):
        return outcome.DONE
    left = None if held in (None, namespace) else _agent_of_another(pass_, namespace)
    if left is not None:
        # A machine's switch and bridges are of one cloud at a time.
        await give(pass_, node, scheduling.NOBODY)
        key = objects.key_of(left)
        return outcome.wait(f"pod {key.namespace}/{key.name} to end")
    await give(pass_, node, namespace)
    await pass_.apply(_hypervisor(name, nova), owned=False)
    return outcome.DONE


async def give(pass_: controller.Pass, node: Object, cloud: str | None) -> None:
    """Write on a Node whose machine it is, where it says something else.

    Args:
        pass_: the pass that decides it.
        node: the Node as it is.
        cloud: the cloud's namespace, `scheduling.NOBODY`, or None for nothing.
    """
    if objects.labels_of(node).get(scheduling.HYPERVISOR_OF) != cloud:
        labels = {"labels": {scheduling.HYPERVISOR_OF: cloud}}
        await pass_.patch(kinds.NODE, node["metadata"]["name"], {"metadata": labels})


def _of_another(pass_: controller.Pass, namespace: str) -> Object | None:
    """Return the machine's Hypervisor in another cloud than the one it is to belong to."""
    found = (
        one
        for one in pass_.cache.list(kinds.HYPERVISOR)
        if one["metadata"]["name"] == pass_.key.name
        and objects.namespace_of(one) != namespace
        # Another one a person wrote.
        and objects.controller_uid(one)
    )
    return next(found, None)


def _agent_of_another(pass_: controller.Pass, namespace: str) -> Object | None:
    """Return an agent that another cloud still has on the machine."""
    found = (
        one
        for one in pass_.cache.list(kinds.POD)
        if agents.is_agent(one)
        and agents.node_of(one) == pass_.key.name
        and objects.namespace_of(one) != namespace
    )
    return next(found, None)


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


def _every(_: Object, held: controller.Cache) -> Iterable[Key]:
    return [objects.key_of(node) for node in held.list(kinds.NODE)]


def _of_pod(obj: Object, held: controller.Cache) -> Iterable[Key]:
    if not agents.is_agent(obj):
        return []
    name = agents.node_of(obj)
    return [Key("", name)] if held.get(kinds.NODE, name) else []


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
        controller.Watch(kinds.POD, _of_pod),
    ),
)
