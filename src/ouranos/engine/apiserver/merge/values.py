"""Putting an applied object into the live one, and cutting fields out of it; asked by server-side apply."""

from collections import deque
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
    if live is MISSING or live is None:
        return copied(applied)
    way = typed.how(applied, node)
    if way == typed.LEAF or typed.how(live, node) != way:
        return copied(applied)
    if not applied:
        return copied(live) if live else copied(applied)
    if way == typed.LIST:
        return _lists(live, applied, node)
    merged: dict[str, Any] = {}
    for key, value in live.items():
        child = node.child(key) or nodes.ANYTHING
        merged[key] = merge(value, applied.get(key, MISSING), child)
    for key, value in applied.items():
        if key not in live:
            merged[key] = copied(value)
    return merged


def _lists(live: list[Any], applied: list[Any], node: Node) -> list[Any]:
    """Merge lists by key: shared items in the applied order, others where they stood."""
    live_order, ours = typed.indexed(live, node)
    applied_order, theirs = typed.indexed(applied, node)
    taken = dict.fromkeys(live_order, 0)
    shared = deque(element for element in applied_order if element in ours)
    merged: list[Any] = []
    done: set[str] = set()

    def take_applied(element: str) -> None:
        base = ours.get(element, [])
        previous = base[0] if len(base) == 1 else MISSING
        merged.append(merge(previous, theirs[element][0], node.element))
        done.add(element)

    left = right = 0
    while left < len(live_order) or right < len(applied_order):
        if left < len(live_order) and right < len(applied_order):
            element = live_order[left]
            if element == applied_order[right]:
                take_applied(element)
                left += 1
                right += 1
                if shared:
                    shared.popleft()
                continue
            if element in theirs and shared and shared[0] != element:
                left += 1
                continue
        if left < len(live_order):
            element = live_order[left]
            if element not in theirs:
                merged.append(copied(ours[element][taken[element]]))
                taken[element] += 1
                left += 1
                continue
            if element in done:
                left += 1
        if right < len(applied_order):
            element = applied_order[right]
            take_applied(element)
            right += 1
            if shared and shared[0] == element:
                shared.popleft()
    return merged


def without(value: Any, cut: Set, node: Node) -> Any:
    """Return a value without the members of a set; None where nothing is left of it.

    That a list or map leaves null behind and not nothing is what Kubernetes does; the null goes
    with the defaults.
    """
    whole = typed.how(value, node) == typed.LEAF
    if type(value) is dict:
        if whole:
            return None
        kept: dict[str, Any] = {}
        for key, item in cast("dict[str, Any]", value).items():
            element = cut.get(f"f:{key}")
            if element is None:
                kept[key] = item
            elif not sets.is_member(element):
                kept[key] = without(item, element, node.child(key) or nodes.ANYTHING)
        return kept or None
    if type(value) is list:
        if whole:
            return None
        items: list[Any] = []
        for item in cast("list[Any]", value):
            element = cut.get(typed.element_or_none(item, node) or "")
            if element is None:
                items.append(item)
            elif not sets.is_member(element):
                items.append(without(item, element, node.element))
        return items or None
    return value
