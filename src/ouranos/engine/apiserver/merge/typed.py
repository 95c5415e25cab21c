"""How a value is shared: lists by key, maps by field, or whole; and which fields it states.

The rules are those of sigs.k8s.io/structured-merge-diff.
"""

from collections.abc import Sequence
from typing import Any, cast

from ouranos.engine.apiserver.merge import sets
from ouranos.engine.apiserver.merge.sets import Set
from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema.node import MISSING, Node, Shape

LEAF = 0
LIST = 1
MAP = 2


class Untypable(Exception):
    """An applied object that does not fit its schema; `problems` are `<path>: <what>`."""

    def __init__(self, problems: Sequence[str]) -> None:
        text = (
            problems[0]
            if len(problems) == 1
            else "errors:\n" + "\n".join(f"  {problem}" for problem in problems)
        )
        super().__init__(text)
        self.problems = tuple(problems)


def how(value: Any, node: Node) -> int:
    """Decide how a value is walked: as a whole, item by item, or field by field."""
    if node.atomic:
        return LEAF
    kind: type = value.__class__
    if kind is dict:
        return MAP if node.shape in {Shape.MAP, Shape.ANY} else LEAF
    if kind is list:
        return LIST if node.shape is Shape.LIST else LEAF
    if value is None or value is MISSING:
        return MAP if node.shape is Shape.MAP else LIST if node.shape is Shape.LIST else LEAF
    return LEAF


def element_of(item: Any, node: Node) -> str:
    """Write the path element of an item of a list that is merged item by item.

    Raises:
        ValueError: the item has no key, or is nothing that a set may hold.
    """
    if not node.keys:
        if type(item) is dict or type(item) is list or item is None:
            raise ValueError("associative list without keys has an element that's a map type")
        return sets.value_element(item)
    if type(item) is not dict:
        raise ValueError("associative list with keys may not have non-map elements")
    entry = cast("dict[str, Any]", item)
    key: dict[str, Any] = {}
    properties = node.element.properties
    for name in node.keys:
        if name in entry:
            key[name] = entry[name]
        elif name in properties and properties[name].key_default is not MISSING:
            key[name] = properties[name].key_default
    if not key:
        listed = " ".join(f'"{name}"' for name in node.keys)
        raise ValueError(
            f"associative list with keys has an element that omits all key fields [{listed}] "
            "(and doesn't have default values for any key fields)"
        )
    return sets.key_element(key)


def element_or_none(item: Any, node: Node) -> str | None:
    """Write an item's path element; None for an item that has none."""
    try:
        return element_of(item, node)
    except ValueError:
        return None


def indexed(items: Sequence[Any] | None, node: Node) -> tuple[list[str], dict[str, list[Any]]]:
    """Find the items of a list by their path element; items without one are left out."""
    order: list[str] = []
    found: dict[str, list[Any]] = {}
    for item in items or ():
        element = element_or_none(item, node)
        if element is None:
            continue
        order.append(element)
        found.setdefault(element, []).append(item)
    return order, found


def fits(value: Any, node: Node) -> bool:
    """Whether Kubernetes can say which fields a value states; doubles are no obstacle to that."""
    return not problems(value, node, doubles=False)


def problems(value: Any, node: Node, path: str = "", *, doubles: bool = True) -> list[str]:
    """Say why a value cannot be applied: unknown fields, wrong shapes, missing or double keys."""
    if value is None or node is nodes.ANYTHING or node.shape is Shape.ANY:
        return []
    misfit = _misfit(value, node)
    if misfit:
        return [f"{path}: {misfit}"]
    kind: type = value.__class__
    if kind is dict:
        return _map_problems(cast("dict[str, Any]", value), node, path, doubles=doubles)
    if kind is list:
        return _list_problems(cast("list[Any]", value), node, path, doubles=doubles)
    return []


def _misfit(value: Any, node: Node) -> str:
    """Say that a value is not of its shape; empty where it is."""
    if node.shape is Shape.SCALAR:
        wanted = _wanted(node)
        return "" if _is(value, wanted) else f"expected {wanted}, got {_written(value)}"
    expected, actual = _SHAPES[node.shape], _written(value)
    return "" if expected == actual else f"expected {expected}, got {actual}"


_SHAPES = {Shape.MAP: "map", Shape.LIST: "list"}
_NUMERIC = "numeric (int or float)"
_UNTYPED = frozenset({"quantity", "int-or-string"})
_GO: dict[type, str] = {str: "string", int: "int64", float: "float64", bool: "bool"}


def _wanted(node: Node) -> str:
    """Name what a scalar must be, as messages do."""
    if node.int_or_string or node.format in _UNTYPED:
        return "any scalar"
    return {"string": "string", "boolean": "boolean", "integer": _NUMERIC, "number": _NUMERIC}.get(
        node.type, "any scalar"
    )


def _is(value: Any, wanted: str) -> bool:
    kind: type = value.__class__
    if wanted == "any scalar":
        return kind in _GO
    if wanted == _NUMERIC:
        return kind is int or kind is float
    return kind is (str if wanted == "string" else bool)


def _written(value: Any) -> str:
    return _GO.get(value.__class__, "map" if value.__class__ is dict else "list")


def _map_problems(value: dict[str, Any], node: Node, path: str, *, doubles: bool) -> list[str]:
    found: list[str] = []
    for key, item in value.items():
        child = node.child(key)
        if child is None:
            found.append(f"{path}.{key}: field not declared in schema")
        else:
            found += problems(item, child, f"{path}.{key}", doubles=doubles)
    return found


def _list_problems(value: list[Any], node: Node, path: str, *, doubles: bool) -> list[str]:
    found: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(value):
        here = f"{path}[{index}]"
        if not node.atomic:
            try:
                element = element_of(item, node)
            except ValueError as error:
                found.append(f"{path}: element {index}: {error}")
                continue
            here = path + sets.rendered(element)
            if doubles and element in seen:
                found.append(f"{path}: duplicate entries for key {sets.rendered(element)}")
            seen.add(element)
        found += problems(item, node.element, here, doubles=doubles)
    return found


def fields(value: Any, node: Node) -> Set | None:
    """Return the fields that a value states, as an element; None where it states nothing."""
    way = how(value, node)
    if way == LEAF:
        return sets.SELF
    if value is None:
        return None
    if way == LIST:
        return _list_fields(value, node)
    stated: Set = {}
    properties = node.properties
    for key, item in value.items():
        child = node.child(key) or nodes.ANYTHING
        element = fields(item, child)
        if item is None or (type(item) is dict and not item) or key not in properties:
            element = sets.joined(member=True, below=sets.below(element or {}))
        if element is not None:
            stated[f"f:{key}"] = element
    return stated or None


def _list_fields(value: list[Any], node: Node) -> Set | None:
    order, found = indexed(value, node)
    stated: Set = {}
    for element in order:
        items = found[element]
        inner = fields(items[0], node.element) if len(items) == 1 else None
        stated[element] = sets.joined(member=True, below=sets.below(inner or {})) or sets.SELF
    return stated or None


def field_set(value: dict[str, Any], node: Node) -> Set:
    """Return the set of fields that an object states."""
    return fields(value, node) or {}
