"""How lists that are sets or maps by schema compare and join: by items, not by order."""

import functools
from collections.abc import Callable
from typing import Any, cast

from ouranos.engine.apiserver.schema.cel import operators, values
from ouranos.engine.apiserver.schema.cel.static import Static

Function = Callable[..., Any]


def specialised(name: str, known: tuple[Static, ...]) -> Function | None:
    """Return the operator for lists of these types; None where the ordinary one is right."""
    if name not in {"_==_", "_!=_", "_+_"}:
        return None
    nodes = [one.node for one in known if one.node is not None and one.node.list_type]
    node = next((one for one in nodes if one.list_type in {"set", "map"}), None)
    if node is None:
        return None
    keys = node.keys if node.list_type == "map" else ()
    if name == "_+_":
        return functools.partial(_joined, keys=keys)
    return functools.partial(_same if name == "_==_" else _different, keys=keys)


def _key(item: Any, keys: tuple[str, ...]) -> Any:
    if not keys or type(item) is not dict:
        return item
    entry = cast("dict[str, Any]", item)
    return [entry.get(key) for key in keys]


def _find(items: list[Any], key: Any, keys: tuple[str, ...]) -> int:
    places = (at for at, one in enumerate(items) if values.equal(_key(one, keys), key))
    return next(places, -1)


def _same(left: Any, right: Any, keys: tuple[str, ...]) -> bool:
    if type(left) is not list or type(right) is not list:
        return False
    ours, theirs = cast("list[Any]", left), cast("list[Any]", right)
    if len(ours) != len(theirs):
        return False
    for item in ours:
        at = _find(theirs, _key(item, keys), keys)
        if at < 0 or not values.equal(item, theirs[at]):
            return False
    return True


def _different(left: Any, right: Any, keys: tuple[str, ...]) -> bool:
    return not _same(left, right, keys)


def _joined(left: Any, right: Any, keys: tuple[str, ...]) -> list[Any]:
    joined = list(cast("list[Any]", operators.add(left, [])))
    for item in operators.add([], right):
        at = _find(joined, _key(item, keys), keys)
        if at < 0:
            joined.append(item)
        else:
            joined[at] = item
    return joined
