"""Has all images of a release made at once, before their pods ask, and tells how it goes."""

from __future__ import annotations

import asyncio
from typing import Final

from ouranos.images import catalog, store
from ouranos.kit import cluster, conditions, errors, log, objects, seams

READY: Final = "ImageReady"
"""The reason of the event that says so; `up` prints its message."""

_RETRY: Final = 5.0
_LONGEST_RETRY: Final = 60.0
_log = log.get(component="images")


def event(namespace: str, node: str, message: str, now: str) -> objects.Object:
    """What a reader of events sees of an image that can be mounted."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "image-", "namespace": namespace},
        "involvedObject": {"apiVersion": "v1", "kind": "Node", "name": node},
        "type": "Normal",
        "reason": READY,
        "message": message,
        "source": {"component": "ouranos-solo"},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


class Prefetch:
    """Makes the images of one release ready."""

    def __init__(self, images: store.ImageStore, release: str, namespace: str, node: str) -> None:
        self._images = images
        self._references = {name: catalog.reference(name, release) for name in catalog.IMAGES}
        self._namespace = namespace
        self._node = node

    async def run(self, api: cluster.Cluster, given: seams.Seams) -> None:
        """Try until all are there; what is missing is also made when its pod asks."""
        pause = _RETRY
        while True:
            began = given.clock.monotonic()
            asked = (self._one(name, api, given, began) for name in self._references)
            results = await asyncio.gather(*asked, return_exceptions=True)
            failed = [each for each in results if isinstance(each, BaseException)]
            if not failed:
                return
            for error in failed:
                if not isinstance(error, errors.OuranosError):
                    raise error
            _log.warning("Retrying to make images", error=str(failed[0]))
            await given.clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_RETRY)

    async def _one(self, name: str, api: cluster.Cluster, given: seams.Seams, began: float) -> None:
        await self._images.ensure(self._references[name])
        seconds = given.clock.monotonic() - began
        if seconds > 1:
            message = f"image {name}: ready after {seconds:.0f} s"
            now = conditions.timestamp(given.clock.now())
            await api.create(event(self._namespace, self._node, message, now))
