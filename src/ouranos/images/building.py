"""How is a layer made? One run of making: every layer that is missing, each once, by rank."""

import asyncio
import hashlib
import json
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from ouranos import releases
from ouranos.images import apt, catalog, definition, environment, own, tree
from ouranos.images.apt import Apt, Package, Universe
from ouranos.images.definition import Layer
from ouranos.images.ledger import Ledger
from ouranos.images.slots import Slots
from ouranos.kit import errors

_FORMAT: Final = 2
"""Part of every layer's name: to be raised when the same definition comes to another tree."""

_PARTS: Final = 4
"""Into how many runs compiling is split: always as many, because that decides the bytes."""

Answer = TypeVar("Answer")

Report = Callable[[Layer, str], None]
"""Told what is being done for a layer; an empty step says that it is there."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a layer will be made from."""

    layer: Layer
    key: str
    """Its name in the store."""
    packages: tuple[Package, ...]
    """Its own, without those of the layers below."""


def digest(value: Any) -> str:
    """Return a short name for a JSON value."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def wording(layer: Layer) -> dict[str, Any]:
    """Return everything that the definition says about this layer alone."""
    words = asdict(layer)
    del words["over"]
    return words


def definition_digest(layer: Layer, release: releases.Release) -> str:
    """Return the name of a layer's definition, which is known without asking any registry."""
    inputs: list[Any] = [_FORMAT, release.facts.debian, wording(layer)]
    if layer.packages:
        inputs += [definition_digest(lower, release) for lower in layer.over]
    if layer.environment or layer.own:
        inputs += [release.facts.python]
    if layer.environment:
        locked = environment.find(layer.environment, release)
        inputs += [locked.lock, release.facts.manylinux, locked.leave_out, locked.uncompiled]
    if layer.own:
        inputs += own.fingerprint(layer.own)
    return digest(inputs)


def recorded(layers: Sequence[Layer], release: releases.Release, ledger: Ledger) -> dict[str, str]:
    """Return the names, in the store, of those layers that are there and fit together.

    Args:
        layers: Lowest first, with all that they stand on.
        release: The layers' release.
        ledger: The store.
    """
    found: dict[str, str] = {}
    for layer in layers:
        name = definition_digest(layer, release)
        key = ledger.defined(name) if layer.packages else name
        if key is None or not ledger.has(key):
            continue
        if not layer.packages or ledger.below(key) == [
            found.get(lower.name) for lower in layer.below()
        ]:
            found[layer.name] = key
    return found


def fitting(layers: Sequence[Layer], release: releases.Release, ledger: Ledger) -> dict[str, str]:
    """Return the names of those layers that are there, of layers that are wanted together.

    They are none if a layer of packages is missing: packages come from one index, or libraries
    and programs may not fit, and images would stand on layers of different ages.
    """
    found = recorded(layers, release, ledger)
    missing = any(layer.packages and layer.name not in found for layer in layers)
    return {} if missing else found


