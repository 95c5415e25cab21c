"""How does a claim of the class `local` get its volume, and what happens to the folder in the end?

Volumes are of the type `local`, not `hostPath`: only for those a kubelet gives a pod's group the
folder, as it does with real storage.
"""

import re
import shutil
from pathlib import Path
from typing import Final

from ouranos.kit import controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Object
from ouranos.lab import objects as given
from ouranos.lab import texts

CLAIMS: Final = "claims"
VOLUMES: Final = "volumes"
_OURS: Final = "pv.kubernetes.io/provisioned-by"
_NAME: Final = re.compile(r"pvc-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def controllers_of(folder: Path) -> tuple[controller.Controller, ...]:
    """Return the controllers that keep volumes as folders below one folder."""

    async def provide(current: controller.Pass) -> outcome.Outcome:
        wanted = volume(current.object)
        name = objects.key_of(wanted).name
        await current.seams.blocking(_make, folder / name)
        try:
            await current.cluster.create(wanted)
        except errors.AlreadyExists:
            return outcome.DONE
        await current.event("Normal", "Provisioned", f"made the volume {name}")
        return outcome.DONE

    async def reclaim(current: controller.Pass) -> outcome.Outcome:
        name = current.key.name
        # Nothing but a folder that we named is ever removed.
        if _NAME.fullmatch(name):
            await current.seams.blocking(_remove, folder / name)
        await current.delete(kinds.PERSISTENT_VOLUME, name, uid=objects.uid_of(current.object))
        return outcome.DONE

    return (
        controller.Controller(CLAIMS, kinds.PERSISTENT_VOLUME_CLAIM, provide, wants=is_unbound),
        controller.Controller(VOLUMES, kinds.PERSISTENT_VOLUME, reclaim, wants=is_released),
    )


def is_unbound(claim: Object) -> bool:
    """Whether a claim of ours has no volume yet."""
    spec = objects.mapping(claim, "spec")
    return (
        spec.get("storageClassName") == given.STORAGE_CLASS
        and not spec.get("volumeName")
        and not objects.is_deleting(claim)
    )


def is_released(found: Object) -> bool:
    """Whether a volume of ours has lost its claim and shall go with it."""
    return (
        objects.mapping(found, "metadata", "annotations").get(_OURS) == given.PROVISIONER
        and objects.mapping(found, "spec").get("persistentVolumeReclaimPolicy") == "Delete"
        and objects.mapping(found, "status").get("phase") == "Released"
        and not objects.is_deleting(found)
    )


def volume(claim: Object) -> Object:
    """Return a claim's volume; the same claim always gets the same."""
    key, uid = objects.key_of(claim), objects.uid_of(claim)
    name = f"pvc-{uid}"
    spec = objects.mapping(claim, "spec")
    anywhere = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_OURS: given.PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": key.namespace,
                "name": key.name,
                "uid": uid,
            },
            "local": {"path": f"{texts.VOLUMES}/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [anywhere]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": given.STORAGE_CLASS,
            "volumeMode": spec.get("volumeMode", "Filesystem"),
        },
    }


def _make(path: Path) -> None:
    path.mkdir(mode=0o755, exist_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
