"""Does a value satisfy its schema? Types, limits, formats, combinations, in Kubernetes' words."""

import re
from collections.abc import Callable
from typing import Any, cast

import msgspec

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import expressions, formats
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.node import MISSING, Node

Path = tuple[Any, ...] | None
"""A place in an object as nested pairs (path of the container, key or index); None is the root."""

_TYPES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


_encoder = msgspec.json.Encoder(order="sorted")
_written = _encoder.encode
_NOTHING: dict[str, Any] = {}


class Key(str):
    """A map's key in a path, which messages write in brackets."""

    __slots__ = ()


def correlated(old: Any, node: Node) -> Callable[[Any], Any]:
    """Return what finds an item's previous value in an old list; only lists by key have one."""
    if type(old) is not list or node.list_type != "map":
        return lambda _: None
    entries = [cast("dict[str, Any]", one) for one in cast("list[Any]", old) if type(one) is dict]
    known = {_frozen([entry.get(key) for key in node.keys]): entry for entry in entries}

    def find(item: Any) -> Any:
        if type(item) is not dict:
            return None
        entry = cast("dict[str, Any]", item)
        return known.get(_frozen([entry.get(key) for key in node.keys]))

    return find


def rendered_path(path: Path) -> str:
    """Write a path as messages name it: `spec.containers[0].image`."""
    parts: list[str] = []
    while path is not None:
        path, key = cast("tuple[Path, Any]", path)
        parts.append(f".{key}" if type(key) is str else f"[{key}]")
    return "".join(reversed(parts)).removeprefix(".")


def pattern(text: str) -> re.Pattern[str]:
    """Compile a schema's pattern."""
    return expressions.compiled(text)


def type_of(value: Any) -> str:
    """Name a value's JSON type as messages do."""
    return _TYPES[type(value)]


def is_same(value: Any, old: Any) -> bool:
    """Whether two values that are equal are so for JSON too, where true is not 1."""
    kind: type = value.__class__
    if kind is bool or kind is int or kind is float:
        return (kind is bool) is (old.__class__ is bool)
    if kind is dict or kind is list:
        return _written(value) == _written(old)
    return True


def validate(value: Any, node: Node, path: Path, found: list[Cause], old: Any = None) -> None:
    """Check a value and everything below it; append what is wrong to `found`.

    A value that is as it was (`old`) is not checked again: an object that a newer schema would
    refuse can still be changed elsewhere, as Kubernetes' ratcheting allows.
    """
    if old is not None and value == old and is_same(value, old):
        return
    if value is None:
        _check_null(node, path, found)
        return
    kind: type = value.__class__
    if not _fits(value, kind, node):
        _wrong_type(_expected(node), value, path, found)
    elif kind is dict:
        _validate_map(value, node, path, found, old)
    elif kind is list:
        _validate_list(value, node, path, found, old)
    elif node.format and kind is str:
        _check_format(value, node.format, path, found)
    if node.checked:
        _check_limits(value, node, path, found)
        _check_combinations(value, node, path, found)


def _check_null(node: Node, path: Path, found: list[Cause]) -> None:
    expected = _expected(node)
    if not node.nullable and expected:
        _wrong_type(expected, None, path, found)
    allowed = node.limits.get("enum")
    if allowed is not None and None not in allowed:
        found.append(causes.not_supported(rendered_path(path), None, allowed))


def _expected(node: Node) -> str:
    return "integer,string" if node.int_or_string else node.type


def _fits(value: Any, kind: type, node: Node) -> bool:
    expected = node.type
    if node.int_or_string:
        return kind is int or kind is str
    if not expected:
        return True
    if kind is int:
        return expected in {"integer", "number"}
    if kind is float:
        return expected == "number" or (expected == "integer" and value.is_integer())
    return _TYPES[kind] == expected


def _wrong_type(expected: str, value: Any, path: Path, found: list[Cause]) -> None:
    field = rendered_path(path)
    actual = type_of(value)
    detail = f'{field or ""} in body must be of type {expected}: "{actual}"'.lstrip()
    found.append(causes.type_invalid(field, actual, detail))


