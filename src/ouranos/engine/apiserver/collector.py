"""What goes when its owner goes? Collection by owner references; runs beside the handler.

Knows three policies. Background: dependents go after their owner. Foreground: the owner waits for
the dependents that block it. Orphan: dependents lose the reference and stay.
"""

from ouranos.engine.apiserver import fields, history
from ouranos.engine.apiserver.deleting import FOREGROUND, ORPHAN, Options
from ouranos.engine.apiserver.history import Change
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.records import Owner, Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.target import Target
from ouranos.engine.apiserver.worker import Worker
from ouranos.engine.apiserver.writing import finished
from ouranos.kit.objects import Key, Object

Place = tuple[str, Key]


class Collector:
    """Carries out owner references."""

    def __init__(self, parts: Parts) -> None:
        """Collect in the given parts."""
        self._parts = parts
        self._worker = Worker(self._look, parts.seams.clock)
        parts.store.hooks.append(self._on_change)

    def start(self) -> None:
        """Look once at everything that has or may be an owner, as after a restart."""
        for resource in self._parts.registry.storages():
            for record in self._parts.store.objects(resource.storage).values():
                if record.owners or record.deleting:
                    self._worker.add((resource.storage, record.key))

    async def run(self) -> None:
        """Work until cancelled."""
        await self._worker.run()

    def _on_change(self, resource: str, change: Change) -> None:
        record = change.record
        if change.type == history.DELETED:
            for storage, dependent in self._parts.store.dependents(record.uid):
                self._worker.add((storage, dependent.key))
            self._wake_owners(record)
            return
        if record.deleting:
            self._worker.add((resource, record.key))
            self._wake_owners(record)
        elif record.owners:
            self._worker.add((resource, record.key))
        if change.previous is not None and change.previous.owners != record.owners:
            self._wake_owners(change.previous)

    def _wake_owners(self, record: Record) -> None:
        for owner in record.owners:
            found = self._parts.store.by_uid(owner.uid)
            if found is not None and found[1].deleting:
                self._worker.add((found[0], found[1].key))

    async def _look(self, place: Place) -> None:
        storage, key = place
        resource = self._parts.registry.stored(storage)
        record = self._parts.store.latest(storage, key)
        if resource is None or record is None:
            return
        if record.deleting:
            await self._finish(resource, record)
        elif record.owners:
            await self._judge(resource, record)

    # As an owner that is going.

    async def _finish(self, resource: Resource, record: Record) -> None:
        obj = resource.decode(record)
        finalizers = fields.listed(obj, "metadata", "finalizers")
        dependents = self._parts.store.dependents(record.uid)
        if ORPHAN in finalizers:
            for storage, dependent in dependents:
                await self._disown(storage, dependent.key, {record.uid})
            await self._drop(resource, record, ORPHAN)
        elif FOREGROUND in finalizers:
            blocking = [
                (storage, each)
                for storage, each in dependents
                if any(owner.uid == record.uid and owner.blocking for owner in each.owners)
            ]
            if not blocking:
                await self._drop(resource, record, FOREGROUND)
            for storage, each in dependents:
                if not each.deleting:
                    self._worker.add((storage, each.key))

    async def _drop(self, resource: Resource, record: Record, finalizer: str) -> None:
        current = self._parts.store.latest(resource.storage, record.key)
        if current is None or current.uid != record.uid:
            return
        obj = resource.decode(current)
        metadata: Object = obj["metadata"]
        metadata["finalizers"] = [
            each for each in fields.listed(metadata, "finalizers") if each != finalizer
        ]
        if not metadata["finalizers"]:
            del metadata["finalizers"]
        await self._settle(resource, obj)

    async def _settle(self, resource: Resource, obj: Object) -> None:
        if finished(obj):
            await self._parts.writer.remove(resource, obj)
        else:
            await self._parts.writer.mark(resource, obj)

    async def _disown(self, storage: str, key: Key, uids: set[str]) -> None:
        resource = self._parts.registry.stored(storage)
        record = self._parts.store.latest(storage, key)
        if resource is None or record is None:
            return
        obj = resource.decode(record)
        metadata: Object = obj["metadata"]
        owners = fields.listed(metadata, "ownerReferences")
        kept = [each for each in owners if each["uid"] not in uids]
        if len(kept) == len(owners):
            return
        metadata["ownerReferences"] = kept
        if not kept:
            del metadata["ownerReferences"]
        await self._settle(resource, obj)

    # As a dependent.

    async def _judge(self, resource: Resource, record: Record) -> None:
        states = {owner: self._state(record, owner) for owner in record.owners}
        gone = {owner.uid for owner, state in states.items() if state == "gone"}
        waiting = {owner.uid for owner, state in states.items() if state == "waiting"}
        if not gone and not waiting:
            return
        if len(gone) + len(waiting) < len(states):
            await self._disown(resource.storage, record.key, gone | waiting)
            return
        has_dependents = bool(self._parts.store.dependents(record.uid))
        policy = "Foreground" if waiting and has_dependents else "Background"
        finalizers = fields.listed(resource.decode(record), "metadata", "finalizers")
        if ORPHAN in finalizers:
            policy = "Orphan"
        elif FOREGROUND in finalizers:
            policy = "Foreground"
        options = Options(propagation=policy, uid=record.uid)
        await self._parts.deleter.delete(Target(resource, *record.key), record, options)

    def _state(self, record: Record, owner: Owner) -> str:
        """Say whether an owner is there, gone, or waits for its dependents."""
        resource = self._parts.registry.by_kind(owner.api_version, owner.kind)
        if resource is None or (resource.kind.namespaced and not record.key.namespace):
            return "there"
        found = self._parts.store.by_uid(owner.uid)
        if found is None:
            return "gone"
        storage, held = found
        if storage != resource.storage or held.key.name != owner.name:
            return "gone"
        if held.key.namespace and held.key.namespace != record.key.namespace:
            return "gone"
        if held.deleting and owner.blocking:
            finalizers = fields.listed(resource.decode(held), "metadata", "finalizers")
            return "waiting" if FOREGROUND in finalizers else "there"
        return "there"
