"""Putting an applied object into the live one, and cutting fields out; for server-side apply."""

from typing import Any, cast

from ouranos.engine.apiserver.merge import sets, typed
from ouranos.engine.apiserver.merge.sets import Set
from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema.node import MISSING, Node
from ouranos.engine.apiserver.schema.walk import copied


def merge(live: Any, applied: Any, node: Node) -> Any:
    """Return the live value with what is applied on top; nothing is removed."""
    if applied is MISSING:
        return copied(live)
    way = typed.how(applied, node)
    if live is MISSING or live is None or way == typed.LEAF or typed.how(live, node) != way:
        return copied(applied)
    if not applied:
        return copied(live or applied)
    return _Lists(live, applied, node).merged if way == typed.LIST else _maps(live, applied, node)


def _maps(live: dict[str, Any], applied: dict[str, Any], node: Node) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for key, value in live.items():
        child = node.child(key) or nodes.ANYTHING
        merged[key] = merge(value, applied.get(key, MISSING), child)
    for key, value in applied.items():
        if key not in live:
            merged[key] = copied(value)
    return merged


class _Lists:
    """Two lists by key becoming one: shared items in the applied order, others where they stood."""

    def __init__(self, live: list[Any], applied: list[Any], node: Node) -> None:
        self._node = node.element
        self._left, self._ours = typed.indexed(live, node)
        self._right, self._theirs = typed.indexed(applied, node)
        self._left.reverse()
        self._right.reverse()
        self._shared = [element for element in self._right if element in self._ours]
        self._done: set[str] = set()
        self.merged: list[Any] = []
        while self._left or self._right:
            self._step()

    def _step(self) -> None:
        """Take the next item of either list; both are kept reversed, so the next is the last."""
        if self._left and self._right:
            element = self._left[-1]
            if element == self._right[-1]:
                self._left.pop()
                self._take_applied()
                return
            if element in self._theirs and self._shared and self._shared[-1] != element:
                self._left.pop()
                return
        if self._left:
            element = self._left[-1]
            if element not in self._theirs:
                self._left.pop()
                self.merged.append(copied(self._ours[element].pop(0)))
                return
            if element in self._done:
                self._left.pop()
        if self._right:
            self._take_applied()

    def _take_applied(self) -> None:
        element = self._right.pop()
        known = self._ours.get(element, [])
        previous = known[0] if len(known) == 1 else MISSING
        self.merged.append(merge(previous, self._theirs[element][0], self._node))
        self._done.add(element)
        if self._shared and self._shared[-1] == element:
            self._shared.pop()


def without(value: Any, cut: Set, node: Node) -> Any:
    """Return a value without the members of a set; None where nothing is left of it.

    That a list or map leaves null behind and not nothing is what Kubernetes does; the null goes
    with the defaults.
    """
    if type(value) not in {dict, list}:
        return value
    if typed.how(value, node) == typed.LEAF:
        return None
    if type(value) is dict:
        kept: dict[str, Any] = {}
        for key, item in cast("dict[str, Any]", value).items():
            left = _left(item, cut.get(f"f:{key}"), node.child(key) or nodes.ANYTHING)
            if left is not MISSING:
                kept[key] = left
        return kept or None
    items = [
        _left(item, cut.get(typed.element_or_none(item, node) or ""), node.element)
        for item in cast("list[Any]", value)
    ]
    return [item for item in items if item is not MISSING] or None


def _left(item: Any, element: Set | None, node: Node) -> Any:
    if element is None:
        return item
    return MISSING if sets.is_member(element) else without(item, element, node)
