"""Through what do time, chance and blocking calls reach a controller? The world gives them."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ParamSpec, Protocol, TypeVar

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


class WallClock:
    """The time of the machine."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()

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
