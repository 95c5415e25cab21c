"""Strategic merge patch: lists that know their keys merge, and directives say the rest."""

from typing import Any, cast

from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema.node import Node
from ouranos.engine.apiserver.schema.structural import Structural
from ouranos.engine.apiserver.schema.walk import copied

Object = dict[str, Any]

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"


class StrategicError(Exception):
    """A strategic merge patch that contradicts itself or the schema."""


class KeylessError(StrategicError):
    """An item of a patch that does not say which item it is about."""


def strategic(obj: Object, patch: Object, schema: Structural) -> Object:
    """Apply a strategic merge patch; the object is not changed.

    Raises:
        StrategicError: a directive is unknown, or an item lacks its merge key.
    """
    return _maps(copied(obj), patch, schema.root)


def _maps(value: Object, patch: Object, node: Node) -> Object:
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {key: copied(item) for key, item in patch.items() if key != _DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in {None, "merge"}:
        raise StrategicError(f"unknown patch type found: {directive} in map")
    value = _retained(value, patch)
    before = {
        key: list(cast("list[Any]", item)) for key, item in value.items() if type(item) is list
    }
    _fields(value, patch, node)
    for key, item in patch.items():
        if key.startswith(_DELETE):
            _drop(value, key.removeprefix(_DELETE), item)
        elif key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            child = node.child(name) or nodes.ANYTHING
            _reorder(value, name, item, patch.get(name), before.get(name) or [], child)
    return value


def _fields(value: Object, patch: Object, node: Node) -> None:
    for key, item in patch.items():
        if not key.startswith("$"):
            _field(value, key, item, node)


def _retained(value: Object, patch: Object) -> Object:
    retained = patch.get(_RETAIN)
    if retained is None:
        return value
    strangers = [key for key in patch if not key.startswith("$") and key not in retained]
    if strangers:
        raise StrategicError(
            f"{_RETAIN} directive is inconsistent with the patch: {', '.join(strangers)}"
        )
    return {key: item for key, item in value.items() if key in retained}


def _field(value: Object, key: str, item: Any, node: Node) -> None:
    child = node.child(key) or nodes.ANYTHING
    if item is None:
        value.pop(key, None)
    elif type(item) is dict:
        entry = cast("Object", item)
        current = value.get(key)
        if type(current) is not dict:
            if _DIRECTIVE in entry:
                return
            value[key] = _cleaned(_maps({}, entry, child))
        elif "replace" in child.patch_strategy.split(","):
            value[key] = _cleaned(copied(entry))
        else:
            value[key] = _maps(cast("Object", current), entry, child)
    elif type(item) is list:
        current, items = value.get(key), cast("list[Any]", item)
        value[key] = _lists(current, items, child) if type(current) is list else _added(items)
    else:
        value[key] = item


def _added(items: list[Any]) -> list[Any]:
    """Give a list as it is added where there is none: nothing of it is merged with itself."""
    return [_cleaned(copied(one)) for one in items if not (type(one) is dict and _DIRECTIVE in one)]


def _cleaned(value: Any) -> Any:
    """Drop nulls and directives from what is added as it stands."""
    if type(value) is list:
        return [_cleaned(item) for item in cast("list[Any]", value)]
    if type(value) is not dict:
        return value
    return {
        key: _cleaned(item)
        for key, item in cast("Object", value).items()
        if item is not None and not key.startswith("$")
    }


def _lists(current: Any, patch: list[Any], node: Node) -> list[Any]:
    if "merge" not in node.patch_strategy.split(","):
        return copied(patch)
    items = list(cast("list[Any]", current)) if type(current) is list else []
    if not node.merge_key:
        joined = items + [copied(one) for one in patch if one not in items]
        return _ordered(joined, patch, items, "")
    if any(type(one) is not dict for one in patch):
        raise StrategicError("a list that is merged by key may hold maps only")
    entries = [cast("Object", one) for one in patch]
    if any(one.get(_DIRECTIVE) == "replace" for one in entries):
        return [_cleaned(copied(one)) for one in entries if _DIRECTIVE not in one]
    before = list(items)
    for one in entries:
        _item(items, one, node)
    return _ordered(items, entries, before, node.merge_key)


def _item(items: list[Any], patch: Object, node: Node) -> None:
    key = node.merge_key
    if key not in patch:
        raise KeylessError(f"map: {_shown(patch)} does not contain declared merge key: {key}")
    found = [
        index
        for index, one in enumerate(items)
        if type(one) is dict and cast("Object", one).get(key) == patch[key]
    ]
    directive = patch.get(_DIRECTIVE)
    if directive == "delete":
        for index in reversed(found):
            del items[index]
    elif not found:
        items.append(_cleaned(copied(patch)))
    else:
        items[found[0]] = _maps(items[found[0]], patch, node.element)


def _shown(value: Any) -> str:
    """Write a value as messages of Go do."""
    if type(value) is dict:
        entries = sorted(cast("Object", value).items())
        return f"map[{' '.join(f'{key}:{_shown(one)}' for key, one in entries)}]"
    if type(value) is list:
        return f"[{' '.join(map(_shown, cast('list[Any]', value)))}]"
    if value is None:
        return "<nil>"
    return str(value).lower() if type(value) is bool else str(value)


def _drop(value: Object, key: str, dropped: list[Any]) -> None:
    current = value.get(key)
    if type(current) is list:
        value[key] = [one for one in cast("list[Any]", current) if one not in dropped]


def _reorder(
    value: Object, key: str, order: list[Any], patch: Any, before: list[Any], node: Node
) -> None:
    current = value.get(key)
    if type(current) is not list:
        return
    wanted = [_identity(one, node.merge_key) for one in order]
    stated = [
        _identity(one, node.merge_key)
        for one in cast("list[Any]", patch or [])
        if not (type(one) is dict and _DIRECTIVE in cast("Object", one))
    ]
    if [one for one in wanted if one in stated] != stated:
        raise StrategicError(
            f"The order in patch list:\n{patch}\n doesn't match $setElementOrder list:\n{order}\n"
        )
    value[key] = _ordered(cast("list[Any]", current), order, before, node.merge_key)


def _identity(one: Any, merge_key: str) -> Any:
    return cast("Object", one).get(merge_key) if merge_key and type(one) is dict else one


def _ordered(items: list[Any], order: list[Any], before: list[Any], merge_key: str) -> list[Any]:
    """Bring the items that `order` names into its order; others stay before what followed them.

    What stood where is what `before` says; an item that was not there is taken first.
    """
    wanted = [_identity(one, merge_key) for one in order]
    places = {repr(_identity(one, merge_key)): at for at, one in enumerate(before)}
    named = [one for one in items if _identity(one, merge_key) in wanted]
    left = sorted(named, key=lambda one: wanted.index(_identity(one, merge_key)))
    right = [one for one in items if _identity(one, merge_key) not in wanted]
    merged: list[Any] = []
    while left and right:
        first = places.get(repr(_identity(left[0], merge_key)), -1)
        second = places.get(repr(_identity(right[0], merge_key)), -1)
        merged.append(right.pop(0) if second < first else left.pop(0))
    return merged + left + right