class Building:
    """Makes layers of one release; lives while the store is locked."""

    def __init__(
        self, release: releases.Release, ledger: Ledger, sources: Apt, slots: Slots, report: Report
    ) -> None:
        self._release = release
        self._ledger = ledger
        self._apt = sources
        self._slots = slots
        self._report = report
        self._patience = sources.patience
        self._plans: dict[str, asyncio.Task[Plan]] = {}
        self._layers: dict[str, asyncio.Task[str]] = {}
        self._universes: dict[str, asyncio.Task[Universe]] = {}
        self._ranks = {
            layer.name: rank
            for rank, image in reversed(list(enumerate(catalog.ALL.values())))
            for layer in image.layers
        }

    async def image(self, image: definition.Image, known: Mapping[str, str]) -> list[str]:
        """Make what is not known of an image; return the names of its layers, lowest first."""
        return await asyncio.gather(
            *(
                _value(known[layer.name]) if layer.name in known else self._layer(layer)
                for layer in image.layers
            )
        )

    async def _layer(self, layer: Layer) -> str:
        return await self._once(self._layers, layer, self._make)

    async def _plan(self, layer: Layer) -> Plan:
        return await self._once(self._plans, layer, self._choose)

    async def _once(
        self,
        tasks: dict[str, asyncio.Task[Answer]],
        layer: Layer,
        work: Callable[[Layer], Coroutine[None, None, Answer]],
    ) -> Answer:
        """Share the work with everybody who asks; after a failure it is begun again."""
        task = tasks.get(layer.name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = tasks[layer.name] = asyncio.create_task(work(layer), name=layer.name)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is still being made."""
        tasks: list[asyncio.Task[Any]] = [
            *self._universes.values(),
            *self._plans.values(),
            *self._layers.values(),
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _choose(self, layer: Layer) -> Plan:
        below = [await self._plan(lower) for lower in layer.below()]
        self._report(layer, "choosing packages")
        universe = await self._once(self._universes, catalog.BASE, self._resolve)
        there = {package.name for plan in below for package in plan.packages}
        absent = {name for one in layer.foundation() for name in one.absent}
        own = tuple(universe.closure(layer.packages, absent | there))
        inputs = [
            _FORMAT,
            wording(layer),
            [(package.name, package.version, package.sha256) for package in own],
            [plan.key for plan in below],
        ]
        return Plan(layer=layer, key=digest(inputs), packages=own)

    async def _resolve(self, base: Layer) -> Universe:
        """Return the packages of all images: chosen together, so that they fit together."""
        await self._apt.update()
        layers = {layer for image in catalog.ALL.values() for layer in image.layers}
        return await self._apt.resolve(
            {name for layer in layers for name in layer.packages}, base.absent
        )

    async def _make(self, layer: Layer) -> str:
        name = definition_digest(layer, self._release)
        plan = await self._plan(layer) if layer.packages else Plan(layer, name, ())
        if not self._ledger.has(plan.key):
            making = self._ledger.new_scratch(layer.name)
            try:
                await self._fill(plan, tree.directory(making, "tree"))
                self._ledger.publish(plan.key, making, await self._record(plan))
            finally:
                await asyncio.to_thread(shutil.rmtree, making, ignore_errors=True)
        if layer.packages:
            self._ledger.define(name, plan.key)
        self._report(layer, "")
        return plan.key

    async def _record(self, plan: Plan) -> dict[str, Any]:
        below = (
            [(await self._plan(lower)).key for lower in plan.layer.below()] if plan.packages else []
        )
        return {
            "name": plan.layer.name,
            "below": below,
            "packages": [[one.name, one.version, one.sha256] for one in plan.packages],
        }

    async def _fill(self, plan: Plan, root: Path) -> None:
        layer, rank = plan.layer, self._ranks[plan.layer.name]
        if plan.packages:
            await self._unpack(plan, root, rank)
        if layer.environment:
            locked = environment.find(layer.environment, self._release)
            self._report(layer, f"fetching {locked.count} Python packages")
            cache = self._ledger.root / "wheels"
            await environment.install(locked, root, cache, self._patience)
        if layer.own:
            place = environment.find(own.ENVIRONMENTS[layer.own], self._release).modules
            await asyncio.to_thread(own.install, layer.own, root, place)
        await asyncio.to_thread(tree.complete, root, layer)
        below = await self._below(layer)
        if plan.packages:
            scratch = self._ledger.new_scratch(f"{layer.name}-libraries")
            await tree.library_cache(root, below, scratch, self._patience)
        if layer.bytecode or layer.environment or layer.own:
            self._report(layer, "compiling Python modules")
            await self._compile(layer, root, [*below, root], rank)
        await asyncio.to_thread(tree.settle, root, files=False)

    async def _below(self, layer: Layer) -> list[Path]:
        """Return the trees of the layers under this one, lowest first."""
        if not layer.packages:
            # Only their Python runs, to compile: those that are there do, and no registry is asked.
            known = recorded(layer.below(), self._release, self._ledger)
            if len(known) == len(layer.below()):
                return [self._ledger.tree(key) for key in known.values()]
        return [self._ledger.tree(await self._layer(lower)) for lower in layer.below()]

    async def _unpack(self, plan: Plan, root: Path, rank: int) -> None:
        layer, store = plan.layer, self._ledger.packages
        size = sum(package.size for package in plan.packages) / 1e6
        self._report(layer, f"fetching {len(plan.packages)} packages ({size:.0f} MB)")
        scratch = self._ledger.new_scratch(f"{layer.name}-packages")
        try:
            await self._apt.fetch(plan.packages, store, scratch)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        files = [apt.file_of(package, store) for package in plan.packages]
        async with self._slots.use(rank):
            self._report(layer, f"unpacking {len(plan.packages)} packages")
            try:
                await tree.unpack(files, root, self._patience)
            except errors.Transient:
                await asyncio.to_thread(apt.discard_broken, plan.packages, store)
                raise
        for file in files:
            file.unlink(missing_ok=True)

    async def _compile(self, layer: Layer, root: Path, trees: Sequence[Path], rank: int) -> None:
        folders, skipped = layer.bytecode, self._release.facts.packages.uncompiled
        if name := layer.environment or own.ENVIRONMENTS.get(layer.own, ""):
            locked = environment.find(name, self._release)
            folders, skipped = (*folders, locked.modules), locked.uncompiled
        files = await asyncio.to_thread(lambda: list(environment.sources(root, folders, skipped)))

        async def part(number: int) -> None:
            async with self._slots.use(rank):
                await environment.compile_sources(
                    root, files[number::_PARTS], trees, self._patience
                )

        await asyncio.gather(*map(part, range(_PARTS)))


async def _value(value: str) -> str:
    return value
