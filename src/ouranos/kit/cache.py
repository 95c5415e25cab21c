"""What does this process know of the cluster? What comes out of a cache must not be mutated."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, cast

from ouranos.kit import objects
from ouranos.kit.objects import Key, Kind, Object, Objects

_WORD: Final = 128
"""Strings up to this length are often said again, in the next object of the kind."""

Listener = Callable[[Kind, Object | None, Object | None], None]
"""Told of each event: the kind, the object before (None: new) and after (None: deleted)."""


class Store:
    """All objects of one kind, as last heard, and what this process wrote since.

    A write's answer goes in at once (`wrote`), so a pass sees what an earlier one did, although
    the watch has not reported it yet. Events that are older than that are ignored.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind: Final = kind
        self.is_served = True
        self._objects: dict[str, dict[str, Object]] = {}
        self._owned: dict[str | None, set[Key]] = {}
        self._unreported: dict[Key, Object | None] = {}
        self._removed: set[str] = set()
        self._position = 0

    def get(self, key: Key) -> Object | None:
        """Return the object of that key."""
        return self._objects.get(key.namespace, {}).get(key.name)

    @property
    def count(self) -> int:
        """How many objects there are."""
        return sum(map(len, self._objects.values()))

    def each(self, namespace: str = "") -> Iterator[Object]:
        """Yield the objects of one namespace, or of all, as they were when it was asked."""
        if namespace or not self.kind.namespaced:
            yield from tuple(self._objects.get(namespace, {}).values())
            return
        for held in tuple(self._objects.values()):
            yield from tuple(held.values())

    def owned(self, uid: str | None) -> Iterator[Object]:
        """Yield the objects whose controlling owner has that uid; None: those that have none."""
        for key in self._owned.get(uid, ()):
            yield self._objects[key.namespace][key.name]

    def heard(self, obj: Object) -> tuple[Object | None, Object | None]:
        """Take in an object that a watch or a list reported; return what was before and is now."""
        key = objects.key_of(obj)
        present = self.get(key)
        self.reached(objects.version_of(obj))
        stale = present is not None and objects.version_of(present) > objects.version_of(obj)
        if stale or objects.uid_of(obj) in self._removed:
            return self._unreported.get(key, present), present
        before = self._unreported.pop(key, present)
        return before, self._put(key, obj)

    def heard_deletion(self, obj: Object) -> tuple[Object | None, Object | None]:
        """Take in a deletion that a watch reported; return what was before and is now."""
        key = objects.key_of(obj)
        uid = objects.uid_of(obj)
        self.reached(objects.version_of(obj))
        self._removed.discard(uid)
        present = self.get(key)
        before = self._unreported.pop(key, present) or obj
        if present is not None and objects.uid_of(present) != uid:
            return before, present
        self._drop(key)
        return before, None

    def heard_all(
        self, listed: list[Object], version: int
    ) -> list[tuple[Object | None, Object | None]]:
        """Take in a whole list; return what changed, deletions in a gap included."""
        changes: list[tuple[Object | None, Object | None]] = []
        self._removed.clear()
        seen: set[Key] = set()
        for obj in listed:
            seen.add(objects.key_of(obj))
            before, after = self.heard(obj)
            if before is None or after is None or _differ(before, after):
                changes.append((before, after))
        for obj in list(self.each()):
            key = objects.key_of(obj)
            if key not in seen and objects.version_of(obj) <= version:
                changes.append((self._unreported.pop(key, None) or obj, None))
                self._drop(key)
        self.reached(version)
        return changes

    def unserved(self) -> list[tuple[Object | None, Object | None]]:
        """Take in that the server does not know the kind; return what changed by it."""
        self.is_served = False
        newest = max((objects.version_of(obj) for obj in self.each()), default=0)
        return self.heard_all([], newest)

    def reached(self, version: int) -> None:
        """Take in that the watch has reported everything up to a version."""
        self._position = max(self._position, version)

    def wrote(self, obj: Object) -> Object:
        """Take in the answer to a write of this process; return what is now held."""
        key = objects.key_of(obj)
        present = self.get(key)
        version = objects.version_of(obj)
        if present is not None and objects.version_of(present) >= version:
            return present
        if version <= self._position:
            # The watch is past this version and the object is not here: it was deleted since.
            return obj
        self._unreported.setdefault(key, present)
        return self._put(key, obj)

    def removed(self, key: Key, uid: str) -> None:
        """Take in that a deletion by this process left nothing of the object."""
        present = self.get(key)
        if present is not None and objects.uid_of(present) == uid:
            self._removed.add(uid)
            self._unreported.setdefault(key, present)
            self._drop(key)

    def _put(self, key: Key, obj: Object) -> Object:
        held = cast("Object", _shared(without_managers(obj)))
        before = self.get(key)
        # Replaced in one step: the node's threads read too.
        self._objects.setdefault(key.namespace, {})[key.name] = held
        self._disown(key, before)
        self._owned.setdefault(objects.controller_uid(held), set()).add(key)
        return held

    def _drop(self, key: Key) -> None:
        held = self._objects.get(key.namespace)
        obj = None if held is None else held.pop(key.name, None)
        if held is not None and not held:
            del self._objects[key.namespace]
        self._disown(key, obj)

    def _disown(self, key: Key, obj: Object | None) -> None:
        if obj is None:
            return
        owner = objects.controller_uid(obj)
        self._owned[owner].discard(key)
        if not self._owned[owner]:
            del self._owned[owner]


