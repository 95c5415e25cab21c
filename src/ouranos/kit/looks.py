"""What outside Kubernetes was found right, and who looks whether it still is? Asked by passes.

Nothing outside (Keystone, a database) tells of its changes, so it has to be looked at again and
again, and an answer takes its time. What a pass has found right is therefore looked at beside the
passes from then on, as a reflector watches an API: only looked at, for whatever would change
something is withheld. What is no longer right makes the object be looked at again, by a pass that
looks for itself and acts; other facts than before make a pass tell them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from ouranos.kit import effects, errors, metrics, outcome, seams
from ouranos.kit.objects import Key

Look = Callable[[], Awaitable[outcome.Outcome]]
"""Looks, and changes what is not right. MUST be safe to run again, and after its pass has ended."""

_DEADLINE: Final = 120.0
"""Seconds; a look that does not come back by then has failed."""
_PACE: Final = 2.0
"""Seconds of a look's period for each thing that a controller has outside: many cost no more."""
_SPREAD: Final = 2.0
"""Seconds; one event has many objects look at the same time, and who is asked is one process."""


@dataclass(slots=True)
class _Right:
    content: str
    at: float
    found: Mapping[str, Any]
    looking: bool = False


class Looks:
    """What one controller has found right outside."""

    def __init__(
        self,
        controller: str,
        given: seams.Seams,
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        wake: Callable[[Key], None],
    ) -> None:
        """Begin with nothing known.

        Args:
            controller: whose looks these are; a metric's label.
            given: clock and chance.
            spawn: runs a look beside the passes.
            wake: has an object be looked at.
        """
        self._controller: Final = controller
        self._clock: Final = given.clock
        self._random: Final = given.random
        self._spawn: Final = spawn
        self._wake: Final = wake
        self._right: dict[tuple[Key, str], _Right] = {}

    async def at(
        self, key: Key, what: str, content: str, look: Look, every: timedelta
    ) -> outcome.Outcome:
        """Look at something, now where it is not known to be right, else beside the passes.

        Args:
            key: the object whose pass asks.
            what: names the thing among those of the object.
            content: what the thing should be; another content is another thing.
            look: looks, and acts.
            every: how long what was found right counts as such; longer where there is so much that
                looking at one thing every two seconds would take longer.
        """
        lasting = max(every, timedelta(seconds=len(self._right) * _PACE))
        begun = self._clock.monotonic()
        found = self._right.get((key, what))
        if found is None or found.content != content:
            try:
                result = await look()
            except errors.Terminal as error:
                # What has to change before it is worth another try is outside: nobody will tell.
                result = outcome.fail(error)
            if result.done:
                self._right[key, what] = _Right(content, begun, result.found)
            else:
                self.forget(key, what)
            return result | outcome.Outcome(again_in=lasting)
        if begun - found.at >= lasting.total_seconds() and not found.looking:
            found.looking = True
            self._spawn(self._beside(key, what, found, look))
        return outcome.Outcome(again_in=lasting, found=found.found)

    def forget(self, key: Key, what: str | None = None) -> None:
        """Know no more that something, or anything of an object, is right."""
        for place in [one for one in self._right if one[0] == key and what in {None, one[1]}]:
            del self._right[place]

    async def _beside(self, key: Key, what: str, found: _Right, look: Look) -> None:
        asked = self._clock.monotonic()
        await self._clock.sleep(self._random.uniform(0, _SPREAD))
        begun = self._clock.monotonic()
        with effects.counted(allowed=False):
            result = await outcome.settle(_in_time(look))
        found.looking = False
        metrics.LOOK_SECONDS.observe(self._controller, value=self._clock.monotonic() - begun)
        if self._right.get((key, what)) is not found:
            return
        news = not result.done or result.found != found.found
        if result.done:
            found.at, found.found = asked, result.found
        else:
            self.forget(key, what)
        if news:
            self._wake(key)


async def _in_time(look: Look) -> outcome.Outcome:
    async with asyncio.timeout(_DEADLINE):
        return await look()