def _check_format(value: str, name: str, path: Path, found: list[Cause]) -> None:
    check = formats.CHECKS.get(name)
    if check is not None and not check(value):
        field = rendered_path(path)
        detail = f"{field} in body must be of type {name}: {causes.rendered(value)}"
        found.append(causes.type_invalid(field, value, detail))


def _validate_map(
    value: dict[str, Any], node: Node, path: Path, found: list[Cause], old: Any
) -> None:
    before = cast("dict[str, Any]", old) if type(old) is dict else _NOTHING
    properties = node.properties
    rest = node.values
    for key, item in value.items():
        child = properties.get(key, rest)
        if child is not None:
            validate(item, child, (path, key), found, before.get(key))
    for key in node.required:
        if key not in value:
            _miss(key, path, found)


def _miss(key: str, path: Path, found: list[Cause]) -> None:
    found.append(causes.required(rendered_path((path, key))))


def _validate_list(value: list[Any], node: Node, path: Path, found: list[Cause], old: Any) -> None:
    items = node.items
    if items is not None:
        previous = correlated(old, node)
        for index, item in enumerate(value):
            validate(item, items, (path, index), found, previous(item))
    if not node.unique:
        return
    if node.list_type == "set":
        _check_set(value, path, found)
    elif node.list_type == "map":
        _check_list_map(value, node, path, found)


def _frozen(value: Any) -> Any:
    """Make a JSON value hashable such that true and 1 differ."""
    if type(value) is dict:
        return frozenset((key, _frozen(item)) for key, item in cast("Any", value).items())
    if type(value) is list:
        return tuple(_frozen(item) for item in cast("Any", value))
    return (type(value) is bool, value)


def _repeated(keys: list[Any]) -> list[int]:
    """Give where a key stands for the second time; a third time is not said."""
    seen: dict[Any, int] = {}
    found: list[int] = []
    for index, key in enumerate(keys):
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:  # noqa: PLR2004 - the second time
            found.append(index)
    return found


def _check_set(value: list[Any], path: Path, found: list[Cause]) -> None:
    found += [
        causes.duplicate(rendered_path((path, index)), value[index])
        for index in _repeated([_frozen(item) for item in value])
    ]


def _check_list_map(value: list[Any], node: Node, path: Path, found: list[Cause]) -> None:
    properties = node.element.properties
    keys: list[Any] = []
    for index, item in enumerate(value):
        entry = cast("dict[str, Any]", item) if type(item) is dict else _NOTHING
        key = {
            name: entry[name] if name in entry else properties[name].key_default
            for name in node.keys
            if name in entry or (name in properties and properties[name].key_default is not MISSING)
        }
        keys.append(index if entry is _NOTHING else key)
    found += [
        causes.duplicate(rendered_path((path, index)), keys[index])
        for index in _repeated([_frozen(key) for key in keys])
    ]


def _check_limits(value: Any, node: Node, path: Path, found: list[Cause]) -> None:
    limits = node.limits
    if not limits:
        return
    kind: type = value.__class__
    before = len(found)
    if kind is str:
        _check_text(value, limits, path, found)
    elif kind is dict or kind is list:
        _check_count(value, limits, path, found)
    elif kind is not bool:
        _check_number(value, limits, path, found)
        if kind is float and node.type == "integer" and not value.is_integer():
            where = rendered_path(path)
            detail = f"Checked value must be of type integer (default format) in {where}"
            found.append(causes.invalid("<nil>", "", detail))
    allowed = limits.get("enum")
    if allowed is not None and len(found) == before:
        wanted = _frozen(value)
        if all(_frozen(one) != wanted for one in allowed):
            found.append(causes.not_supported(rendered_path(path), value, allowed))


