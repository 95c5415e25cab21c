"""Through what do time, chance and blocking calls reach a controller? The world gives them."""

import asyncio
import concurrent.futures
import contextvars
import functools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ParamSpec, Protocol, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Clock(Protocol):
    """The time of a world."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock, at the earliest."""
        ...


class Blocking(Protocol):
    """How a call that blocks (SQL, openstacksdk) is made."""

    async def __call__(
        self,
        function: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Return what the function returns, or raise what it raises."""
        ...


@dataclass(frozen=True, slots=True)
class Seams:
    """What a controller is given instead of `time`, `random` and threads."""

    clock: Clock
    random: random.Random
    blocking: Blocking
    image: Callable[[str], str] = str
    """Given an image's reference, returns the one by which the nodes of this world find it."""


class WallClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards, those in which the machine slept included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        await asyncio.sleep(seconds)


async def threads(
    function: Callable[Arguments, Result],
    /,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Make a blocking call in a thread of its own."""
    return await asyncio.to_thread(function, *args, **kwargs)


class Threads:
    """Makes blocking calls in threads that can be waited for: who gave one up has not ended it."""

    def __init__(self, at_once: int) -> None:
        """Start nothing yet.

        Args:
            at_once: how many calls run at the same time; further ones wait.
        """
        self._executor = concurrent.futures.ThreadPoolExecutor(at_once, "blocking")
        self._running: set[concurrent.futures.Future[Any]] = set()

    async def __call__(
        self,
        function: Callable[Arguments, Result],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Make a blocking call in one of the threads."""
        context = contextvars.copy_context()
        call = functools.partial(function, *args, **kwargs)
        future = self._executor.submit(context.run, call)
        self._running.add(future)
        future.add_done_callback(self._running.discard)
        return await asyncio.wrap_future(future)

    async def ended(self, seconds: float) -> bool:
        """Return whether no call runs any more, after so many seconds at most."""
        left = tuple(self._running)
        for one in left:
            one.cancel()  # what still waits for a thread needs none any more
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*map(asyncio.wrap_future, left), return_exceptions=True)
        except TimeoutError:
            return False
        return True


async def inline(
    function: Callable[Arguments, Result],
    /,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Make a blocking call where we are; in virtual time a thread would let the clock run away."""
    return function(*args, **kwargs)


def real() -> Seams:
    """Return the seams of the real worlds; chance comes from the operating system."""
    return Seams(WallClock(), random.SystemRandom(), threads)
