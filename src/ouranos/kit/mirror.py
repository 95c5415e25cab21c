"""What does a process hold of a cluster, and who is told of its changes? Asked by runners.

It only reads, so it may run before, between and after the times in which the process acts: whoever
is to act then knows everything already.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from ouranos.kit import cache, cluster, definition, reflector, seams, selection
from ouranos.kit.objects import Kind, Object


class Listener(Protocol):
    """Who is told of changes."""

    def hear(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        """Take in that an object has changed; `before` None: it is new, `after` None: gone."""
        ...

    def hear_of_kind(self, kind: Kind) -> None:
        """Take in that the server has begun, or ceased, to know a kind."""
        ...


class Mirror:
    """One cache, and a reflector for each kind that some controllers name."""

    def __init__(
        self,
        source: cluster.Cluster,
        controllers: Sequence[definition.Controller],
        given: seams.Seams,
        selected: Sequence[selection.Selection] = (),
    ) -> None:
        """Prepare to run; nothing is read before `run`.

        Args:
            source: the API.
            controllers: who will ask.
            given: clock and chance.
            selected: which objects are held of some kinds; of others, all.
        """
        self.source: Final = source
        self.seams: Final = given
        self.cache: Final = cache.Cache()
        self.listeners: Final[list[Listener]] = []
        chosen = {one.kind: one for one in selected}
        kinds = dict.fromkeys(kind for one in controllers for kind in one.kinds)
        needed = {kind for one in controllers for kind in one.kinds if kind not in one.optional}
        self._reflectors = {
            kind: reflector.Reflector(
                source,
                chosen.get(kind) or selection.Selection(kind),
                self.cache.store(kind),
                given,
                self._hear,
                None if kind in needed else self._hear_of_kind,
            )
            for kind in kinds
        }

    async def run(self) -> None:
        """Keep the cache true until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._reflectors.values():
                tasks.create_task(one.run())

    @property
    def unknown(self) -> tuple[str, ...]:
        """The kinds that have not been listed yet, as `kubectl` names them."""
        return tuple(
            kind.qualified for kind, one in self._reflectors.items() if not one.synced.is_set()
        )

    async def synced(self, *kinds: Kind) -> None:
        """Return when these kinds, or without any all of them, are known at the same time."""
        events = [self._reflectors[kind].synced for kind in kinds or self._reflectors]
        while not all(one.is_set() for one in events):
            for one in events:
                await one.wait()

    def _hear(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        for one in self.listeners:
            one.hear(kind, before, after)

    def _hear_of_kind(self, kind: Kind) -> None:
        for one in self.listeners:
            one.hear_of_kind(kind)
