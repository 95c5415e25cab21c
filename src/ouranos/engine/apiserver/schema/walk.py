"""Making an object fit its schema: unknown fields out, defaults in, meaningless nulls out."""

from collections.abc import Mapping
from typing import Any, cast

from ouranos.engine import quantities
from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema.node import MISSING, Node

Object = dict[str, Any]


def copied(value: Any) -> Any:
    """Copy a JSON value, containers only; far cheaper than `copy.deepcopy`."""
    if type(value) is dict:
        return {key: copied(item) for key, item in cast("Object", value).items()}
    if type(value) is list:
        return [copied(item) for item in cast("list[Any]", value)]
    return value


def prune(value: Any, node: Node, path: str, unknown: list[str]) -> None:
    """Remove fields that the schema does not know, in place; append their paths to `unknown`."""
    if type(value) is dict:
        if node is not nodes.ANYTHING and node is not nodes.ATOMIC:
            _prune_map(cast("Object", value), node, path, unknown)
    elif type(value) is list and node.items is not None:
        items = node.items
        for index, item in enumerate(cast("list[Any]", value)):
            if type(item) is dict or type(item) is list:
                prune(item, items, f"{path}[{index}]", unknown)


def _prune_map(value: Object, node: Node, path: str, unknown: list[str]) -> None:
    properties = node.properties
    rest = node.values
    dropped: list[str] | None = None
    for key, item in value.items():
        child = properties.get(key, rest)
        if child is not None:
            if type(item) is dict or type(item) is list:
                prune(item, child, f"{path}.{key}" if path else key, unknown)
        elif not node.open:
            dropped = [] if dropped is None else dropped
            dropped.append(key)
    for key in dropped or ():
        del value[key]
        unknown.append(f"{path}.{key}" if path else key)


def default(value: Any, node: Node, *, nulls: bool = False) -> None:
    """Fill in the schema's defaults, in place, and drop nulls where the schema has no null.

    A null that may not be null is replaced by the default, or removed where there is none, as
    apiextensions does. Where `nulls` may stay, as in what is applied, validation will refuse them.
    """
    if type(value) is dict:
        _default_map(cast("Object", value), node, nulls=nulls)
    elif type(value) is list and node.items is not None:
        items = node.items
        elements = cast("list[Any]", value)
        for index, item in enumerate(elements):
            if item is None and not items.nullable and items.default is not MISSING:
                elements[index] = copied(items.default)
            elif type(item) is dict or type(item) is list:
                default(item, items, nulls=nulls)


def _default_map(value: Object, node: Node, *, nulls: bool) -> None:
    properties = node.properties
    if node.defaults_below:
        _fill(value, properties)
    rest = node.values
    empty: list[str] | None = None
    for key, item in value.items():
        kind: type = item.__class__
        if kind is dict or kind is list:
            child = properties.get(key, rest)
            if child is not None:
                default(item, child, nulls=nulls)
        elif item is None:
            empty = [] if empty is None else empty
            empty.append(key)
        elif kind is not bool:
            _write(key, value, properties.get(key, rest))
    if empty is not None:
        _drop(empty, value, node, nulls=nulls)


def _write(key: str, value: Object, child: Node | None) -> None:
    """Write a quantity, which may be given as a number, as Kubernetes does."""
    if child is not None and child.format == "quantity":
        value[key] = quantities.canonical(str(value[key]))


def _fill(value: Object, properties: Mapping[str, Node]) -> None:
    for key, child in properties.items():
        if child.default is not MISSING and (
            key not in value or (value[key] is None and not child.nullable)
        ):
            value[key] = copied(child.default)


def _drop(empty: list[str], value: Object, node: Node, *, nulls: bool) -> None:
    """Replace nulls that may not be null by the default of the map's values, or remove them."""
    for key in empty:
        declared = node.properties.get(key)
        child = node.values if declared is None else declared
        if child is None or child.nullable or child is nodes.ANYTHING:
            continue
        if declared is None and child.default is not MISSING:
            value[key] = copied(child.default)
        elif not nulls:
            del value[key]
