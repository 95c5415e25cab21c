"""The patch types that name their changes: JSON patch (RFC 6902), merge patch (RFC 7386).

None of them changes the object that it is given.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from ouranos.engine.apiserver.merge.strategic import strategic
from ouranos.engine.apiserver.schema.walk import copied

__all__ = ["PatchError", "json_patch", "merge_patch", "strategic"]

Object = dict[str, Any]

_MAXIMUM_OPERATIONS = 10_000


class PatchError(Exception):
    """A patch that is malformed or does not fit the object it is for."""


def merge_patch(obj: Any, patch: Any) -> Any:
    """Apply a merge patch: null removes, objects merge, everything else replaces."""
    if type(patch) is not dict:
        return copied(patch)
    merged = dict(cast("Object", obj)) if type(obj) is dict else {}
    for key, value in cast("Object", patch).items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(obj: Any, ops: Sequence[Any]) -> Any:
    """Apply the operations of a JSON patch in order.

    Raises:
        PatchError: an operation is malformed, names a place that does not exist, or a test fails.
    """
    if len(ops) > _MAXIMUM_OPERATIONS:
        raise PatchError(
            f"The allowed maximum operations in a JSON patch is {_MAXIMUM_OPERATIONS}, "
            f"got {len(ops)}"
        )
    document = copied(obj)
    for one in ops:
        if type(one) is not dict:
            raise PatchError("an operation of a JSON patch must be an object")
        operation = cast("Object", one)
        name = str(operation.get("op", ""))
        act = _OPERATIONS.get(name)
        if act is None:
            raise PatchError(f"Unexpected kind: {name}")
        document = act(document, operation)
    return document


def _tokens(operation: Mapping[str, Any], field: str) -> list[str]:
    pointer = operation.get(field)
    if type(pointer) is not str or (pointer and not pointer.startswith("/")):
        raise PatchError(f"invalid {field} {pointer!r} in JSON patch")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(text: str, length: int, *, append: bool = False) -> int:
    if text == "-" and append:
        return length
    if not text.isdigit() or (len(text) > 1 and text.startswith("0")):
        raise PatchError(f"invalid array index {text!r} in JSON patch")
    index = int(text)
    if index > length - (not append):
        raise PatchError(f"Unable to access invalid index: {index}")
    return index


def _step(container: Any, token: str) -> Any:
    if type(container) is dict and token in cast("Object", container):
        return cast("Object", container)[token]
    if isinstance(container, list):
        items = cast("list[Any]", container)
        return items[_index(token, len(items))]
    raise PatchError(f"missing path: {token!r} does not exist")


def _found(document: Any, tokens: Sequence[str]) -> Any:
    for token in tokens:
        document = _step(document, token)
    return document


def _value(operation: Mapping[str, Any]) -> Any:
    if "value" not in operation:
        raise PatchError("JSON patch operation without a value")
    return copied(operation["value"])


def _put(document: Any, tokens: Sequence[str], value: Any) -> Any:
    if not tokens:
        return value
    container = _found(document, tokens[:-1])
    last = tokens[-1]
    if type(container) is dict:
        container[last] = value
    elif type(container) is list:
        items = cast("list[Any]", container)
        items.insert(_index(last, len(items), append=True), value)
    else:
        raise PatchError(f"missing path: {last!r} cannot be added to a scalar")
    return document


def _take(document: Any, tokens: Sequence[str]) -> Any:
    if not tokens:
        return None
    container = _found(document, tokens[:-1])
    last = tokens[-1]
    if type(container) is dict and last in cast("Object", container):
        del container[last]
    elif isinstance(container, list):
        items = cast("list[Any]", container)
        del items[_index(last, len(items))]
    else:
        raise PatchError(f"Unable to remove nonexistent key: {last}")
    return document


def _add(document: Any, operation: Mapping[str, Any]) -> Any:
    return _put(document, _tokens(operation, "path"), _value(operation))


def _remove(document: Any, operation: Mapping[str, Any]) -> Any:
    return _take(document, _tokens(operation, "path"))


def _replace(document: Any, operation: Mapping[str, Any]) -> Any:
    tokens = _tokens(operation, "path")
    value = _value(operation)
    if not tokens:
        return value
    container = _found(document, tokens[:-1])
    if type(container) is dict:
        container[tokens[-1]] = value  # Kubernetes' library does not ask whether it is there.
        return document
    _step(container, tokens[-1])
    items = cast("list[Any]", container)
    items[_index(tokens[-1], len(items))] = value
    return document


def _move(document: Any, operation: Mapping[str, Any]) -> Any:
    source, target = _tokens(operation, "from"), _tokens(operation, "path")
    if target[: len(source)] == source and len(target) > len(source):
        raise PatchError("a value cannot be moved into itself")
    value = _found(document, source)
    return _put(_take(document, source), target, value)


def _copy(document: Any, operation: Mapping[str, Any]) -> Any:
    value = copied(_found(document, _tokens(operation, "from")))
    return _put(document, _tokens(operation, "path"), value)


def _test(document: Any, operation: Mapping[str, Any]) -> Any:
    tokens = _tokens(operation, "path")
    expected = _value(operation)
    actual: Any = _found(document, tokens[:-1])
    if tokens:
        last = tokens[-1]
        missing = type(actual) is dict and last not in cast("Object", actual)
        actual = None if missing else _step(actual, last)
    if not _equal(actual, expected):
        raise PatchError(f"testing value {operation['path']} failed")
    return document


def _equal(left: Any, right: Any) -> bool:
    if type(left) is bool or type(right) is bool:
        return left is right
    if type(left) is dict and type(right) is dict:
        ours, theirs = cast("Object", left), cast("Object", right)
        return ours.keys() == theirs.keys() and all(
            _equal(value, theirs[key]) for key, value in ours.items()
        )
    if isinstance(left, list) and isinstance(right, list):
        mine, others = cast("list[Any]", left), cast("list[Any]", right)
        return len(mine) == len(others) and all(map(_equal, mine, others))
    return bool(left == right)


_OPERATIONS: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
