"""What can be chosen when Ouranos is installed? Pure; asked by everything in this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ouranos.images import catalog
from ouranos.kit import objects
from ouranos.kit.objects import Object

NAME: Final = "ouranos-controllers"
"""The Deployment, its ServiceAccount, its Lease, and the labels of its pods."""
NAMESPACE: Final = "ouranos-system"
MANAGER: Final = "ouranos-install"
"""The field manager of an installation, and the label by which its objects are found again."""
VERSION: Final = "app.kubernetes.io/version"
SELECTOR: Final = {"app.kubernetes.io/name": NAME}
SELECTED: Final = f"app.kubernetes.io/name={NAME}"
"""The same for who lists pods."""
OURS: Final = {
    "app.kubernetes.io/part-of": "ouranos",
    "app.kubernetes.io/managed-by": MANAGER,
}
"""Labels of every object of an installation, and of nothing that belongs to a cloud."""
KEPT: Final = {
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
    "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
}
"""Annotations of what Flux and Argo CD leave in the cluster when it leaves Git, or their
Application goes: clouds would go with it, or lose what their pods and people need."""


def is_ours(obj: Object) -> bool:
    """Whether an object is part of an installation."""
    labels = objects.labels_of(obj)
    return all(labels.get(key) == value for key, value in OURS.items())


@dataclass(frozen=True, slots=True)
class Order:
    """One installation.

    Attributes:
        namespace: where the controllers run.
        replicas: how many of them; one works, the others stand by.
        images: the registry, with a path or without, that images come from; none if nodes have
            them.
        version: the controllers' version; this program's own, unless a test says otherwise.
    """

    namespace: str = NAMESPACE
    replicas: int = 2
    images: str = ""
    version: str = ""

    @property
    def release(self) -> str:
        """The version that is installed."""
        return self.version or catalog.version()

    @property
    def image(self) -> str:
        """The reference of the controllers' image."""
        return f"{self.images.rstrip('/') or catalog.REGISTRY}/controllers:{self.release}"

    def labels(self, name: str) -> dict[str, str]:
        """The labels of an object of the installation."""
        return {"app.kubernetes.io/name": name, **OURS, VERSION: self.release}
