"""Is the way from the guests into the node closed? Looked at again and again, while a node runs.

What tenants may reach follows the Services that the API has; a table that somebody removed or
changed is written again at the next look.
"""

import asyncio
import contextlib
from typing import Final

from ouranos.engine.node import context, network, rules, worlds
from ouranos.kit import errors, kinds, log

_LOOK: Final = 30.0
"""Seconds between two looks at the kernel."""

_log = log.get(component="guard")


class Guard:
    """Keeps the rules of a node as they should be."""

    def __init__(self, shared: context.Context) -> None:
        self._shared = shared
        self._woken = asyncio.Event()
        self._looking = asyncio.Lock()
        self._last: frozenset[rules.Opening] = frozenset()

    def openings(self) -> frozenset[rules.Opening]:
        """Return what is meant for tenants now."""
        return rules.openings(self._shared.known.list(kinds.SERVICE))

    def hear(self) -> None:
        """Take in that a Service has changed."""
        if self.openings() != self._last:
            self._woken.set()

    async def look(self, place: worlds.World) -> None:
        """Look once, and put right what is not.

        Raises:
            NetworkError: the kernel refused.
        """
        told, space = self._shared.told, self._shared.held.space
        async with self._looking:
            self._last = self.openings()
            written = await space.run(network.guard, told, place.network, self._last)
        for where in written:
            _log.info("Wrote rules", node=told.name, of=where)

    async def run(self) -> None:
        """Look whenever the Services change, and now and then."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._woken.wait()
            self._woken.clear()
            place = self._shared.world
            if place is None or not place.is_alive:
                continue  # whoever makes the next one looks first
            try:
                await self.look(place)
            except (errors.OuranosError, OSError) as error:
                _log.warning("Retrying to guard", node=self._shared.told.name, error=str(error))
