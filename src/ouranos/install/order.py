"""What can be chosen when Ouranos is installed? Pure; asked by everything in this room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ouranos.images import catalog

NAME: Final = "ouranos-controllers"
"""The Deployment, its ServiceAccount, its Lease, and the labels of its pods."""
NAMESPACE: Final = "ouranos-system"
MANAGER: Final = "ouranos-install"
"""The field manager of an installation, and the label by which its objects are found again."""
VERSION: Final = "app.kubernetes.io/version"
SELECTOR: Final = {"app.kubernetes.io/name": NAME}
OURS: Final = {
    "app.kubernetes.io/part-of": "ouranos",
    "app.kubernetes.io/managed-by": MANAGER,
}
"""Labels of every object of an installation, and of nothing that belongs to a cloud."""


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
