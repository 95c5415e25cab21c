"""Which objects are there, and how does a change to one become a fact? Asked by every verb.

Reads see what is committed. A write first takes its place and its resourceVersion, then waits for
the disk together with every other write of that moment, and is seen by reads and watches only after
that. Between two awaits nothing else runs, so a verb that reads `latest` and submits without
awaiting in between needs no lock.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ouranos.engine.apiserver import database, failure, history, records
from ouranos.engine.apiserver.fields import FieldPath
from ouranos.engine.apiserver.history import Change, History
from ouranos.engine.apiserver.records import Record
from ouranos.kit.objects import Key, Object

Place = tuple[str, Key]

_FIRST_VERSION = 100


@dataclass(slots=True, eq=False)
class _Write:
    place: Place
    record: Record
    removes: bool
    head: bytes
    done: asyncio.Future[Record]


class Store:
    """All objects of one embedded API."""

    def __init__(self, journal: database.Database | None) -> None:
        """Begin empty, or with a journal whose objects `restore` brings back."""
        self._journal = journal
        self.version = _FIRST_VERSION if journal is None else journal.version()
        self._issued = self.version
        self._born = self.version
        self._objects: dict[str, dict[Key, Record]] = {}
        self._histories: dict[str, History] = {}
        self._forgotten: dict[str, int] = {}
        self._by_uid: dict[str, tuple[str, Record]] = {}
        self._dependents: dict[str, dict[str, tuple[str, Record]]] = {}
        self._unpublished: dict[Place, _Write] = {}
        self._queue: list[_Write] = []
        self._writer: asyncio.Task[None] | None = None
        # A thread of its own: in the shared pool a commit would wait for slow calls of others.
        self._thread = None if journal is None else ThreadPoolExecutor(1, "ouranos-api-db")
        self.hooks: list[history.Hook] = []

    def restore(self, resource: str, record: Record) -> None:
        """Put back an object that the journal holds."""
        self._place(resource, None, record)

    # Reads.

    def objects(self, resource: str) -> Mapping[Key, Record]:
        """Give all committed objects of a kind."""
        return self._objects.get(resource, {})

    def get(self, resource: str, key: Key) -> Record | None:
        """Give the committed object."""
        return self._objects.get(resource, {}).get(key)

    def latest(self, resource: str, key: Key) -> Record | None:
        """Give the object as the next write must see it, committed or on its way to the disk."""
        write = self._unpublished.get((resource, key))
        if write is None:
            return self.get(resource, key)
        return None if write.removes else write.record

    def by_uid(self, uid: str) -> tuple[str, Record] | None:
        """Find a committed object, and its kind, by its identity."""
        return self._by_uid.get(uid)

    def dependents(self, uid: str) -> list[tuple[str, Record]]:
        """Give the objects, and their kinds, that name this uid as an owner."""
        return list(self._dependents.get(uid, {}).values())

    def history(self, resource: str) -> History:
        """Give the ring of changes of a kind."""
        found = self._histories.get(resource)
        if found is None:
            found = self._histories[resource] = History(self._forgotten.get(resource, self._born))
        return found

    def sorted_records(self, resource: str, namespace: str = "") -> list[Record]:
        """Give the objects of a kind in the order of lists."""
        bucket = self._objects.get(resource, {})
        if namespace:
            found = [each for each in bucket.values() if each.key.namespace == namespace]
        else:
            found = list(bucket.values())
        found.sort(key=_by_key)
        return found

    # Writes.

    async def put(
        self,
        resource: str,
        obj: Object,
        head: bytes,
        fields: Mapping[str, FieldPath],
        *,
        hiding: bool = False,
    ) -> Record:
        """Commit an object; writes its new resourceVersion into it.

        Raises:
            failure.Failure: the database could not be written.
        """
        record = records.record(obj, self._next(), fields, hiding=hiding)
        return await self._submit((resource, record.key), record, head, removes=False)

    async def remove(
        self, resource: str, obj: Object, head: bytes, fields: Mapping[str, FieldPath]
    ) -> Record:
        """Commit the removal of an object, given its last state.

        Of one that was about to go, watchers are told the state that was kept: not what its last
        finalizer's end has changed, as Kubernetes does it.

        Raises:
            failure.Failure: the database could not be written.
        """
        version = self._next()
        record = records.record(obj, version, fields)
        kept = self.latest(resource, record.key)
        if kept is not None and kept.deleting:
            record = records.at_version(kept, version)
        return await self._submit((resource, record.key), record, head, removes=True)

    def _next(self) -> int:
        self._issued += 1
        return self._issued

    async def _submit(self, place: Place, record: Record, head: bytes, *, removes: bool) -> Record:
        done: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        write = _Write(place, record, removes, head, done)
        if self._journal is None:
            self._publish(write)
            # Others get their turn, as they would while a disk is written.
            await asyncio.sleep(0)
            return record
        self._unpublished[place] = write
        self._queue.append(write)
        if self._writer is None:
            self._writer = asyncio.create_task(self._commit())
        # Shielded: a caller that goes away does not take back what it has asked for.
        return await asyncio.shield(done)

    async def _commit(self) -> None:
        """Write what waits, and what has come meanwhile, until nothing waits."""
        journal, loop = self._journal, asyncio.get_running_loop()
        if journal is None:
            return
        while self._queue:
            batch, self._queue = self._queue, []
            rows = [
                database.Row(
                    write.place[0],
                    write.place[1],
                    None if write.removes else write.head + write.record.tail,
                )
                for write in batch
            ]
            try:
                await loop.run_in_executor(
                    self._thread, journal.write, rows, batch[-1].record.version
                )
            except database.DatabaseError as error:
                self._give_up(batch + self._queue, error)
                continue
            for write in batch:
                self._publish(write)
        self._writer = None

    def _give_up(self, writes: list[_Write], error: database.DatabaseError) -> None:
        """Answer all writes that built on what could not be written."""
        self._queue = []
        self._unpublished.clear()
        for write in writes:
            write.done.set_exception(failure.unavailable(str(error)))
            write.done.exception()

    def _publish(self, write: _Write) -> None:
        resource, key = write.place
        record = write.record
        if self._unpublished.get(write.place) is write:
            del self._unpublished[write.place]
        previous = self.get(resource, key)
        self._place(resource, previous, None if write.removes else record)
        self.version = record.version
        if write.removes:
            kind = history.DELETED
        else:
            kind = history.ADDED if previous is None else history.MODIFIED
        change = Change(kind, record, previous)
        self.history(resource).add(change)
        if not write.done.done():
            write.done.set_result(record)
        for hook in self.hooks:
            hook(resource, change)

    def _place(self, resource: str, previous: Record | None, record: Record | None) -> None:
        bucket = self._objects.setdefault(resource, {})
        if previous is not None:
            self._by_uid.pop(previous.uid, None)
            for owner in previous.owners:
                children = self._dependents.get(owner.uid)
                if children is not None:
                    children.pop(previous.uid, None)
                    if not children:
                        del self._dependents[owner.uid]
            if record is None:
                bucket.pop(previous.key, None)
        if record is not None:
            bucket[record.key] = record
            self._by_uid[record.uid] = (resource, record)
            for owner in record.owners:
                self._dependents.setdefault(owner.uid, {})[record.uid] = (resource, record)

    def rewrite(self, resource: str, change: Callable[[Record], Record]) -> None:
        """Replace the form of every object of a kind, as when a default appears; no event."""
        for record in list(self.objects(resource).values()):
            changed = change(record)
            if changed is not record:
                self._place(resource, record, changed)

    def forget(self, resource: str) -> None:
        """End the watches of a kind that is served no more."""
        ring = self._histories.pop(resource, None)
        self._objects.pop(resource, None)
        self._forgotten[resource] = self.version
        if ring is not None:
            ring.close()

    async def close(self) -> None:
        """End every watch, wait for what is being written, then let go of the file."""
        for ring in self._histories.values():
            ring.close()
        if self._writer is not None:
            await self._writer
        if self._thread is not None:
            self._thread.shutdown()
        if self._journal is not None:
            self._journal.close()


def _by_key(record: Record) -> Key:
    return record.key
