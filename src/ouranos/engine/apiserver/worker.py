"""How do the server's own engines work off what they are told? One item at a time, each once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from ouranos.engine.apiserver import failure
from ouranos.kit import seams

Item = TypeVar("Item", bound=Hashable)

_RETRY_SECONDS = 1.0


class Worker(Generic[Item]):
    """A queue that holds an item once, and the task that empties it."""

    def __init__(self, process: Callable[[Item], Awaitable[None]], clock: seams.Clock) -> None:
        """Process items with a function; one that is refused is tried again after a second."""
        self._process = process
        self._clock = clock
        self._items: dict[Item, None] = {}
        self._wake = asyncio.Event()

    def add(self, item: Item) -> None:
        """Let an item be looked at."""
        self._items[item] = None
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        later: dict[Item, None] = {}
        while True:
            if not self._items and not later:
                self._wake.clear()
                await self._wake.wait()
            while self._items:
                item = next(iter(self._items))
                del self._items[item]
                try:
                    await self._process(item)
                except failure.Failure:
                    later[item] = None
            if later:
                await self._clock.sleep(_RETRY_SECONDS)
                for item in later:
                    self._items.setdefault(item)
                later = {}
