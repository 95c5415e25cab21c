"""Where are the root filesystems? Realises images once, and knows them from then on.

Asked by nodes (what do I mount?) and by `up`, which asks for all images at once. Whoever asks
again, after any kind of end, gets what is there and has the rest made.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ouranos import releases
from ouranos.images import apt, building, catalog, definition, processes
from ouranos.images.apt import Apt, Archive
from ouranos.images.building import Building
from ouranos.images.definition import Layer
from ouranos.images.ledger import Ledger
from ouranos.images.processes import Patience
from ouranos.images.slots import Slots

_FLUSH_AFTER: Final = 60
"""Seconds after which what was made is flushed: not while a cloud is starting on the same disk."""


@dataclass(frozen=True, slots=True)
class Realised:
    """An image that can be mounted."""

    layers: tuple[Path, ...]
    """Directories, lowest first; they never change."""
    digest: str
    """Names exactly this content."""
    env: Mapping[str, str]
    """Of every process of the image, unless its pod says otherwise."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an image is."""

    image: str
    step: str
    """What is being done, as a participle: "unpacking 9 packages"; "ready" at the end."""
    done: int
    """Layers that are there."""
    total: int
    """Layers of the image."""


def _quiet(_progress: Progress) -> None:
    """Report to nobody."""


class ImageStore:
    """The images below one directory, shared by all processes of the machine."""

    def __init__(
        self,
        root: Path,
        *,
        progress: Callable[[Progress], None] = _quiet,
        patience: Patience | None = None,
        archive: Archive | None = None,
    ) -> None:
        """Use the store below this directory, which is made when something is realised.

        Args:
            root: The directory.
            progress: Told of every step.
            patience: How long to wait for registries and for other processes.
            archive: Where Debian is; otherwise what the host's own sources name.
        """
        self._ledger = Ledger(root)
        self._progress = progress
        self._patience = patience or Patience()
        self._archive = archive
        self._known: dict[str, Realised] = {}
        self._tasks: dict[str, asyncio.Task[Realised]] = {}
        self._opening = asyncio.Lock()
        self._users = 0
        self._open: contextlib.AsyncExitStack | None = None
        self._buildings: dict[str, Building] = {}
        self._there: dict[str, set[str]] = {}
        self._flushing: asyncio.Task[None] | None = None

    async def ensure(self, reference: str) -> Realised:
        """Return an image, after making what is missing of it.

        Raises:
            Terminal: There is no such image or release, or the host lacks something.
            Transient: A registry does not answer, the disk is full; asking again goes on.
        """
        known = self._known.get(reference)
        if known is not None and all(layer.is_dir() for layer in known.layers):
            return known
        return (await self.ensure_all([reference]))[reference]

    async def ensure_all(self, references: Iterable[str]) -> dict[str, Realised]:
        """Return these images; those of which a cloud needs least to begin are made first.

        Those of one release stand on the same layers: where packages are missing for one, they
        are chosen anew for all.
        """
        named = {reference: catalog.parse(reference) for reference in references}
        found: dict[str, Realised] = {}
        for release in {one.release for one in named.values()}:
            images = {text: one.image for text, one in named.items() if one.release == release}
            found |= await self._ensure(images, releases.find(release))
        return found

    async def _ensure(
        self, images: Mapping[str, definition.Image], release: releases.Release
    ) -> dict[str, Realised]:
        layers = list(dict.fromkeys(layer for image in images.values() for layer in image.layers))
        known = building.fitting(layers, release, self._ledger)

        async def one(reference: str, image: definition.Image) -> Realised:
            found = self._recorded(image, known)
            if found is not None and all(layer.is_dir() for layer in found.layers):
                self._flush_soon()  # who made it may have died before it was on the disk
                return found
            if reference not in self._tasks:
                work = self._realise(image, release, layers)
                self._tasks[reference] = asyncio.create_task(work, name=reference)
                self._tasks[reference].add_done_callback(lambda _: self._tasks.pop(reference))
            # One caller's end is not another's.
            return await asyncio.shield(self._tasks[reference])

        made = await asyncio.gather(*(one(*named) for named in images.items()))
        found = dict(zip(images, made, strict=True))
        self._known |= found
        return found

    async def close(self) -> None:
        """End what is still being made, and flush what was made."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)
        await self._ledger.flush(self._patience)

    def _recorded(self, image: definition.Image, known: Mapping[str, str]) -> Realised | None:
        keys = [known[layer.name] for layer in image.layers if layer.name in known]
        return self._realised(image, keys) if len(keys) == len(image.layers) else None

    def _realised(self, image: definition.Image, keys: list[str]) -> Realised:
        layers = tuple(self._ledger.tree(key) for key in keys)
        return Realised(layers=layers, digest=building.digest(keys), env=dict(image.env))

    async def _realise(
        self, image: definition.Image, release: releases.Release, together: Sequence[Layer]
    ) -> Realised:
        self._there[image.name] = set()
        self._tell(image, "waiting for the store, which another process fills")
        try:
            async with self._writing():
                # Another process may have made it while this one waited.
                known = building.fitting(together, release, self._ledger)
                found = self._recorded(image, known)
                if found is None:
                    maker = await self._building(release)
                    found = self._realised(image, await maker.image(image, known))
        except OSError as error:
            raise processes.translated(error, f"realising the image {image.name}") from error
        finally:
            del self._there[image.name]
        self._progress(Progress(image.name, "ready", len(image.layers), len(image.layers)))
        return found

    @contextlib.asynccontextmanager
    async def _writing(self) -> AsyncGenerator[None]:
        """Hold the store's lock, together with the other images that are being made here."""
        self._users += 1
        try:
            async with self._opening:
                if self._open is None:
                    stack = contextlib.AsyncExitStack()
                    await stack.enter_async_context(self._ledger.writing(self._patience))
                    self._open = stack
            yield
        finally:
            self._users -= 1
            if self._users == 0 and self._open is not None:
                stack, self._open = self._open, None
                for maker in self._buildings.values():
                    await maker.close()
                self._buildings.clear()
                await stack.aclose()
                self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        # What comes while one flush runs is for the next.
        while self._ledger.unflushed():
            await asyncio.sleep(_FLUSH_AFTER)
            # It is tried again after the next image; until then nothing is lost but time.
            try:
                await self._ledger.flush(self._patience)
            except processes.Failed:
                return

    async def _building(self, release: releases.Release) -> Building:
        async with self._opening:
            if release.name not in self._buildings:
                archive = self._archive or await apt.host_archive(self._patience)
                directory = self._ledger.root / "apt" / release.facts.debian
                directory.mkdir(parents=True, exist_ok=True)
                self._buildings[release.name] = Building(
                    release,
                    self._ledger,
                    Apt(directory, release.facts.debian, self._patience, archive),
                    Slots(len(os.sched_getaffinity(0))),
                    self._report,
                )
            return self._buildings[release.name]

    def _report(self, layer: Layer, step: str) -> None:
        for name in self._there:
            image = catalog.ALL[name]
            if layer not in image.layers:
                continue
            if not step:
                self._there[name].add(layer.name)
            self._tell(image, f"{layer.name}: {step}" if step else f"{layer.name} is there")

    def _tell(self, image: definition.Image, step: str) -> None:
        there = len(self._there[image.name])
        self._progress(Progress(image.name, step, there, len(image.layers)))
