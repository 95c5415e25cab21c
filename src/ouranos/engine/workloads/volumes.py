"""Which volume does a claim get? Predicates and objects of local volumes; pure."""

from typing import Final

from ouranos.engine.workloads import nodes
from ouranos.kit import controller, kinds, objects, storage
from ouranos.kit.objects import Object

CLASS: Final = "local"
PROVISIONER: Final = "ouranos.cloud/local"
SELECTED_NODE: Final = "volume.kubernetes.io/selected-node"
_PROVISIONED: Final = "pv.kubernetes.io/provisioned-by"

STORAGE_CLASS: Final[Object] = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": CLASS, "annotations": {storage.DEFAULT: "true"}},
    "provisioner": PROVISIONER,
    "reclaimPolicy": "Retain",
    "volumeBindingMode": "WaitForFirstConsumer",
}


def claim_names(pod: Object) -> list[str]:
    """Return the names of the claims that a pod mounts."""
    found: list[str] = []
    for volume in objects.entries(pod, "spec", "volumes"):
        if volume.get("persistentVolumeClaim"):
            found.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            found.append(f"{pod['metadata']['name']}-{volume['name']}")
    return found


def is_bound(claim: Object) -> bool:
    """Whether the claim has its volume for good."""
    return objects.mapping(claim, "status").get("phase") == "Bound"


def bound_to(claim: Object, held: controller.Cache) -> Object | None:
    """Return the volume that a claim names."""
    name = claim["spec"].get("volumeName")
    return held.get(kinds.PERSISTENT_VOLUME, name) if name else None


def class_of(claim: Object) -> str:
    """Return the claim's storage class; the local one where nothing is said."""
    named = claim["spec"].get("storageClassName")
    return CLASS if named is None else named


def volume_name(claim: Object) -> str:
    """Return the name of the volume that is made for the claim."""
    return f"pvc-{objects.uid_of(claim)}"


def volume_for(claim: Object, node: str) -> Object:
    """Return the volume of a claim: a directory on the node, which stays when the claim goes."""
    metadata = claim["metadata"]
    # The uid keeps a new claim of an old name from finding what the old one held.
    path = f"/volumes/{metadata['namespace']}/{metadata['name']}-{metadata['uid'][:8]}"
    term = {"key": nodes.HOSTNAME, "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(claim),
            "annotations": {_PROVISIONED: PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "volumeMode": "Filesystem",
            "hostPath": {"path": path, "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
        },
    }


def belongs_to(volume: Object, claim: Object) -> bool:
    """Whether the volume is reserved for this very claim, or for one of its name not made yet."""
    reference = objects.mapping(volume, "spec", "claimRef")
    named = (reference.get("namespace"), reference.get("name"))
    return named == objects.key_of(claim) and reference.get("uid") in (
        None,
        objects.uid_of(claim),
    )
