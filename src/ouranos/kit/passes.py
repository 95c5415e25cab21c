"""What does one pass over one object have in its hands? The value that `reconcile` is given."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, NamedTuple, cast

import msgspec

from ouranos.kit import cache, cluster, errors, events, kinds, looks, objects, outcome, pod, seams
from ouranos.kit.objects import Key, Kind, Object, Objects


class _Refused(NamedTuple):
    wanted: Object
    version: int
    error: errors.Conflict


@dataclass(slots=True)
class Memory:
    """What a controller remembers from pass to pass; nothing but requests saved depends on it."""

    outside: looks.Looks
    news: events.Teller
    applied: dict[tuple[Kind, Key], bytes] = field(default_factory=dict[tuple[Kind, Key], bytes])
    """Of what was applied, and of what the server made of it."""
    refused: dict[tuple[Kind, Key], _Refused] = field(
        default_factory=dict[tuple[Kind, Key], _Refused]
    )

    def forget(self, kind: Kind, key: Key) -> None:
        """Forget what was applied to an object."""
        self.applied.pop((kind, key), None)
        self.refused.pop((kind, key), None)


class Pass:
    """One pass over one object: what was read, what may be done, and the status to be written.

    `object` and everything from `cache` is shared: never mutate it. `status` is this pass's own
    draft; it is written once, after the pass, if it differs.
    """

    def __init__(
        self,
        controller: str,
        obj: Object,
        source: cluster.Cluster,
        held: cache.Cache,
        given: seams.Seams,
        memory: Memory,
    ) -> None:
        self.controller: Final = controller
        self.object = obj
        self.cluster: Final = source
        self.cache: Final = held
        self.seams: Final = given
        self._status: Object | None = None
        self._memory = memory
        self._manager = f"{source.manager}-{controller}"

    @property
    def status(self) -> Object:
        """This pass's draft of the object's status, copied when it is first asked for."""
        if self._status is None:
            # A copy by way of JSON takes a tenth of the time of one by way of Python.
            kept = msgspec.json.encode(objects.mapping(self.object, "status"))
            self._status = cast("Object", msgspec.json.decode(kept))
        return self._status

    @status.setter
    def status(self, wanted: Object) -> None:
        self._status = wanted

    @property
    def has_new_status(self) -> bool:
        """Whether the draft differs from the status that the object has."""
        return self._status is not None and self._status != objects.mapping(self.object, "status")

    @property
    def key(self) -> Key:
        """The key of the object."""
        return objects.key_of(self.object)

    @property
    def generation(self) -> int:
        """The generation of the object's spec."""
        return self.object["metadata"].get("generation") or 0

    @property
    def deleting(self) -> bool:
        """Whether somebody has asked for the object's deletion."""
        return objects.is_deleting(self.object)

    @property
    def finalizer(self) -> str:
        """The finalizer of this controller."""
        return f"{kinds.GROUP}/{self.controller}"

    @property
    def conditions(self) -> list[Object]:
        """The conditions of the draft of the status."""
        found: list[Object] = self.status.setdefault("conditions", [])
        return found

    async def apply(self, obj: Object, *, owned: bool = True, force: bool = True) -> Object:
        """Apply an object as this controller; no request where nothing changed since the last time.

        Args:
            obj: the fields to own. Namespace and owner are added to a copy.
            owned: make the pass's object its controlling owner, so that it goes when that goes.
            force: take fields away from other managers.

        Returns:
            The object as the server has it.

        Raises:
            errors.Conflict: without `force`, other managers own some of the fields.
        """
        wanted = self._placed(obj, owned=owned)
        kind, key = kinds.of(wanted), objects.key_of(wanted)
        present = self._present(kind, key)
        last = self._memory.applied.get((kind, key))
        if present is not None and last == _applied(wanted, present):
            return present
        version = 0 if present is None else objects.version_of(present)
        refused = self._memory.refused.get((kind, key))
        if refused is not None and not force and refused[:2] == (wanted, version):
            raise refused.error.with_traceback(None)
        try:
            answer = await self.cluster.apply(wanted, manager=self._manager, force=force)
        except errors.Conflict as error:
            if version:
                # Who owns which field is not held: each newer object may be free for us.
                self._memory.refused[kind, key] = _Refused(wanted, version, error)
            raise
        # Not what is held: that may be newer already, and not as it was asked for.
        self._memory.applied[kind, key] = _applied(wanted, answer)
        return self._wrote(kind, answer)

    async def create(self, obj: Object, *, owned: bool = True) -> Object:
        """Create an object, with namespace and owner as in `apply`.

        Raises:
            errors.AlreadyExists: the name is taken.
        """
        wanted = self._placed(obj, owned=owned)
        return self._wrote(kinds.of(wanted), await self.cluster.create(wanted))

    async def replace_status(self, obj: Object) -> Object:
        """Replace another object's status; its resource version must be the present one."""
        return self._wrote(kinds.of(obj), await self.cluster.replace_status(obj))

    async def patch(
        self, kind: Kind, name: str, patch: Object | Objects, *, subresource: str = ""
    ) -> Object:
        """Patch an object in this namespace: a dict is a merge patch, a list a JSON patch."""
        where = self._namespace_for(kind)
        patched = await self.cluster.patch(kind, name, where, patch, subresource=subresource)
        result = self._wrote(kind, patched)
        if (kind, name) == (kinds.of(self.object), self.key.name):
            self.object = result
        return result

    async def refresh(self, kind: Kind, name: str) -> Object | None:
        """Read an object in this namespace anew, so that this and later passes see it."""
        found = await self.cluster.get(kind, name, self._namespace_for(kind))
        return None if found is None else self._wrote(kind, found)

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        uid: str | None = None,
        propagation: cluster.Propagation = "Background",
        grace_seconds: int | None = None,
    ) -> None:
        """Delete an object in this namespace; that there is none is fine.

        Raises:
            errors.Conflict: `uid` is given, and another object has the name now.
        """
        key = Key(self._namespace_for(kind), name)
        present = self._present(kind, key)
        left = await self.cluster.delete(
            kind,
            name,
            key.namespace,
            uid=uid,
            propagation=propagation,
            grace_seconds=grace_seconds,
        )
        if left is not None:
            self._wrote(kind, left)
        elif present is not None and uid in (None, objects.uid_of(present)):
            self.cache.store(kind).removed(key, objects.uid_of(present))
        self._memory.forget(kind, key)

    async def look(
        self, what: str, content: str, look: looks.Look, every: timedelta
    ) -> outcome.Outcome:
        """Look at something outside; what was found right is looked at again beside the passes.

        Args:
            what: names it among what this object has outside.
            content: what it should be; another content is looked at at once.
            look: looks, and does what is missing; it uses nothing of this pass but what it reads.
            every: how often it is looked at.
        """
        return await self._memory.outside.at(self.key, what, content, look, every)

    def distrust(self, what: str) -> None:
        """Let the next pass look for itself at something that was found right."""
        self._memory.outside.forget(self.key, what)

    async def add_finalizer(self, name: str | None = None) -> None:
        """Keep the object from vanishing before `remove_finalizer`; no request where it has it."""
        wanted = name or self.finalizer
        present: list[str] = objects.entries(self.object, "metadata", "finalizers")
        if wanted not in present and not self.deleting:
            await self._finalizers([*present, wanted])

    async def remove_finalizer(self, name: str | None = None) -> None:
        """Let the object vanish; no request where it does not have the finalizer."""
        unwanted = name or self.finalizer
        present: list[str] = objects.entries(self.object, "metadata", "finalizers")
        if unwanted in present:
            await self._finalizers([one for one in present if one != unwanted])

    async def event(
        self,
        type: str,  # noqa: A002 - the field's own name
        reason: str,
        message: str,
        about: Object | None = None,
    ) -> None:
        """Tell the reader of `kubectl describe` what happened; the same again is only counted.

        Args:
            type: `Normal` or `Warning`.
            reason: one word in CamelCase.
            message: a sentence; no secrets.
            about: the object it happened to; the pass's own by default.
        """
        news = events.News(type, reason, message)
        await self._memory.news.tell(about or self.object, news, self._manager)

    async def _finalizers(self, wanted: list[str]) -> None:
        metadata = self.object["metadata"]
        patch = {"resourceVersion": metadata["resourceVersion"], "finalizers": wanted}
        await self.patch(kinds.of(self.object), self.key.name, {"metadata": patch})

    def _namespace_for(self, kind: Kind) -> str:
        return self.key.namespace if kind.namespaced else ""

    def _placed(self, obj: Object, *, owned: bool) -> Object:
        metadata: Object = dict(obj["metadata"])
        if kinds.of(obj).namespaced and not metadata.get("namespace"):
            metadata["namespace"] = self.key.namespace
        if owned:
            others = objects.entries(obj, "metadata", "ownerReferences")
            metadata["ownerReferences"] = [*others, objects.owner_reference(self.object)]
        return pod.with_images({**obj, "metadata": metadata}, self.seams.image)

    def _present(self, kind: Kind, key: Key) -> Object | None:
        return self.cache.store(kind).get(key) if self.cache.holds(kind) else None

    def _wrote(self, kind: Kind, obj: Object) -> Object:
        return self.cache.store(kind).wrote(obj) if self.cache.holds(kind) else obj


def _applied(wanted: Object, made: Object) -> bytes:
    return objects.digest([wanted, fingerprint(made)])


def fingerprint(obj: Object) -> bytes:
    """Return what changes when anything but the status does, from whatever hand."""
    metadata: Object = obj["metadata"]
    kept = {
        name: value
        for name, value in metadata.items()
        if name not in {"resourceVersion", "managedFields", "generation"}
    }
    content = {name: value for name, value in obj.items() if name not in {"metadata", "status"}}
    return objects.digest([kept, content])
