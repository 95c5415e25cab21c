"""The objects that a world must hold before a Cloud can be applied."""

from __future__ import annotations

from ouranos import services
from ouranos.engine.workloads import volumes
from ouranos.kit import cluster, objects

_MANAGED = {"app.kubernetes.io/managed-by": "ouranos"}


def needed(namespace: str) -> list[objects.Object]:
    """All of them, in the order in which they can be applied."""
    return [
        *services.definitions(),
        *services.priority_classes(),
        _managed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
        _managed(volumes.STORAGE_CLASS),
    ]


def _managed(obj: objects.Object) -> objects.Object:
    return {**obj, "metadata": {**obj["metadata"], "labels": dict(_MANAGED)}}


async def apply(api: cluster.Cluster, namespace: str) -> None:
    """Make the world hold them; nothing changes where they are there already."""
    for wanted in needed(namespace):
        await api.apply(wanted)
