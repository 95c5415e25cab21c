"""Is this object as its kind says? Asked by the loader, and by each controller before it acts.

The answer is the one that an API server gives: first the shape, then, if that is right, the rules.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, cast

import pydantic
from pydantic_core import ErrorDetails

from ouranos.api import errors, kinds, model, names, rules, schema

Written = Callable[[errors.Path], str | None]

_KEY_MARK: Final = "[key]"
_LONGEST: Final = 60
_WANTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "list_type": "a list",
}
_LIMITS: Final = {
    "greater_than_equal": ("must be at least {ge}", "write {ge} or more"),
    "less_than_equal": ("must be at most {le}", "write {le} or less"),
    "string_too_short": ("is shorter than {min_length} characters", "write it out"),
    "string_too_long": ("is longer than {max_length} characters", "shorten it"),
    "too_long": ("has more than {max_length} entries", "write fewer"),
    "string_unicode": ("holds half of a character", "write the character itself"),
}


def _nothing(path: errors.Path) -> str | None:
    del path


def problems(
    obj: Mapping[str, Any],
    known: kinds.Kinds,
    *,
    old: Mapping[str, Any] | None = None,
    written: Written = _nothing,
) -> tuple[errors.Problem, ...]:
    """What is wrong with an object, in the words in which an API server would refuse it.

    Args:
        obj: an object of one of our kinds; status is not looked at.
        known: the kinds that there are.
        old: the object that it replaces, as the server has it: asks what may not change, too.
        written: gives the text that a single value was read from, for messages and hints.
    """
    definition = known.get(str(obj.get("kind")))
    if definition is None or obj.get("apiVersion") != names.API_VERSION:
        return (_unknown_kind(obj, known),)
    try:
        parsed = definition.parse(_without_status(obj))
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False)
        return tuple(_problem(detail, definition, written) for detail in found)
    before = None if old is None else definition.parse(_without_status(old)).as_object()
    violations = rules.violations(definition.schema, parsed.as_object(), before)
    return tuple(
        errors.Problem(v.path, show(v.value, written(v.path)), v.rule.message, v.rule.hint)
        for v in violations
    )


def parse(obj: Mapping[str, Any], known: kinds.Kinds) -> model.Resource:
    """The object as its model, without its status, once it is known to keep all rules.

    Args:
        obj: an object of one of our kinds.
        known: the kinds that there are.

    Raises:
        errors.InvalidObject: it is not as its kind says.
    """
    found = problems(obj, known)
    if found:
        raise errors.InvalidObject(found)
    return known[obj["kind"]].parse(_without_status(obj))


def _without_status(obj: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key != "status"}


def closest(word: str, known: Collection[str]) -> str | None:
    """The known word that somebody who wrote this one may have meant."""
    lowered = {name.lower(): name for name in known}
    match = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[match[0]] if match else None


def choice(word: str, known: Collection[str]) -> str:
    """The hint for a word that is not one of the known: the one that may be meant, else all."""
    meant = closest(word, known)
    return f'did you mean "{meant}"?' if meant else f"write one of {', '.join(known)}"


def _unknown_kind(obj: Mapping[str, Any], known: kinds.Kinds) -> errors.Problem:
    version, kind = obj.get("apiVersion"), obj.get("kind")
    if version != names.API_VERSION:
        hint = f"write apiVersion: {names.API_VERSION}"
        return errors.Problem(("apiVersion",), show(version), "is not an API of Ouranos", hint)
    return errors.Problem(
        ("kind",), show(kind), "is not a kind of Ouranos", choice(str(kind), known)
    )


def show(value: Any, text: str | None = None) -> str:
    """A value in a message: short, in one line; nothing for what is absent or a collection."""
    if value is None or isinstance(value, dict | list | tuple):
        return ""
    shown = text if text is not None and text.isprintable() and not isinstance(value, str) else None
    shown = shown or json.dumps(value, ensure_ascii=not str(value).isprintable())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"


def _problem(
    detail: ErrorDetails, definition: kinds.Definition, written: Written
) -> errors.Problem:
    kind, context = detail["type"], detail.get("ctx", {})
    at_key = detail["loc"][-1:] == (_KEY_MARK,)
    path = detail["loc"][:-1] if at_key else detail["loc"]
    value, text = detail["input"], written(path)
    if kind == "missing":
        return errors.Problem(path, "", "is missing", _missing(definition, path))
    if kind == "extra_forbidden":
        return _unknown_field(definition, path)
    if kind == "literal_error":
        return _unknown_choice(definition, path, value, text)
    if kind == "rule":
        message, hint = str(context["message"]), str(context["hint"])
    elif kind in _LIMITS:
        message, hint = (sentence.format(**context) for sentence in _LIMITS[kind])
    else:
        message, hint = _wrong_type(kind, value, text)
    return errors.Problem(path, show(value, text), message, hint, names_key=at_key)


def _missing(definition: kinds.Definition, path: errors.Path) -> str:
    field = schema.at(definition.schema, path)
    meaning = field.get("description", "") if field else ""
    return f"add {path[-1]}: {meaning}".rstrip(": ").replace("\n", " ")


def _unknown_field(definition: kinds.Definition, path: errors.Path) -> errors.Problem:
    parent = schema.at(definition.schema, path[:-1]) or {}
    known = cast("Collection[str]", parent.get("properties", {}))
    if path[:-1] == ("spec", "services"):
        message = "is not a service that Ouranos knows"
    else:
        message = f"is not a field of {errors.dotted(path[:-1]) or definition.name.kind}"
    return errors.Problem(path, "", message, choice(str(path[-1]), known), names_key=True)


def _unknown_choice(
    definition: kinds.Definition, path: errors.Path, value: Any, text: str | None
) -> errors.Problem:
    field = schema.at(definition.schema, path) or {}
    known = cast("list[str]", field.get("enum", []))
    message = f"is not one of {', '.join(known)}"
    hint = choice(str(value), known) if isinstance(value, str) else _quotes(text, value)
    return errors.Problem(path, show(value, text), message, hint)


def _quotes(text: str | None, value: Any) -> str:
    return f'write it in quotes: "{text if text is not None else json.dumps(value)}"'


def _wrong_type(kind: str, value: Any, text: str | None) -> tuple[str, str]:
    wanted = _WANTED.get(kind, "something else")
    message = f"is {_noun(value)} and must be {wanted}"
    if wanted == "text" and isinstance(value, bool | int | float):
        return message, _quotes(text, value)
    if wanted == "a whole number" and isinstance(value, str) and value.isdigit():
        return message, f"write {value} without quotes"
    if wanted == "a mapping":
        return message, "write its fields in the lines below, or {} for none"
    return message, f"write {wanted}"


def _noun(value: Any) -> str:
    if value is None:
        return "nothing"
    for types, noun in (
        (bool, "true or false"),
        (int | float, "a number"),
        (str, "text"),
        (list, "a list"),
    ):
        if isinstance(value, types):
            return noun
    return "a mapping"
