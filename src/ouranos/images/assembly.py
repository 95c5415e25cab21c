"""How do a store's layers become images for a cluster? Realised, packed, described, listed."""

import asyncio
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ouranos import releases
from ouranos.images import (
    bill,
    building,
    catalog,
    definition,
    environment,
    ledger,
    oci,
    own,
    processes,
    store,
)
from ouranos.images import tree as trees
from ouranos.images.ledger import Ledger
from ouranos.images.packing import Packed, Packs
from ouranos.images.processes import Patience
from ouranos.images.slots import Slots

WANTED: Final = tuple(name for name in catalog.ALL if name != "node")
"""What a cluster runs: a node of its own it has."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made, and where."""

    root: Path
    """Of the store of layers; packed ones are kept in it too."""
    release: releases.Release
    names: tuple[str, ...]
    output: Path
    """An OCI image layout, made if there is none."""


def _quiet(_text: str) -> None:
    """Say nothing."""


class Assembly:
    """One run of making images."""

    def __init__(
        self, order: Order, images: store.ImageStore, patience: Patience, say: Callable[[str], None]
    ) -> None:
        self._order = order
        self._images = images
        self._say = say
        self._ledger = Ledger(order.root)
        self._packs = Packs(order.root / "packed", patience)
        self._slots = Slots(len(os.sched_getaffinity(0)))
        self._layout = oci.Layout(order.output)
        self._packing: dict[str, asyncio.Task[Packed]] = {}

    async def images(self) -> list[oci.Image]:
        """Make the ordered images and list them in the layout."""
        self._layout.images()  # Somebody else's is refused before anything is made.
        # Layers share files by hard links, and who packs a file sees a new link to it as a change.
        version = self._order.release.name
        wanted = {catalog.reference(one, version): catalog.ALL[one] for one in self._order.names}
        realised = await self._images.ensure_all(wanted)
        tasks = [
            asyncio.create_task(self._image(image, reference, realised[reference]))
            for reference, image in wanted.items()
        ]
        try:
            made = await asyncio.gather(*tasks)
        finally:
            everything: list[asyncio.Task[Any]] = [*tasks, *self._packing.values()]
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
        self._layout.publish(made)
        return made

    async def _image(
        self, image: definition.Image, reference: str, realised: store.Realised
    ) -> oci.Image:
        texts = bill.files(await asyncio.to_thread(self._ingredients, image, reference, realised))
        packed = await asyncio.gather(
            *(self._layer(tree.parent.name, tree) for tree in realised.layers), self._bill(texts)
        )
        names = [*(layer.name for layer in image.layers), "bill of materials"]
        labels = {
            "org.opencontainers.image.title": image.name,
            "org.opencontainers.image.version": reference.rpartition(":")[2],
        }
        config = oci.configuration(image, dict(zip(names, packed, strict=True)), labels)
        made = await asyncio.to_thread(self._layout.add, reference, config, packed)
        self._say(f"{image.name}: packed")
        return made

    async def _layer(self, name: str, tree: Path) -> Packed:
        """Pack a layer once, however many images have it."""
        if name not in self._packing:
            self._packing[name] = asyncio.create_task(self._pack(name, tree))
        return await self._packing[name]

    async def _pack(self, name: str, tree: Path) -> Packed:
        if (found := self._packs.find(name)) is not None:
            return found
        async with self._slots.use(0):
            return await self._packs.pack(name, tree)

    async def _bill(self, texts: dict[str, str]) -> Packed:
        name = f"bill-{building.digest(texts)}"
        if (found := self._packs.find(name)) is not None:
            return found
        root = trees.directory(self._packs.root / "scratch", f"{name}-tree")
        try:
            await asyncio.to_thread(bill.write, root, texts)
            return await self._layer(name, root)
        finally:
            await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)

    def _ingredients(
        self, image: definition.Image, reference: str, realised: store.Realised
    ) -> bill.Ingredients:
        locked: environment.Locked | None = None
        python: set[tuple[str, str]] = set()
        for layer, tree in zip(image.layers, realised.layers, strict=True):
            name = layer.environment or own.ENVIRONMENTS.get(layer.own, "")
            if name:
                locked = environment.find(name, self._order.release)
                python.update(bill.installed(tree / locked.modules))
        return bill.Ingredients(
            name=image.name,
            version=reference.rpartition(":")[2],
            suite=self._order.release.facts.debian,
            debian=tuple(
                package
                for tree in realised.layers
                for package in self._ledger.contents(tree.parent.name)
            ),
            locked=locked,
            python=tuple(sorted(python)),
        )


async def build(
    order: Order, patience: Patience, say: Callable[[str], None] = _quiet
) -> Sequence[oci.Image]:
    """Make images and list them in an OCI layout; what is there already is not made again.

    Raises:
        Transient: A registry does not answer, the disk is full, another process does not end;
            asking again goes on.
    """
    packed = order.root / "packed"

    def tell(progress: store.Progress) -> None:
        say(f"{progress.image}: {progress.step}")

    images = store.ImageStore(order.root, progress=tell, patience=patience)
    try:
        packed.mkdir(parents=True, exist_ok=True)
        async with ledger.alone(packed, patience, say):
            return await Assembly(order, images, patience, say).images()
    except OSError as error:
        raise processes.translated(error, f"writing images to {order.output}") from error
    finally:
        await images.close()
