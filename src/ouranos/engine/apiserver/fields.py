"""What is at a place in an object? Asked where its shape is only partly known."""

from collections.abc import Sequence
from typing import Any, cast

from ouranos.kit.objects import Object

FieldPath = tuple[str, ...]


def at(obj: Object, *path: str) -> Any:
    """Give the value at a path; None where there is none."""
    value: Any = obj
    for step in path:
        value = cast("Object", value).get(step) if isinstance(value, dict) else None
    return value


def part(obj: Object, *path: str) -> Object:
    """Give the object at a path; an empty one, not put there, where there is none."""
    value = at(obj, *path)
    return cast("Object", value) if isinstance(value, dict) else {}


def listed(obj: Object, *path: str) -> list[Any]:
    """Give the list at a path; an empty one, not put there, where there is none."""
    value = at(obj, *path)
    return cast("list[Any]", value) if isinstance(value, list) else []


def text(obj: Object, *path: str) -> str:
    """Give the text at a path as a field selector sees it; an absent one is empty."""
    value = at(obj, *path)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def put(obj: Object, path: Sequence[str], value: Any) -> None:
    """Set the value at a path, making the objects on the way."""
    *parents, last = path
    for step in parents:
        obj = obj.setdefault(step, {})
    obj[last] = value
