"""Does the cluster offer what a Cloud stands on? Pure; asked by the Cloud controller.

Without a node for its services, or a class for its volumes, nothing of a cloud ever comes up, and
each part only says that it waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ouranos.kit import kinds, objects, scheduling, storage
from ouranos.kit.objects import Object
from ouranos.services import cloud_state

CONDITION: Final = "ClusterReady"


def of_cluster(
    spec: Object, nodes: Iterable[Object], classes: Sequence[Object], claims: Iterable[Object]
) -> cloud_state.Finding:
    """What the cluster lacks; what runs without it goes on.

    Args:
        spec: the Cloud's, with its defaults.
        nodes: all Nodes.
        classes: all StorageClasses.
        claims: the PersistentVolumeClaims of the cloud's namespace.
    """
    if not any(scheduling.CONTROL_PLANE in objects.labels_of(node) for node in nodes):
        return _lacking(
            kinds.NODE.kind,
            "",
            f"no Node has the label {scheduling.CONTROL_PLANE}, so that no service can run; "
            f"hint: kubectl label node NAME {scheduling.CONTROL_PLANE}=",
        )
    held = list(claims)
    waiting = [one for one in held if objects.mapping(one, "status").get("phase") != "Bound"]
    told = _of_storage(spec.get("storageClassName"), classes) if waiting or not held else None
    if told is None:
        return cloud_state.Finding(CONDITION, kinds.NODE.kind, "", ready=True, available=True)
    return told


def _of_storage(wanted: str | None, classes: Sequence[Object]) -> cloud_state.Finding | None:
    kind = kinds.STORAGE_CLASS.kind
    names = sorted(objects.key_of(one).name for one in classes)
    there = f"there {'is' if len(names) == 1 else 'are'} {', '.join(names) or 'none'}"
    if wanted is not None:
        if wanted in names:
            return None
        return _lacking(
            kind, wanted, f"it does not exist, and volumes wait for it; {there}; hint: make it"
        )
    if storage.has_default(classes):
        return None
    hint = f"kubectl annotate storageclass NAME {storage.DEFAULT}=true"
    return _lacking(
        kind, "", f"none is the default, and volumes wait for one; {there}; hint: {hint}"
    )


def _lacking(kind: str, name: str, message: str) -> cloud_state.Finding:
    return cloud_state.Finding(CONDITION, kind, name, ready=False, available=True, message=message)
