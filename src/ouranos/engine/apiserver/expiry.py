"""When is an Event forgotten? An hour after it was last told; runs beside the handler."""

from datetime import datetime, timedelta

from ouranos.engine.apiserver import failure, fields
from ouranos.engine.apiserver.deleting import Options
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.tables import duration
from ouranos.engine.apiserver.target import Target
from ouranos.kit import kinds

LIFE = timedelta(hours=1)
_LOOK_SECONDS = 600.0
_TIMES = (
    ("series", "lastObservedTime"),
    ("lastTimestamp",),
    ("eventTime",),
    ("metadata", "creationTimestamp"),
)


class Expiry:
    """Removes old Events."""

    def __init__(self, parts: Parts) -> None:
        """Remove from the given parts."""
        self._parts = parts

    async def run(self) -> None:
        """Look every ten minutes, until cancelled."""
        while True:
            await self._parts.seams.clock.sleep(_LOOK_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Remove what is too old now."""
        resource = self._parts.registry.stored(kinds.EVENT.qualified)
        if resource is None:
            return
        limit = self._parts.now() - LIFE
        for record in list(self._parts.store.objects(resource.storage).values()):
            if _told(resource, record) < limit:
                await self._remove(resource, record)

    async def _remove(self, resource: Resource, record: Record) -> None:
        options = Options(uid=record.uid, version=str(record.version))
        current = self._parts.store.latest(resource.storage, record.key)
        if current is not record:
            return
        try:
            await self._parts.deleter.delete(Target(resource, *record.key), record, options)
        except failure.Failure:
            # The disk is full, most likely; the next look is in ten minutes.
            return


def _told(resource: Resource, record: Record) -> datetime:
    event = resource.decode(record)
    text = next(text for path in _TIMES if (text := fields.text(event, *path)))
    return duration.parsed(text)
