"""Which empty lists and maps of built-in kinds mean nothing? Those that Kubernetes leaves out."""

from typing import Any, cast

from ouranos.engine.apiserver.schema.node import ANYTHING, Node
from ouranos.kit.objects import Object


def drop(obj: Object, node: Node) -> None:
    """Remove, in place, empty lists and empty maps of free keys, where they are not required."""
    empty: list[str] | None = None
    properties, values = node.properties, node.values
    for key, item in obj.items():
        kind: type = item.__class__
        if kind is not dict and kind is not list:
            continue
        child = properties.get(key, values)
        if child is None or child is ANYTHING:
            continue
        if item:
            _below(item, child)
        elif key in properties and key not in node.required and _is_open(child):
            empty = [*(empty or ()), key]
    for key in empty or ():
        del obj[key]


def _is_open(node: Node) -> bool:
    return node.type == "array" or (node.values is not None and not node.properties)


def _below(item: Any, node: Node) -> None:
    if isinstance(item, dict):
        drop(cast("Object", item), node)
    elif node.items is not None:
        for each in cast("list[Any]", item):
            if isinstance(each, dict):
                drop(cast("Object", each), node.items)
