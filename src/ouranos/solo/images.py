"""Has all images of a release made at once, before their pods ask, and tells how it goes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ouranos.images import catalog, processes, store
from ouranos.kit import cluster, conditions, errors, kinds, log, objects, seams
from ouranos.look import state

_RETRY: Final = 5.0
_LONGEST_RETRY: Final = 60.0
_LOOK: Final = 1.0
"""Seconds between two looks at what is to be told."""
_BOUND: Final = 400
"""Characters of a failure that are told; the daemon's log has all."""
_MIB: Final = 1024**2
_NETWORK: Final = "check the network, the proxy settings and /etc/apt/sources.list"
_LOG: Final = "the daemon's log says more"
_log = log.get(component="images")


def event(namespace: str, node: str, message: str, now: str) -> objects.Object:
    """What a reader of events sees of an image that can be mounted."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "image-", "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": node},
        "type": "Normal",
        "reason": state.IMAGE_READY,
        "message": message,
        "source": {"component": "ouranos-solo"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


@dataclass
class Ledger:
    """How far each image is, and what stands in its way."""

    root: Path
    steps: dict[str, store.Progress] = field(default_factory=dict[str, store.Progress])
    failures: dict[str, errors.OuranosError] = field(default_factory=dict[str, errors.OuranosError])
    """By image, until it comes further than ever before."""
    ready: set[str] = field(default_factory=set[str])
    _heard: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def hear(self, progress: store.Progress) -> None:
        """Take note of a step; the store's own reporter."""
        self.steps[progress.image] = progress
        if (progress.image, progress.step) not in self._heard:
            self._heard.add((progress.image, progress.step))
            self.failures.pop(progress.image, None)

    def told(self) -> tuple[str, str, str]:
        """Status, reason and message of the Node's condition: about the first image missing."""
        missing = [name for name in catalog.IMAGES if name not in self.ready]
        if not missing:
            return conditions.TRUE, "Ready", "all images can be mounted"
        failed = next((name for name in missing if name in self.failures), None)
        if failed is not None:
            return conditions.FALSE, *self._failure(failed)
        name = next((name for name in missing if name in self.steps), missing[0])
        step = self.steps.get(name) or store.Progress(name, "looking", 0, 0)
        far = f" ({step.done} of {step.total} layers)" if step.total else ""
        return conditions.FALSE, state.MAKING, f"image {name}: {step.step}{far}"

    def _failure(self, name: str) -> tuple[str, str]:
        error = self.failures[name]
        text = " ".join(str(error).split())
        text = text if len(text) <= _BOUND else f"{text[:_BOUND]}…"
        if isinstance(error, processes.DiskFull):
            free = shutil.disk_usage(self.root).free // _MIB
            hint = "make room on that disk; it then goes on by itself"
            return (
                "DiskFull",
                f"image {name}: {text}: {self.root} has {free} MiB left (hint: {hint})",
            )
        hint = _NETWORK if text.startswith("fetching") else _LOG
        return "Failed", f"image {name}: {text}; it is tried again (hint: {hint})"


@dataclass(frozen=True)
class Prefetch:
    """Makes the images of one release ready.

    Attributes:
        images: where they are made.
        ledger: what the store tells of its steps.
        release: of all images.
        namespace: where events go.
        node: whose images they are.
        api: the cloud's API.
        given: clock and randomness.
    """

    images: store.ImageStore
    ledger: Ledger
    release: str
    namespace: str
    node: str
    api: cluster.Cluster
    given: seams.Seams

    async def run(self, arrived: Callable[[], None]) -> None:
        """Try until all are there, and say how far they are; `arrived` hears of each that is."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._make(arrived))
            group.create_task(self._report())

    async def _make(self, arrived: Callable[[], None]) -> None:
        pause = _RETRY
        began = self.given.clock.monotonic()
        while True:
            missing = [name for name in catalog.IMAGES if name not in self.ledger.ready]
            async with asyncio.TaskGroup() as group:
                for name in missing:
                    group.create_task(self._one(name, began, arrived))
            if len(self.ledger.ready) == len(catalog.IMAGES):
                return
            for name, error in self.ledger.failures.items():
                _log.warning("Retrying to make an image", image=name, error=str(error))
            await self.given.clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_RETRY)

    async def _one(self, name: str, began: float, arrived: Callable[[], None]) -> None:
        try:
            await self.images.ensure(catalog.reference(name, self.release))
        except errors.OuranosError as error:
            self.ledger.failures[name] = error
            return
        self.ledger.failures.pop(name, None)
        self.ledger.ready.add(name)
        arrived()
        seconds = self.given.clock.monotonic() - began
        if seconds > 1:
            await self._tell(f"image {name}: ready after {seconds:.0f} s")

    async def _tell(self, message: str) -> None:
        now = conditions.timestamp(self.given.clock.now())
        try:
            await self.api.create(event(self.namespace, self.node, message, now))
        except errors.ApiError as error:
            _log.info("Leaving out an event", error=str(error))

    async def _report(self) -> None:
        """Keep the Node's condition true, until a look finds that nothing is left to be said."""
        while True:
            try:
                settled = await self._said()
            except errors.ApiError as error:
                _log.debug("Retrying to report", error=str(error))
                settled = False
            if settled and len(self.ledger.ready) == len(catalog.IMAGES):
                return
            await self.given.clock.sleep(_LOOK)

    async def _said(self) -> bool:
        """Write the condition; True when it was there already, word by word."""
        node = await self.api.get(kinds.NODE, self.node)
        if node is None:
            return False
        found = objects.entries(node, "status", "conditions")
        wanted = [dict(one) for one in found]
        status, reason, message = self.ledger.told()
        now = self.given.clock.now()
        conditions.set_condition(wanted, state.IMAGES, status, reason, message, now)
        if wanted == found:
            return True
        # The node itself writes to the same list; whoever has read an older one tries again.
        patch: objects.Object = {
            "metadata": {"resourceVersion": node["metadata"]["resourceVersion"]},
            "status": {"conditions": wanted},
        }
        await self.api.patch(kinds.NODE, self.node, "", patch, subresource="status")
        return False
