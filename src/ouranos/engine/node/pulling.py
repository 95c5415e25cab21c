"""How does a pod's container get its image, and what is said while it does not have it yet?"""

import asyncio
from typing import Final

from ouranos.engine.node import context, events, images
from ouranos.kit import errors, objects

_AT_ONCE: Final = 0.2
"""Seconds after which an image that is not there yet is said to be pulled."""


class ImageError(errors.Transient):
    """The image cannot be had now."""


async def ensure(
    shared: context.Context, pod: objects.Object, container: objects.Object
) -> images.Realised:
    """Return a container's image.

    Raises:
        ImageError: it cannot be had.
    """
    reference: str = container.get("image") or ""
    if not reference:
        raise ImageError("the container names no image")
    began = shared.seams.clock.monotonic()
    task = asyncio.ensure_future(shared.source.ensure(reference))
    try:
        done, _ = await asyncio.wait({task}, timeout=_AT_ONCE)
        if not done:
            shared.recorder.tell(pod, events.NORMAL, "Pulling", f'Pulling image "{reference}"')
        found = await task
    except (errors.OuranosError, OSError) as error:
        text = f'Failed to pull image "{reference}": {error}'
        shared.recorder.tell(pod, events.WARNING, "Failed", text)
        raise ImageError(text) from error
    except asyncio.CancelledError:
        task.cancel()
        raise
    seconds = shared.seams.clock.monotonic() - began
    text = f'Successfully pulled image "{reference}" in {seconds:.3f}s'
    if done:
        text = f'Container image "{reference}" already present on machine'
    shared.recorder.tell(pod, events.NORMAL, "Pulled", text)
    return found
