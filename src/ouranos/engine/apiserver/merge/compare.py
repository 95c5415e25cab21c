"""What did a write remove, modify and add? The question behind every change of ownership."""

from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import msgspec

from ouranos.engine.apiserver.merge import sets, typed
from ouranos.engine.apiserver.merge.sets import Set
from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema.node import MISSING, Node


class Comparison(NamedTuple):
    """What a new object removes, modifies and adds; no field is in two of the sets."""

    removed: Set
    modified: Set
    added: Set


class _Change(NamedTuple):
    """The same about one value, as elements; None where there is nothing."""

    removed: Set | None = None
    modified: Set | None = None
    added: Set | None = None


_SAME = _Change()
_REMOVED = _Change(removed=sets.SELF)
_MODIFIED = _Change(modified=sets.SELF)
_ADDED = _Change(added=sets.SELF)


def compare(old: dict[str, Any], new: dict[str, Any], node: Node) -> Comparison:
    """Compare two objects of one kind."""
    change = _of_maps(old, new, node, always=True)
    return Comparison(change.removed or {}, change.modified or {}, change.added or {})


def _of_values(old: Any, new: Any, node: Node, *, always: bool = False) -> _Change:
    if old is new or (old == new and type(old) is type(new) and not _may_hide(old, node)):
        return _SAME
    way = typed.how(new if new is not MISSING else old, node)
    if old is not MISSING and new is not MISSING and typed.how(old, node) != way:
        return _of_strangers(old, new, node)
    if way == typed.LEAF or (not _filled(old) and not _filled(new)):
        return _of_leaves(old, new)
    both = always or (old is not MISSING and new is not MISSING)
    if way == typed.MAP:
        change = _of_maps(old, new, node, always=both)
    else:
        change = _of_lists(old, new, node)
    if old is MISSING:
        return change._replace(added=_with_self(change.added))
    if new is MISSING:
        return change._replace(removed=_with_self(change.removed))
    return change


def _of_leaves(old: Any, new: Any) -> _Change:
    if old is MISSING:
        return _ADDED
    if new is MISSING:
        return _REMOVED
    return _SAME if _written(old) == _written(new) else _MODIFIED


def _written(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _filled(value: Any) -> bool:
    return value is not MISSING and value is not None and bool(value)


def _may_hide(value: Any, node: Node) -> bool:
    """Whether equality of free-form containers could hide that 1 became true."""
    return node.loose and type(value) in {dict, list}


def _with_self(element: Set | None) -> Set:
    return sets.joined(member=True, below=sets.below(element or {})) or sets.SELF


def _of_strangers(old: Any, new: Any, node: Node) -> _Change:
    """Compare values of different shapes, which only free-form fields can hold."""
    gone = _of_maps(old, MISSING, node).removed if type(old) is dict else None
    come = _of_maps(MISSING, new, node).added if type(new) is dict else None
    return _Change(gone, sets.SELF, come)


def _gather(parts: Iterable[tuple[str, _Change]]) -> _Change:
    removed: Set = {}
    modified: Set = {}
    added: Set = {}
    for element, change in parts:
        if change.removed is not None:
            removed[element] = change.removed
        if change.modified is not None:
            modified[element] = change.modified
        if change.added is not None:
            added[element] = change.added
    return _Change(removed or None, modified or None, added or None)


def _of_maps(old: Any, new: Any, node: Node, *, always: bool = False) -> _Change:
    """Compare two maps; `always` says that both sides have this one, whatever is written."""
    before = cast("dict[str, Any]", old if type(old) is dict else {})
    after = cast("dict[str, Any]", new if type(new) is dict else {})
    parts: list[tuple[str, _Change]] = []
    for key, value in after.items():
        previous = before.get(key, MISSING)
        if previous is value:
            continue
        there = always and key in node.always
        child = node.child(key) or nodes.ANYTHING
        change = _of_values(previous, value, child, always=there)
        if change is not _SAME:
            parts.append((f"f:{key}", _unforced(change) if there else change))
    for key, previous in before.items():
        if key not in after:
            there = always and key in node.always
            child = node.child(key) or nodes.ANYTHING
            change = _of_values(previous, MISSING, child, always=there)
            parts.append((f"f:{key}", _unforced(change) if there else change))
    return _gather(parts)


def _unforced(change: _Change) -> _Change:
    """Drop what nobody wrote: Kubernetes' own types always have some of their structs."""
    return _Change(
        sets.below(change.removed) or None if change.removed is not None else None,
        change.modified,
        sets.below(change.added) or None if change.added is not None else None,
    )


def _of_lists(old: Any, new: Any, node: Node) -> _Change:
    _, before = typed.indexed(cast("list[Any]", old) if type(old) is list else [], node)
    _, after = typed.indexed(cast("list[Any]", new) if type(new) is list else [], node)
    parts = [
        (element, _of_items(before.get(element, []), after.get(element, []), node.element))
        for element in {**before, **after}
    ]
    return _gather((element, change) for element, change in parts if change is not _SAME)


def _of_items(old: list[Any], new: list[Any], node: Node) -> _Change:
    """Compare the items of one key: usually one each; doubles are owned as a whole."""
    if len(old) <= 1 and len(new) <= 1:
        return _of_values(old[0] if old else MISSING, new[0] if new else MISSING, node)
    if len(old) > 1 and len(new) > 1:
        return _SAME if old == new else _MODIFIED
    if len(old) > 1:
        come = _of_values(MISSING, new[0], node).added if new else None
        return _Change(sets.SELF, None, come)
    gone = _of_values(old[0], MISSING, node).removed if old else None
    return _Change(gone, None, sets.SELF)
