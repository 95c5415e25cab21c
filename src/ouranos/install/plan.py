"""What will an installation change in this cluster? Looked at, tried without effect, and told."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from ouranos.install import manifests, order, preflight, rights, trouble
from ouranos.kit import cluster, errors, kinds, objects, passes
from ouranos.kit.objects import Key, Kind, Object

MADE: Final = "ouranos.cloud/made-by"
"""Annotation of a namespace that an installation has made, and that goes with it."""

_SHOWN: Final = 3
_DEEP: Final = 3
_AT_ONCE: Final = 8


class Action(enum.StrEnum):
    """What becomes of one object."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    REMOVE = "remove"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Row:
    """One object, and what becomes of it."""

    action: Action
    kind: Kind
    key: Key
    detail: str = ""
    wanted: Object | None = None
    uid: str = ""

    def told(self) -> dict[str, str]:
        """The row in words, as tables and JSON show it."""
        return {
            "action": self.action.value,
            "kind": self.kind.kind,
            "name": self.key.name,
            "namespace": self.key.namespace,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that will be done, in this order; `warnings` are no reason not to."""

    order: order.Order
    rows: tuple[Row, ...]
    warnings: tuple[trouble.Trouble, ...] = ()

    @property
    def changes(self) -> tuple[Row, ...]:
        """The rows that are not as they should be."""
        idle = (Action.UNCHANGED, Action.KEEP)
        return tuple(row for row in self.rows if row.action not in idle)

    def summary(self) -> str:
        """How many of what, in one line."""
        if not self.changes:
            return "nothing to do: everything is as it should be"
        counts = ((one, sum(row.action == one for row in self.rows)) for one in Action)
        words = [f"{count} to {one.value}" for one, count in counts if count and one in _DOING]
        idle = sum(row.action == Action.UNCHANGED for row in self.rows)
        return ", ".join(words) + (f", {idle} unchanged" if idle else "")


_DOING: Final = (Action.CREATE, Action.CHANGE, Action.REMOVE)


async def made(source: cluster.Cluster, wanted: order.Order, *, force: bool = False) -> Plan:
    """Look at a cluster and plan; nothing is changed.

    Args:
        source: the cluster.
        wanted: what is to be installed.
        force: take over fields that other field managers own.

    Raises:
        trouble.RefusedError: it cannot be installed there; all that is wrong is said.
    """
    await preflight.version(source)
    place = wanted.namespace
    looking = [right for kind in manifests.KINDS for right in rights.to(kind, "get", "list")]
    await rights.check(source, looking)
    troubles = await preflight.others(source, wanted)
    target = await _desired(source, wanted)
    present = await _present(source, target)
    troubles += _in_the_way(present, wanted)
    if troubles:
        raise trouble.RefusedError(dict.fromkeys(troubles))
    old = await _leftovers(source, target, place)
    rows = [_first(obj, found) for obj, found in zip(target, present, strict=True)]
    await rights.check(source, _needed([*rows, *old]))
    rows = await _tried(source, rows, present, force=force)
    return Plan(wanted, (*rows, *old), tuple(await preflight.storage(source)))


async def _desired(source: cluster.Cluster, wanted: order.Order) -> list[Object]:
    """All objects; the namespace with our mark if it is ours to take away again.

    A namespace that somebody else has made stays as it is: what else is there may need rights.
    """
    target = manifests.every(wanted)
    found = await source.get(kinds.NAMESPACE, wanted.namespace)
    if found is not None and MADE not in objects.annotations_of(found):
        return target if order.is_ours(found) else target[1:]
    metadata = target[0]["metadata"]
    marked = {**metadata, "annotations": {**metadata["annotations"], MADE: order.MANAGER}}
    return [{**target[0], "metadata": marked}, *target[1:]]


async def _present(source: cluster.Cluster, target: Sequence[Object]) -> list[Object | None]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def get(obj: Object) -> Object | None:
        async with gate:
            key = objects.key_of(obj)
            return await source.get(kinds.of(obj), key.name, key.namespace)

    return await asyncio.gather(*(get(one) for one in target))


def _in_the_way(present: Iterable[Object | None], wanted: order.Order) -> list[trouble.Trouble]:
    there = [one for one in present if one is not None]
    crds = [one for one in there if kinds.of(one) == kinds.CUSTOM_RESOURCE_DEFINITION]
    rest = [one for one in there if one not in crds and kinds.of(one) != kinds.NAMESPACE]
    return [*preflight.definitions(crds, wanted), *preflight.strangers(rest)]


async def _leftovers(source: cluster.Cluster, target: Sequence[Object], place: str) -> list[Row]:
    """What an installation of another version had, and this one has not."""
    kept = {(kinds.of(one), objects.key_of(one)) for one in target}
    rows: list[Row] = []
    for kind in reversed(manifests.KINDS):
        if kind == kinds.NAMESPACE:
            continue
        for found in await ours(source, kind, place):
            key = objects.key_of(found)
            if (kind, key) not in kept:
                rows.append(await _leftover(source, kind, found))
    return rows


async def ours(source: cluster.Cluster, kind: Kind, place: str) -> list[Object]:
    """All objects of a kind that an installation in a namespace has."""
    labels = ",".join(f"{key}={value}" for key, value in order.OURS.items())
    return (await source.list(kind, place if kind.namespaced else "", labels=labels)).items


async def _leftover(source: cluster.Cluster, kind: Kind, found: Object) -> Row:
    key, uid = objects.key_of(found), objects.uid_of(found)
    if kind == kinds.CUSTOM_RESOURCE_DEFINITION and (count := await held(source, found)):
        return Row(Action.KEEP, kind, key, f"this version has it no more; {count} objects use it")
    return Row(Action.REMOVE, kind, key, "of another version", uid=uid)


async def held(source: cluster.Cluster, definition: Object) -> int:
    """How many objects there are of a kind that a definition brings."""
    return len(await every(source, definition))


async def every(source: cluster.Cluster, definition: Object) -> list[Object]:
    """All objects of a kind that a definition brings."""
    spec = definition["spec"]
    served = [one["name"] for one in spec["versions"] if one["served"]]
    if not served:
        return []
    kind = Kind(
        spec["group"],
        served[0],
        spec["names"]["kind"],
        spec["names"]["plural"],
        namespaced=spec["scope"] == "Namespaced",
    )
    try:
        return (await source.list(kind)).items
    except errors.NotFound:
        return []


def _first(obj: Object, found: Object | None) -> Row:
    action = Action.CREATE if found is None else Action.CHANGE
    return Row(action, kinds.of(obj), objects.key_of(obj), wanted=obj)


def _needed(rows: Iterable[Row]) -> Iterator[rights.Right]:
    verbs = {
        Action.CREATE: ("create", "patch"),
        Action.CHANGE: ("patch",),
        Action.REMOVE: ("delete",),
    }
    for row in rows:
        yield from rights.to(row.kind, *verbs.get(row.action, ()), namespace=row.key.namespace)


async def _tried(
    source: cluster.Cluster, rows: Sequence[Row], present: Sequence[Object | None], *, force: bool
) -> list[Row]:
    """What becomes of each object, found out by applying it without effect.

    Raises:
        trouble.RefusedError: the API server would refuse some of them.
    """
    troubles: list[trouble.Trouble] = []
    is_new = any(row.kind == kinds.NAMESPACE and row.action == Action.CREATE for row in rows)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(row: Row, found: Object | None) -> Row:
        wanted = cast("Object", row.wanted)
        if is_new and row.kind.namespaced:
            return row  # its namespace is not there yet
        async with gate:
            try:
                result = await source.apply(wanted, force=force, dry_run=True)
            except errors.ApiError as error:
                if found is None and isinstance(error, errors.NotFound):
                    return row  # a binding, whose role is not there yet
                troubles.append(_refused(row, error))
                return row
        return row if found is None else _compared(row, found, result)

    tried = await asyncio.gather(
        *(one(row, found) for row, found in zip(rows, present, strict=True))
    )
    if troubles:
        raise trouble.RefusedError(troubles)
    return tried


def _compared(row: Row, found: Object, result: Object) -> Row:
    if passes.fingerprint(found) == passes.fingerprint(result):
        mine = any(
            entry.get("manager") == order.MANAGER
            for entry in objects.entries(found, "metadata", "managedFields")
        )
        if mine:
            return Row(Action.UNCHANGED, row.kind, row.key, wanted=row.wanted)
        return Row(Action.CHANGE, row.kind, row.key, "taken over as it is", row.wanted)
    changed = list(difference(found, result))
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return Row(
        Action.CHANGE, row.kind, row.key, ", ".join(changed[:_SHOWN]) + more, wanted=row.wanted
    )


def difference(before: Any, after: Any, path: str = "", depth: int = _DEEP) -> Iterator[str]:
    """The fields in which two objects differ, as far down as a person wants to know."""
    if before == after:
        return
    if not (isinstance(before, dict) and isinstance(after, dict)) or not depth:
        yield path
        return
    left, right = cast("Object", before), cast("Object", after)
    for name in sorted({*left, *right}):
        if path in {"", "metadata"} and name in _NOT_CONTENT:
            continue
        inner = f"{path}.{name}" if path else name
        yield from difference(left.get(name), right.get(name), inner, depth - 1)


_NOT_CONTENT: Final = {"status", "managedFields", "resourceVersion", "generation"}


def _refused(row: Row, error: errors.ApiError) -> trouble.Trouble:
    what = f"{row.kind.kind} {row.key}"
    if isinstance(error, errors.Conflict):
        causes = objects.entries(error.details, "details", "causes")
        fields = ", ".join(str(one.get("field")).lstrip(".") for one in causes)
        who = ", ".join(dict.fromkeys(str(one.get("message")) for one in causes))
        return trouble.Trouble(
            f"{what}: somebody else has set {fields or 'a field'} ({who or error.message})",
            "say the same, or take the fields over: ouranos install --take-over",
        )
    if "attempting to grant RBAC permissions not currently held" in error.message:
        return trouble.Trouble(
            f"{what}: the credentials may not give rights that they do not have themselves",
            "be cluster-admin, or have the verb escalate on clusterroles",
        )
    return trouble.Trouble(f"{what}: the cluster refuses it: {error.message}")
