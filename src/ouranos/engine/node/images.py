"""How does the node get a container's root? The one question that the node asks the image room."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class Realised(Protocol):
    """An image that is on the machine."""

    @property
    def layers(self) -> tuple[Path, ...]:
        """Folders that together are the root, the lowest first."""
        ...

    @property
    def digest(self) -> str:
        """The identity of the content."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that the image gives every process."""
        ...


class ImageSource(Protocol):
    """Where images come from."""

    async def ensure(self, reference: str) -> Realised:
        """Return the image, made or fetched if need be.

        MUST be safe to call many times at once and after a crash; the layers MUST stay unchanged
        while the machine runs. An `OuranosError` says why there is no such image.
        """
        ...
