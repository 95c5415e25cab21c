"""When may a daemon's word be taken? Asked by the world that it runs, for `/readyz`.

What the database holds was true when the last daemon wrote it. After a power loss it says Ready
of containers that are no more, until the node has looked, and every controller after it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from ouranos.engine.apiserver import server as apiserver
from ouranos.engine.node import node as engine_node
from ouranos.kit import controller, seams

NAME: Final = "first-look"
_PATIENCE: Final = 60.0
"""Seconds for the node to tell of its pods: one that it cannot look at must not hide the rest."""
_PAUSE: Final = 0.05
"""Seconds between two looks; whatever was on its way within the process has arrived by then."""
_LOOKS: Final = 4
"""In a row, without a write and without a pass: then nothing is left to follow from anything."""


async def end(
    api: apiserver.ApiServer,
    node: engine_node.Node,
    runner: controller.ControllerRunner,
    clock: seams.Clock,
) -> None:
    """Say that the API is ready once all that it holds follows from what really runs."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await node.told()
    version, quiet = -1, 0
    while quiet < _LOOKS:
        await clock.sleep(_PAUSE)
        quiet = quiet + 1 if runner.is_at_rest and api.version == version else 0
        version = api.version
    api.awaited = ""
