"""How do images get into this node's containerd? As one archive, without a registry."""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ouranos.images import oci, processes
from ouranos.images.processes import Job, Patience

ADDRESS: Final = Path("/run/containerd/containerd.sock")

_KUBELETS: Final = "k8s.io"
"""The namespace in which a kubelet's images are."""


@dataclass(frozen=True, slots=True)
class Containerd:
    """A containerd, by the socket at which it listens."""

    address: Path = ADDRESS
    namespace: str = _KUBELETS

    async def images(self, patience: Patience) -> dict[str, str]:
        """Return the digests of its images, by their names.

        Raises:
            Failed: It does not answer.
        """
        listed = await self._ctr("asking containerd for its images", patience, "list")
        rows = [line.split() for line in listed.decode().splitlines()[1:]]
        return {name: digest for name, _, digest, *_ in rows}

    async def load(
        self, layout: oci.Layout, images: Iterable[oci.Image], patience: Patience
    ) -> None:
        """Put images into it; nothing is written but what it keeps.

        Raises:
            Failed: It does not answer, or refuses.
        """
        names = {image.reference: image.reference for image in images}
        read, write = os.pipe()
        sent, taken = await asyncio.gather(
            asyncio.to_thread(_send, layout, names, write),
            self._ctr("loading images into containerd", patience, "import", "-", stdin=read),
            return_exceptions=True,
        )
        # A broken pipe only says that ctr has ended, which says itself why.
        if isinstance(sent, OSError) and not isinstance(sent, BrokenPipeError):
            raise processes.translated(sent, f"reading images from {layout.root}") from sent
        if isinstance(taken, BaseException):
            raise taken
        if isinstance(sent, BaseException):
            raise sent

    async def _ctr(
        self, what: str, patience: Patience, *words: str, stdin: int | None = None
    ) -> bytes:
        where = ("--address", self.address, "--namespace", self.namespace)
        return await processes.run(
            ["ctr", *where, "images", *words],
            Job(f"{what} at {self.address}", patience),
            stdin=stdin,
        )


def _send(layout: oci.Layout, names: dict[str, str], write: int) -> None:
    with os.fdopen(write, "wb") as pipe:
        layout.archive(names, pipe)
