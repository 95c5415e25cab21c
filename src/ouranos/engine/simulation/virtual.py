"""How does time pass in a twin? It jumps to the next thing that is due."""

import asyncio
import contextvars
import math
import random
import selectors
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from ouranos.kit import seams

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

_TICKS: Final = 1_000_000
_STANDSTILL: Final = 200_000
"""Turns of the loop without any time passing, after which something must be spinning."""

EPOCH: Final = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
"""When a twin's time begins, unless it is told otherwise."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps instead of passing; timers and time-outs follow it.

    Time goes in whole microseconds and every timer takes at least one, so that whoever sleeps for
    what rounding has left of a second gets on.
    """

    def __init__(self) -> None:
        self._ticks = 0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Return the seconds that have passed in virtual time since the loop was made."""
        return self._ticks / _TICKS

    def jump(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ticks = max(round((self.time() + seconds) * _TICKS), self._ticks + 1)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back at a time, the next tick at the earliest."""
        ticks = math.ceil(when * _TICKS)
        if when > self.time():
            ticks = max(ticks, self._ticks + 1)
        return super().call_at(ticks / _TICKS, callback, *args, context=context)


class _Jumping(selectors.BaseSelector):
    """Asks the operating system without waiting; where it would wait, time jumps instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._real = selectors.DefaultSelector()
        self._turns = 0

    def register(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: "FileDescriptorLike") -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(
        self, fileobj: "FileDescriptorLike", events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> "Mapping[FileDescriptorLike, selectors.SelectorKey]":
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            # Nothing is due at all: only the world outside (a signal) can go on.
            return self._real.select(None)
        ready = self._real.select(0)
        self._turns += 1
        if not ready and timeout > 0:
            self._loop.jump(timeout)
            self._turns = 0
        if self._turns > _STANDSTILL:
            raise RuntimeError("virtual time stands still: something runs again and again")
        return ready


class VirtualClock:
    """The clock of the running event loop, with a time of day."""

    def __init__(self, epoch: datetime = EPOCH) -> None:
        self._epoch = epoch

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return self._epoch + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Return the loop's seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of the loop."""
        await asyncio.sleep(seconds)


def virtual_seams(seed: int = 0, epoch: datetime = EPOCH) -> seams.Seams:
    """Return the seams of a twin: the same seed, the same story."""
    return seams.Seams(VirtualClock(epoch), random.Random(seed), seams.inline)  # noqa: S311 - no secrets