def without_managers(obj: Object) -> Object:
    """Take from an object, in place, who owns its fields: half of it, and nobody's business."""
    obj["metadata"].pop("managedFields", None)
    return obj


def _shared(value: Any) -> Any:
    """Copy a JSON value so that equal words are one in memory; a third less of it is needed."""
    if isinstance(value, dict):
        return {name: _shared(part) for name, part in cast("Object", value).items()}
    if isinstance(value, list):
        return [_shared(part) for part in cast("list[Any]", value)]
    if isinstance(value, str) and len(value) <= _WORD:
        return sys.intern(value)
    return value


def _differ(before: Object, after: Object) -> bool:
    return objects.version_of(before) != objects.version_of(after)


class Cache:
    """What the reflectors hold of every kind that a controller named."""

    def __init__(self) -> None:
        self._stores: dict[Kind, Store] = {}

    def store(self, kind: Kind) -> Store:
        """Return the store of a kind, made at the first call."""
        store = self._stores.get(kind)
        if store is None:
            store = self._stores[kind] = Store(kind)
        return store

    def holds(self, kind: Kind) -> bool:
        """Whether objects of the kind are reflected at all."""
        return kind in self._stores

    def serves(self, kind: Kind) -> bool:
        """Whether the server knows a kind that is optional; else there are no objects of it.

        Raises:
            LookupError: no controller has named the kind in `owns`, `watches` or `reads`.
        """
        return self._of(kind).is_served

    def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        """Return an object, or None where there is none.

        Raises:
            LookupError: no controller has named the kind in `owns`, `watches` or `reads`.
        """
        return self._of(kind).get(Key(namespace, name))

    def list(
        self, kind: Kind, namespace: str = "", *, labels: Mapping[str, str] | None = None
    ) -> Objects:
        """Return the objects of a kind, in one namespace or all, that have every label, by name.

        Raises:
            LookupError: no controller has named the kind.
        """
        held = self._of(kind).each(namespace)
        found = (
            obj for obj in held if not labels or objects.matches(objects.labels_of(obj), labels)
        )
        return sorted(found, key=objects.key_of)

    def owned(self, kind: Kind, owner: Object) -> Objects:
        """Return the objects of a kind whose controlling owner is `owner`, by name.

        Raises:
            LookupError: no controller has named the kind.
        """
        return sorted(self._of(kind).owned(objects.uid_of(owner)), key=objects.key_of)

    def orphans(self, kind: Kind, namespace: str = "") -> Objects:
        """Return the objects of a kind that nobody controls, in one namespace or all, by name.

        Raises:
            LookupError: no controller has named the kind.
        """
        held = self._of(kind).owned(None)
        found = (obj for obj in held if namespace in ("", objects.namespace_of(obj)))
        return sorted(found, key=objects.key_of)

    def _of(self, kind: Kind) -> Store:
        try:
            return self._stores[kind]
        except KeyError:
            raise LookupError(f"{kind.qualified} is not reflected: name it in `reads`") from None
