"""Who owns which fields of an object? Reads, keeps and writes `metadata.managedFields`.

An entry is known by manager, operation and subresource, for updates also by API version: one
manager that updates and applies has two entries.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from ouranos.engine.apiserver.merge import compare, sets
from ouranos.engine.apiserver.merge.sets import Set
from ouranos.engine.apiserver.schema.structural import Structural

Object = dict[str, Any]

APPLY = "Apply"
UPDATE = "Update"
MAXIMUM_UPDATERS = 10
ANCIENT = "ancient-changes"

_NEVER_OWNED: Set = {
    "f:apiVersion": sets.SELF,
    "f:kind": sets.SELF,
    "f:metadata": {
        ".": sets.SELF,
        **{
            f"f:{name}": sets.SELF
            for name in (
                "name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName",
                "generation", "managedFields", "resourceVersion",
            )
        },
    },
}  # fmt: skip


class Identity(NamedTuple):
    """What tells one manager's entry from another's."""

    manager: str
    operation: str
    api_version: str
    subresource: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The fields that one manager owns; `time` is empty where Kubernetes leaves it out."""

    identity: Identity
    api_version: str
    time: str
    fields: Set

    def described(self) -> str:
        """Name the manager as conflicts do."""
        text = json.dumps(self.identity.manager, ensure_ascii=False)
        if self.identity.subresource:
            text += f" with subresource {json.dumps(self.identity.subresource)}"
        if self.identity.operation == UPDATE:
            text += f" using {self.api_version}"
        return text


Managers = dict[Identity, Entry]


def identity(manager: str, operation: str, api_version: str, subresource: str) -> Identity:
    """Make the identity of a writer; an applier is the same in every version."""
    version = "" if operation == APPLY else api_version
    return Identity(manager or "unknown", operation, version, subresource)


def decode(entries: Iterable[Mapping[str, Any]] | None) -> Managers | None:
    """Read `managedFields`; None where an entry makes no sense, and all are to be ignored."""
    managers: Managers = {}
    for one in entries or ():
        version = str(one.get("apiVersion") or "")
        known = one.get("operation") in {APPLY, UPDATE} and one.get("fieldsType") == "FieldsV1"
        if not known or not version:
            return None
        key = identity(
            str(one.get("manager") or ""), one["operation"], version, one.get("subresource") or ""
        )
        fields = cast("Set", one.get("fieldsV1") or {})
        managers[key] = Entry(key, version, str(one.get("time") or ""), fields)
    return managers


def encode(managers: Managers) -> list[Object]:
    """Write `managedFields` in the order that Kubernetes keeps."""
    return [_encoded(entry) for entry in sorted(managers.values(), key=_order)]


def _order(entry: Entry) -> tuple[str, str, str, str, str]:
    known = entry.identity
    return (known.operation, entry.time, known.manager, entry.api_version, known.subresource)


def _encoded(entry: Entry) -> Object:
    encoded: Object = {
        "manager": entry.identity.manager,
        "operation": entry.identity.operation,
        "apiVersion": entry.api_version,
    }
    if entry.time:
        encoded["time"] = entry.time
    encoded["fieldsType"] = "FieldsV1"
    encoded["fieldsV1"] = entry.fields
    if entry.identity.subresource:
        encoded["subresource"] = entry.identity.subresource
    return encoded


def owned(fields: Set, schema: Structural, subresource: str) -> Set:
    """Leave out the fields that a door resets: `status` at the main one, `spec` at `/status`."""
    if subresource == "status":
        hidden = {"f:spec"} if schema.built_in else fields.keys() - {"f:status"}
    elif subresource == "" and schema.has_status:
        hidden = {"f:status"}
    else:
        return fields
    return {key: value for key, value in fields.items() if key not in hidden}


def stripped(fields: Set) -> Set:
    """Leave out what nobody can own: identity and the server's own metadata."""
    return sets.difference(fields, _NEVER_OWNED)


def without_managed_fields(obj: Object) -> Object:
    """Return the object, the same but for its `metadata.managedFields`."""
    metadata = cast("Object", obj.get("metadata") or {})
    if "managedFields" not in metadata:
        return obj
    kept = {key: value for key, value in metadata.items() if key != "managedFields"}
    return {**obj, "metadata": kept}


def with_managed_fields(obj: Object, managers: Managers) -> Object:
    """Return the object with `metadata.managedFields` replaced."""
    metadata = {**cast("Object", obj.get("metadata") or {})}
    metadata.pop("managedFields", None)
    if managers:
        metadata["managedFields"] = encode(managers)
    return {**obj, "metadata": metadata}


