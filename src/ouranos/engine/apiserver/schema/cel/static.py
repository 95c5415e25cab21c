"""What is known of a value before an expression runs: its type, and the schema that it comes from.

Only as much as finds misspelt fields and impossible operators when a schema is read; whatever is
not known for certain is `DYN`, and left to the evaluation.
"""

import base64
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ouranos.engine.apiserver.schema.cel import functions
from ouranos.engine.apiserver.schema.node import Node


@dataclass(frozen=True, slots=True)
class Static:
    """The type of a value, and what is known of its fields or items."""

    kind: str
    node: Node | None = None
    item: "Static | None" = None


DYN = Static("dyn")
BOOL = Static("bool")
INT = Static("int")
UINT = Static("uint")
DOUBLE = Static("double")
STRING = Static("string")
BYTES = Static("bytes")
NULL = Static("null")
TIMESTAMP = Static("google.protobuf.Timestamp")
DURATION = Static("google.protobuf.Duration")
TYPE = Static("type")

_FORMATS = {"date": TIMESTAMP, "date-time": TIMESTAMP, "duration": DURATION, "byte": BYTES}
_SCALARS = {"string": STRING, "integer": INT, "number": DOUBLE, "boolean": BOOL}


def of_node(node: Node | None) -> Static:
    """Return what a schema says about the values at its place."""
    if node is None or node.int_or_string:
        return DYN
    if node.type == "array":
        return Static("list", node, of_node(node.items))
    if node.type == "object":
        return _of_object(node)
    if node.type == "string":
        return _FORMATS.get(node.format, STRING)
    return _SCALARS.get(node.type, DYN)


def _of_object(node: Node) -> Static:
    if node.properties:
        return Static("object", node)
    return DYN if node.values is None else Static("map", node, of_node(node.values))


def of_literal(value: object) -> Static:
    """Return the type of a constant."""
    for kind, static in _LITERALS:
        if type(value) is kind:
            return static
    return UINT


_LITERALS: tuple[tuple[type, Static], ...] = (
    (bool, BOOL),
    (int, INT),
    (float, DOUBLE),
    (str, STRING),
    (bytes, BYTES),
    (type(None), NULL),
)


def loader(static: Static) -> Callable[[Any], Any] | None:
    """Return what turns a JSON value into the value that its schema means; None where it is one."""
    return _LOADERS.get(static.kind) if static.node is None else None


def _timestamp(value: Any) -> Any:
    if value is None:
        return None
    if type(value) is str and len(value) == len("2006-01-02"):
        day = dt.date.fromisoformat(value)
        return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
    return functions.timestamp(value)


def _decoded(value: Any) -> Any:
    return base64.b64decode(value) if type(value) is str else value


def _duration(value: Any) -> Any:
    return None if value is None else functions.duration(value)


def _double(value: Any) -> Any:
    return float(value) if type(value) is int else value


_LOADERS: dict[str, Callable[[Any], Any]] = {
    TIMESTAMP.kind: _timestamp,
    DURATION.kind: _duration,
    BYTES.kind: _decoded,
    DOUBLE.kind: _double,
}