def _check_text(value: str, limits: Any, path: Path, found: list[Cause]) -> None:
    field = ""
    maximum = limits.get("maxLength")
    if maximum is not None and len(value) > maximum:
        found.append(causes.too_long(rendered_path(path), maximum))
    minimum = limits.get("minLength")
    if minimum is not None and len(value) < minimum:
        field = rendered_path(path)
        detail = f"{field} in body should be at least {minimum} chars long"
        found.append(causes.invalid(field, value, detail))
    expression = limits.get("pattern")
    if expression is not None and pattern(expression).search(value) is None:
        field = rendered_path(path)
        detail = f"{field} in body should match '{expression}'"
        found.append(causes.invalid(field, value, detail))


def _check_count(value: Any, limits: Any, path: Path, found: list[Cause]) -> None:
    is_list = type(value) is list
    maximum = limits.get("maxItems" if is_list else "maxProperties")
    if maximum is not None and len(value) > maximum:
        found.append(causes.too_many(rendered_path(path), len(value), maximum))
    minimum = limits.get("minItems" if is_list else "minProperties")
    if minimum is not None and len(value) < minimum:
        field = rendered_path(path)
        unit = "items" if is_list else "properties"
        detail = f"{field} in body should have at least {minimum} {unit}"
        found.append(causes.invalid(field, len(value), detail))


def _check_number(value: float, limits: Any, path: Path, found: list[Cause]) -> None:
    words: list[str] = []
    maximum, minimum = limits.get("maximum"), limits.get("minimum")
    if maximum is not None:
        words += _bound(value > maximum, value == maximum, maximum, limits, "Maximum")
    if minimum is not None:
        words += _bound(value < minimum, value == minimum, minimum, limits, "Minimum")
    factor = limits.get("multipleOf")
    if factor is not None and type(value) is int:
        factor = int(factor)  # So does Kubernetes, and then refuses the 0 that it has made.
    field = rendered_path(path) if words or factor is not None else ""
    if factor == 0:
        detail = f"factor MultipleOf declared for {field} must be positive: 0"
        found.append(causes.invalid(field, 0, detail))
    elif factor is not None and not float(value / factor).is_integer():
        words.append(f"a multiple of {factor}")
    found += [causes.invalid(field, value, f"{field} in body should be {word}") for word in words]


def _bound(beyond: bool, at: bool, bound: Any, limits: Any, name: str) -> list[str]:  # noqa: FBT001
    word = "less than" if name == "Maximum" else "greater than"
    if limits.get(f"exclusive{name}"):
        return [f"{word} {bound}"] if beyond or at else []
    return [f"{word} or equal to {bound}"] if beyond else []


def _tried(value: Any, node: Node, path: Path) -> list[Cause]:
    found: list[Cause] = []
    validate(value, node, path, found)
    return found


def _any_of(tries: list[list[Cause]]) -> tuple[str, list[Cause]]:
    if not all(tries):
        return "", []
    return "must validate at least one schema (anyOf)", min(tries, key=len)


def _one_of(tries: list[list[Cause]]) -> tuple[str, list[Cause]]:
    valid = sum(not one for one in tries)
    if valid == 1:
        return "", []
    count = f"Found {valid} valid alternatives" if valid else "Found none valid"
    word = f"must validate one and only one schema (oneOf). {count}"
    return word, [] if valid else min(tries, key=len)


def _all_of(tries: list[list[Cause]]) -> tuple[str, list[Cause]]:
    if not any(tries):
        return "", []
    tail = ". None validated" if all(tries) else ""
    nested = [one for several in tries for one in several]
    return f"must validate all the schemas (allOf){tail}", nested


def _check_combinations(value: Any, node: Node, path: Path, found: list[Cause]) -> None:
    words: list[str] = []
    nested: list[Cause] = []
    pairs = ((node.any_of, _any_of), (node.one_of, _one_of), (node.all_of, _all_of))
    for schemas, judge in pairs:
        if schemas:
            word, inner = judge([_tried(value, one, path) for one in schemas])
            words += [word] if word else []
            nested += inner
    if node.not_ is not None and not _tried(value, node.not_, path):
        words.append("must not validate the schema (not)")
    # apiextensions reports these at the root, with the place in the text only.
    quoted = causes.rendered(rendered_path(path)) if words else ""
    found += [causes.invalid("<nil>", "", f"{quoted} {word}") for word in words]
    found += nested
