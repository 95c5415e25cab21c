"""How does the cache stay true? One list, then a watch, per kind; asked by the runner."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from ouranos.kit import (
    backoff,
    cache,
    cluster,
    errors,
    kinds,
    log,
    metrics,
    objects,
    seams,
    selection,
)
from ouranos.kit.objects import Kind

_WATCH_SECONDS: Final = (300, 600)
"""A watch is begun anew after so long, at random, so that a dead connection is noticed."""
_RETRY: Final = backoff.Backoff(first=0.5, longest=30.0)
_AWAY: Final = backoff.Backoff(first=0.5, longest=10.0)
"""Whoever is to act waits until the watches that an outage has ended run again."""
_ORDERLY: Final = frozenset({"ended", "gone"})
_LASTING: Final = 1.0
"""Seconds; a watch that ends sooner, in whatever order, would be begun again at full speed."""

_log = log.get(component="reflector")


class Reflector:
    """Keeps one kind's store true and tells a listener of each change, until cancelled."""

    def __init__(
        self,
        source: cluster.Cluster,
        chosen: selection.Selection,
        store: cache.Store,
        given: seams.Seams,
        listener: cache.Listener,
        served: Callable[[Kind], None] | None = None,
    ) -> None:
        """Prepare to run.

        Args:
            source: where to list and watch.
            chosen: what.
            store: what to keep true.
            given: clock and chance.
            listener: told of each change.
            served: for a kind that the server may not know: told when it begins, or ceases, to.
        """
        self._source = source
        self._kind = chosen.kind
        self._selectors = {"labels": chosen.labels, "fields": chosen.fields}
        self._store = store
        self._seams = given
        self._listener = listener
        self._served = served
        self._version = ""
        self._failures = 0
        self._lasted = False
        self._told = False
        self.synced: Final = asyncio.Event()
        """Set while the store is as the server said, and a watch tells what changes; from the list
        on, and not while a watch that broke has not been opened again."""

    async def run(self) -> None:
        """List, watch, and begin again where the watch was lost, for ever."""
        while True:
            self._lasted = False
            error, cause = errors.Transient("the watch has ended"), "ended"
            try:
                await self._follow()
            except errors.Gone as raised:
                error, cause = raised, "gone"
            except errors.Transient as raised:
                error, cause = raised, type(raised).__name__
            self._restarted(cause)
            if isinstance(error, errors.Gone | errors.NotFound):
                # What was deleted in the gap no watch will report: list again, and compare.
                self._version = ""
            await self._pause(error, orderly=cause in _ORDERLY)

    async def _pause(self, error: errors.Transient, *, orderly: bool) -> None:
        """Let time pass before the next try; none after a watch that lasted and ended in order."""
        if self._lasted and orderly:
            return
        self._failures += 1
        if self._store.is_served:
            self.synced.clear()
        self._tell(error)
        pace = _AWAY if isinstance(error, errors.Unreachable) else _RETRY
        await self._seams.clock.sleep(pace.wait(self._failures, self._seams.random))

    async def _follow(self) -> None:
        if not self._version:
            await self._list()
        began = self._seams.clock.monotonic()
        try:
            await self._watch()
        finally:
            self._lasted = self._seams.clock.monotonic() - began > _LASTING
            if self._lasted:
                self._failures = 0

    async def _watch(self) -> None:
        events = self._source.watch(
            self._kind,
            resource_version=self._version,
            timeout=self._seams.random.randint(*_WATCH_SECONDS),
            opened=self._opened,
            **self._selectors,
        )
        async with contextlib.aclosing(events):
            async for event in events:
                self._take_in(event)

    async def _list(self) -> None:
        try:
            listing = await self._source.list(
                self._kind, **self._selectors, kept=cache.without_managers
            )
        except errors.NotFound:
            if self._served is not None:
                await self._be_without(self._served)
            raise
        comes, self._store.is_served = not self._store.is_served, True
        changes = self._store.heard_all(listing.items, int(listing.resource_version or 0))
        self._version = listing.resource_version
        self.synced.set()
        for before, after in changes:
            self._listener(self._kind, before, after)
        if comes and self._served is not None:
            self._served(self._kind)

    async def _be_without(self, served: Callable[[Kind], None]) -> None:
        """Say that the server does not know the kind; return when it may."""
        if self._store.is_served:
            for before, after in self._store.unserved():
                self._listener(self._kind, before, after)
            self.synced.set()
            served(self._kind)
        fields = f"metadata.name={self._kind.qualified}"
        definitions = await self._source.list(kinds.CUSTOM_RESOURCE_DEFINITION, fields=fields)
        if definitions.items:
            return
        events = self._source.watch(
            kinds.CUSTOM_RESOURCE_DEFINITION,
            resource_version=definitions.resource_version,
            fields=fields,
            timeout=self._seams.random.randint(*_WATCH_SECONDS),
        )
        async with contextlib.aclosing(events):
            async for event in events:
                if event.type != "BOOKMARK":
                    self._failures = 0
                    return

    def _take_in(self, event: cluster.Event) -> None:
        version = str(objects.mapping(event.object, "metadata").get("resourceVersion") or "")
        if event.type == "BOOKMARK":
            self._store.reached(int(version or 0))
            before = after = None
        elif event.type == "DELETED":
            before, after = self._store.heard_deletion(event.object)
        else:
            before, after = self._store.heard(event.object)
        self._version = version or self._version
        if before is not None or after is not None:
            self._listener(self._kind, before, after)

    def _opened(self) -> None:
        self._told = False
        self.synced.set()

    def _tell(self, error: errors.Transient) -> None:
        """Log why there is no watch; what only a person can mend loudly, and once."""
        told = {"kind": self._kind.qualified, "error": str(error)}
        if isinstance(error, errors.Forbidden) and not self._told:
            self._told = True
            _log.warning("Lacking a right", **told)
        else:
            _log.debug("Retrying a watch", **told)

    def _restarted(self, cause: str) -> None:
        metrics.WATCH_RESTARTS.add(self._kind.qualified, cause)