def live_managers(live: Object | None) -> Managers:
    """Read the managers of a stored object; none where they cannot be read."""
    if live is None:
        return {}
    return decode(live.get("metadata", {}).get("managedFields")) or {}


def changed_by(
    managers: Managers, changes: compare.Comparison, *, but: Identity | None
) -> tuple[Managers, dict[Identity, Set]]:
    """Take from every other manager what a write removes or changes.

    Returns:
        The managers that still own something, and per manager what it lost by a changed value.
    """
    touched = sets.union(changes.modified, changes.added)
    kept: Managers = {}
    lost: dict[Identity, Set] = {}
    for key, entry in managers.items():
        if key == but:
            kept[key] = entry
            continue
        taken = sets.intersection(entry.fields, touched)
        if taken:
            lost[key] = taken
        fields = sets.difference(sets.difference(entry.fields, taken), changes.removed)
        if fields:
            kept[key] = entry if fields == entry.fields else replace(entry, fields=fields)
    return kept, lost


def _requested(live: Object | None, new: Object, subresource: str) -> Managers:
    """Read the managers that an update starts from: those it states, else the live ones."""
    if subresource:
        return live_managers(live)
    stated = new.get("metadata", {}).get("managedFields")
    if stated is not None and (not stated or stated == [{}]):
        return {}
    return decode(stated) or live_managers(live)


def with_books_of(obj: Object, noted: Object) -> Object:
    """Return an object with the `metadata.managedFields` of another."""
    metadata = {**obj["metadata"]}
    metadata.pop("managedFields", None)
    if "managedFields" in noted["metadata"]:
        metadata["managedFields"] = noted["metadata"]["managedFields"]
    return {**obj, "metadata": metadata}


def update(  # noqa: PLR0913 - what a write consists of
    live: Object | None,
    new: Object,
    schema: Structural,
    *,
    manager: str,
    subresource: str,
    api_version: str,
    time: str,
) -> Object:
    """Keep the books of a create, update or patch.

    Args:
        live: The stored object; None for a create.
        new: The object that shall be stored, defaults and all; not changed.
        schema: The schema of the kind.
        manager: Who writes.
        subresource: Through which door; empty for the main one.
        api_version: The version that the writer speaks.
        time: The time of the write, RFC 3339.

    Returns:
        The new object with `metadata.managedFields`; none if its books were never kept.
    """
    managers = _requested(live, new, subresource)
    after = without_managed_fields(new)
    if not managers and live is not None and live.get("metadata", {}).get("uid"):
        return after
    before = {} if live is None else without_managed_fields(live)
    changes = _owned_changes(compare.compare(before, after, schema.root), schema, subresource)
    kept, _ = changed_by(managers, changes, but=None)
    gained = stripped(sets.union(changes.modified, changes.added))
    if gained:
        key = identity(manager, UPDATE, api_version, subresource)
        previous = kept.get(key)
        fields = gained if previous is None else sets.union(previous.fields, gained)
        kept[key] = Entry(key, api_version, time, sets.ordered(fields))
    return with_managed_fields(after, _capped(kept))


def _owned_changes(
    changes: compare.Comparison, schema: Structural, subresource: str
) -> compare.Comparison:
    return compare.Comparison(*(owned(fields, schema, subresource) for fields in changes))


def owned_changes(
    before: Object, after: Object, schema: Structural, subresource: str
) -> compare.Comparison:
    """Compare two objects as far as a door lets a writer own anything."""
    return _owned_changes(compare.compare(before, after, schema.root), schema, subresource)


def _capped(managers: Managers) -> Managers:
    """Join the oldest updaters of a version into one entry once there are more than ten."""
    updaters = [entry for entry in managers.values() if entry.identity.operation == UPDATE]
    if len(updaters) <= MAXIMUM_UPDATERS:
        return managers
    updaters.sort(key=lambda entry: (entry.time, entry.identity))
    kept = dict(managers)
    first: dict[str, Identity] = {}
    count = len(updaters)
    for entry in updaters:
        if count <= MAXIMUM_UPDATERS:
            break
        version = entry.api_version
        if version not in first:
            first[version] = entry.identity
            continue
        bucket = identity(ANCIENT, UPDATE, version, "")
        if bucket not in kept:
            kept[bucket] = kept.pop(first[version])
        joined = sets.union(kept[bucket].fields, entry.fields)
        del kept[entry.identity]
        kept[bucket] = Entry(bucket, version, entry.time, sets.ordered(joined))
        count -= 1
    return kept
