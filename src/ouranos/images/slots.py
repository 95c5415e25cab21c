"""Who may use a processor now? What is needed first goes first, as many at once as there are."""

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import AsyncGenerator


class Slots:
    """A semaphore whose waiters are served by rank, and by arrival within a rank."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @contextlib.asynccontextmanager
    async def use(self, rank: int) -> AsyncGenerator[None]:
        """Hold one slot; a lower rank is served first."""
        await self._get(rank)
        try:
            yield
        finally:
            self._free += 1
            self._serve()

    async def _get(self, rank: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, next(self._arrivals), turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += 1
                self._serve()
            raise

    def _serve(self) -> None:
        while self._free and self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
