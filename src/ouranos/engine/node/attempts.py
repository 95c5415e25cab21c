"""Which attempts to run a pod's containers are remembered? The last two of each, as a kubelet."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from ouranos.engine.node import context, logs, preparation, records

_KEPT: Final = 2


class Attempts:
    """The attempts of one pod, by container, the oldest first."""

    def __init__(self, shared: context.Context, uid: str, found: Iterable[records.Record]) -> None:
        self._shared = shared
        self._uid = uid
        self._held: dict[str, list[records.Record]] = {}
        for record in sorted(found, key=lambda one: one.created):
            self._held.setdefault(record.container, []).append(record)

    def of(self, name: str) -> tuple[records.Record, ...]:
        """Return the attempts to run a container."""
        return tuple(self._held.get(name) or ())

    def all(self) -> dict[str, tuple[records.Record, ...]]:
        """Return all attempts by container."""
        return {name: tuple(held) for name, held in self._held.items()}

    def running(self) -> Iterator[records.Record]:
        """Yield what runs."""
        for held in self._held.values():
            if not held[-1].has_ended:
                yield held[-1]

    def add(self, record: records.Record) -> None:
        """Remember a new attempt."""
        self._held.setdefault(record.container, []).append(record)

    async def prune(self, name: str) -> None:
        """Forget the attempts before the last two."""
        held = self._held.get(name, [])
        while len(held) > _KEPT:
            await self._forget(held.pop(0))

    def replace(self, before: records.Record, after: records.Record) -> None:
        """Take note of how an attempt has gone on."""
        held = self._held[before.container]
        held[held.index(before)] = after

    async def forget(self) -> None:
        """Leave nothing of any attempt."""
        for held in self._held.values():
            for record in held:
                await self._forget(record)
        self._held.clear()

    async def _forget(self, record: records.Record) -> None:
        def remove() -> None:
            preparation.terminal(self._shared, self._uid, record.id).unlink(missing_ok=True)
            logs.remove(Path(record.log))

        await self._shared.held.forget(record)
        await self._shared.held.space.run(remove)
