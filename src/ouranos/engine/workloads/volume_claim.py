"""Is a claim bound to a volume on the node where it is first used? Runs PersistentVolumeClaims."""

from collections.abc import Iterator
from typing import Final

from ouranos.engine.workloads import volumes
from ouranos.kit import controller, kinds, objects, outcome
from ouranos.kit.objects import Key, Object

_PROTECTION: Final = "kubernetes.io/pvc-protection"


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Make the volume once the scheduler has chosen a node, and bind the two."""
    await p.apply(volumes.STORAGE_CLASS, owned=False)
    if p.deleting:
        return await _release(p)
    await p.add_finalizer(_PROTECTION)
    name = p.object["spec"].get("volumeName")
    if name:
        volume = p.cache.get(kinds.PERSISTENT_VOLUME, name)
        if volume is None:
            was_bound = p.status.get("phase") in {"Bound", "Lost"}
            p.status["phase"] = "Lost" if was_bound else "Pending"
            return outcome.wait(f"PersistentVolume {name}")
        return await _bind(p, volume)
    p.status["phase"] = "Pending"
    if volumes.class_of(p.object) != volumes.CLASS:
        return outcome.wait(f"a provisioner of StorageClass {volumes.class_of(p.object)}")
    node = objects.annotations_of(p.object).get(volumes.SELECTED_NODE)
    if not node:
        return outcome.wait("a pod that uses it")
    volume = await p.apply(volumes.volume_for(p.object, node), owned=False)
    patch: Object = {"spec": {"volumeName": volume["metadata"]["name"]}}
    await p.patch(kinds.PERSISTENT_VOLUME_CLAIM, p.key.name, patch)
    return await _bind(p, volume)


async def _bind(p: controller.Pass, volume: Object) -> outcome.Outcome:
    if not volumes.belongs_to(volume, p.object):
        reference = objects.mapping(volume, "spec", "claimRef")
        if reference:
            return outcome.wait(f"PersistentVolume {volume['metadata']['name']} is another's")
        await _reserve(p, volume)
    if objects.mapping(volume, "status").get("phase") != "Bound":
        name: str = volume["metadata"]["name"]
        await p.patch(
            kinds.PERSISTENT_VOLUME, name, {"status": {"phase": "Bound"}}, subresource="status"
        )
    p.status["phase"] = "Bound"
    p.status["accessModes"] = volume["spec"]["accessModes"]
    p.status["capacity"] = volume["spec"]["capacity"]
    return outcome.DONE


async def _reserve(p: controller.Pass, volume: Object) -> None:
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": p.key.namespace,
        "name": p.key.name,
        "uid": objects.uid_of(p.object),
    }
    metadata = volume["metadata"]
    patch = {
        "metadata": {"resourceVersion": metadata["resourceVersion"]},
        "spec": {"claimRef": reference},
    }
    await p.patch(kinds.PERSISTENT_VOLUME, metadata["name"], patch)


async def _release(p: controller.Pass) -> outcome.Outcome:
    users = [
        pod["metadata"]["name"]
        for pod in p.cache.list(kinds.POD, p.key.namespace)
        if p.key.name in volumes.claim_names(pod) and pod["spec"].get("nodeName")
    ]
    if users:
        return outcome.wait(f"the end of pod {users[0]}")
    volume = volumes.bound_to(p.object, p.cache)
    if volume is not None and volumes.belongs_to(volume, p.object):
        patch = {"status": {"phase": "Released"}}
        name: str = volume["metadata"]["name"]
        await p.patch(kinds.PERSISTENT_VOLUME, name, patch, subresource="status")
    await p.remove_finalizer(_PROTECTION)
    return outcome.DONE


def _of_volume(volume: Object, held: controller.Cache) -> Iterator[Key]:
    reference = objects.mapping(volume, "spec", "claimRef")
    if reference:
        yield Key(reference["namespace"], reference["name"])
        return
    for claim in held.list(kinds.PERSISTENT_VOLUME_CLAIM):
        if claim["spec"].get("volumeName") == volume["metadata"]["name"]:
            yield objects.key_of(claim)


def _of_pod(pod: Object, held: controller.Cache) -> Iterator[Key]:
    for name in volumes.claim_names(pod):
        claim = held.get(kinds.PERSISTENT_VOLUME_CLAIM, name, objects.namespace_of(pod))
        if claim is not None and objects.is_deleting(claim):
            yield objects.key_of(claim)


CONTROLLER: Final = controller.Controller(
    "persistentvolumeclaim",
    kinds.PERSISTENT_VOLUME_CLAIM,
    reconcile,
    watches=(
        controller.Watch(kinds.PERSISTENT_VOLUME, _of_volume),
        controller.Watch(kinds.POD, _of_pod),
    ),
    reads=(kinds.STORAGE_CLASS,),
)
