"""The objects that a world must hold before a Cloud can be applied."""

from __future__ import annotations

from ouranos import services
from ouranos.kit import cluster, objects

_MANAGED = {"app.kubernetes.io/managed-by": "ouranos"}


def needed(namespace: str) -> list[objects.Object]:
    """All of them, in the order in which they can be applied."""
    return [
        *services.definitions(),
        *services.priority_classes(),
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": namespace, "labels": dict(_MANAGED)},
        },
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "local",
                "labels": dict(_MANAGED),
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "ouranos.cloud/local",
            "reclaimPolicy": "Retain",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
    ]


async def apply(api: cluster.Cluster, namespace: str) -> None:
    """Make the world hold them; nothing changes where they are there already."""
    for wanted in needed(namespace):
        await api.apply(wanted)
