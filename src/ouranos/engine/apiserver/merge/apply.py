"""Server-side apply: what a manager states becomes so; what it no longer states may go.

The rules are those of sigs.k8s.io/structured-merge-diff and of apimachinery's field managers.
"""

from dataclasses import replace
from typing import Any, cast

from ouranos.engine.apiserver.merge import conflicts, managed, sets, typed, values
from ouranos.engine.apiserver.merge.managed import Entry, Identity, Managers
from ouranos.engine.apiserver.merge.sets import Set
from ouranos.engine.apiserver.schema.structural import Structural

Object = dict[str, Any]

BEFORE_FIRST_APPLY = "before-first-apply"

_SERVERS_OWN = (
    "creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid",
)  # fmt: skip


def apply(  # noqa: PLR0913 - what a request of this kind consists of
    live: Object | None,
    applied: Object,
    schema: Structural,
    *,
    manager: str,
    force: bool,
    subresource: str,
    api_version: str,
    time: str,
) -> Object:
    """Apply a configuration to the live object.

    Args:
        live: The stored object, None when there is none yet; not changed.
        applied: What the manager wants; fields that it does not state are none of its business.
        schema: The schema of the kind.
        manager: Who applies.
        force: Whether to take fields from other managers instead of failing.
        subresource: Through which door; empty for the main one.
        api_version: The version that the manager speaks.
        time: The time of the request, RFC 3339.

    Returns:
        `live` itself if nothing changes, else a new object with `metadata.managedFields`; defaults
        and validation are still to come.

    Raises:
        conflicts.Conflicts: fields would change that others own, and `force` is false.
        typed.Untypable: the configuration does not fit the schema.
    """
    stated = _statement(applied, schema, subresource, new=live is None)
    found = typed.problems(stated, schema.root)
    if found:
        raise typed.Untypable(found)
    before = {} if live is None else managed.without_managed_fields(live)
    managers = managed.live_managers(live)
    if live is not None and not managers:
        managers = _first_managers(before, schema, subresource, api_version)
    key = managed.identity(manager, managed.APPLY, api_version, subresource)
    last = managers.get(key)
    wanted = managed.owned(typed.field_set(stated, schema.root), schema, subresource)
    now = Entry(key, api_version, time, wanted)
    after = cast("Object", values.merge(before, stated, schema.root))
    after = _pruned(after, last, {**managers, key: now}, schema)
    changes = managed.owned_changes(before, after, schema, subresource)
    kept, lost = managed.changed_by({**managers, key: now}, changes, but=key)
    if lost and not force:
        raise conflicts.Conflicts(_causes(managers, lost))
    fields = sets.ordered(managed.stripped(wanted))
    kept.pop(key, None)
    if fields:
        kept[key] = replace(now, fields=fields)
    changed = any(changes) or after != before
    return _result(live, after, kept, last, changed=changed)


def _result(
    live: Object | None, after: Object, kept: Managers, last: Entry | None, *, changed: bool
) -> Object:
    if live is None:
        return managed.with_managed_fields(after, kept)
    if not changed:
        if last is not None and last.identity in kept:
            entry = kept[last.identity]
            if entry.fields == last.fields and entry.api_version == last.api_version:
                kept[last.identity] = last
        if kept == managed.live_managers(live):
            return live
    return managed.with_managed_fields(after, kept)


def _statement(applied: Object, schema: Structural, subresource: str, *, new: bool) -> Object:
    """Return what a configuration can state through this door, without the server's own fields."""
    stated = dict(applied)
    metadata = applied.get("metadata")
    if type(metadata) is dict:
        own = cast("Object", metadata)
        stated["metadata"] = {key: own[key] for key in own if key not in _SERVERS_OWN}
    if subresource == "status" and not new:
        for key in applied.keys() - {"apiVersion", "kind", "metadata", "status"}:
            del stated[key]
        if not schema.built_in:
            named = cast("Object", stated.get("metadata") or {})
            stated["metadata"] = {key: named[key] for key in ("name", "namespace") if key in named}
    elif subresource == "" and schema.has_status:
        stated.pop("status", None)
    return stated


def _first_managers(
    before: Object, schema: Structural, subresource: str, api_version: str
) -> Managers:
    """Give the fields of an object whose books were never kept to a manager of their own."""
    changes = managed.owned_changes({}, before, schema, subresource)
    fields = managed.stripped(changes.added)
    key = managed.identity(BEFORE_FIRST_APPLY, managed.UPDATE, api_version, subresource)
    return {key: Entry(key, api_version, "", sets.ordered(fields))} if fields else {}


def _pruned(merged: Object, last: Entry | None, managers: Managers, schema: Structural) -> Object:
    """Remove what the manager stated last time, states no more, and nobody else owns."""
    if last is None or not sets.difference(last.fields, managers[last.identity].fields):
        return merged
    root = schema.root
    previous = sets.with_structs(last.fields, root)
    claimed: Set = {}
    for entry in managers.values():
        claimed = sets.union(claimed, entry.fields)
    claimed = sets.with_structs(claimed, root)
    if not sets.difference(previous, claimed):
        return merged
    every = sets.with_structs(typed.field_set(merged, root), root)
    cut = _cut(merged, previous, schema)
    left = sets.with_structs(typed.field_set(cut, root), root)
    cut = _cut(merged, sets.difference(every, sets.union(left, claimed)), schema)
    left = sets.with_structs(typed.field_set(cut, root), root)
    return _cut(merged, sets.intersection(sets.difference(every, left), previous), schema)


def _cut(merged: Object, fields: Set, schema: Structural) -> Object:
    return cast("Object", values.without(merged, fields, schema.root) or {})


def _causes(managers: Managers, lost: dict[Identity, Set]) -> list[conflicts.Cause]:
    return [
        conflicts.Cause(path, managers[key].described())
        for key in sorted(lost)
        for path, _ in sets.paths(lost[key])
    ]
