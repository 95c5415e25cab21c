"""What is a rule, and how does it hold at every door? Asked by the models and by `checks`.

A rule is written once: as CEL, which the API server runs from the CRD, and as a Python function,
which the loader and the controllers run. A test proves over tables of values that both agree.
"""

from __future__ import annotations

import abc
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

KEY = "x-kubernetes-validations"
HINT = "; hint: "
_TWO = 2
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Rule(abc.ABC):
    """A statement about one value, put on a type by `Annotated` or on a model by `RULES`.

    Attributes:
        cel: the statement for the API server; `self` is the value with its defaults.
        message: what is wrong, as the end of a sentence that begins with the field.
        hint: what a person can do.
        field: the field that is to blame, relative to the value, such as `.mtu`.
    """

    cel: str
    message: str
    hint: str
    field: str = ""

    @property
    def text(self) -> str:
        """Message and hint in one line: what kubectl prints."""
        return f"{self.message}{HINT}{self.hint}"

    @abc.abstractmethod
    def holds(self, value: Any, old: Any) -> bool:
        """Whether the value, as JSON, is as the rule says; `old` is None when there was none."""

    def as_validation(self) -> dict[str, str]:
        """The rule as an entry of `x-kubernetes-validations`."""
        entry = {"rule": self.cel, "message": self.text}
        return entry | ({"fieldPath": self.field} if self.field else {})

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Put the rule itself into the schema; `crds` renders it and `violations` runs it."""
        return with_rules(handler(schema), (self,))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Invariant(Rule):
    """A statement about what a value is."""

    check: Callable[[Any], bool]

    def holds(self, value: Any, old: Any) -> bool:
        """Whether the value is allowed, whatever it was before."""
        del old
        return self.check(value)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Transition(Rule):
    """A statement about a change: `check` gets the old value and the new one, CEL has `oldSelf`."""

    check: Callable[[Any, Any], bool]

    def holds(self, value: Any, old: Any) -> bool:
        """Whether the change is allowed; a value that was not there before may be anything."""
        return old is None or self.check(old, value)


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold, and the value that is to blame."""

    path: Path
    value: Any
    rule: Rule


def with_rules(schema: JsonSchemaValue, rules: tuple[Rule, ...]) -> JsonSchemaValue:
    """The schema with rules added after those that it has."""
    return {**schema, KEY: [*schema.get(KEY, ()), *rules]} if rules else schema


def violations(
    schema: dict[str, Any], value: Any, old: Any = None, path: Path = ()
) -> Iterator[Violation]:
    """Run the rules of a structural schema over a value with its defaults, as an API server does.

    Args:
        schema: as `schema.structural` makes it, with `Rule` objects in it.
        value: a JSON value that has passed the rest of the schema.
        old: the value that it replaces, None if there is none.
        path: where the value is.
    """
    for rule in schema.get(KEY, ()):
        if not rule.holds(value, old):
            field = tuple(part for part in rule.field.split(".") if part)
            yield Violation((*path, *field), _at(value, field), rule)
    if isinstance(value, dict):
        yield from _members(schema, value, old if isinstance(old, dict) else {}, path)  # pyright: ignore[reportUnknownArgumentType]
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from violations(schema["items"], item, None, (*path, index))


def _members(
    schema: dict[str, Any], value: dict[str, Any], old: dict[str, Any], path: Path
) -> Iterator[Violation]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for key, member in value.items():
        member_schema = known.get(key, others)
        if member_schema:
            yield from violations(member_schema, member, old.get(key), (*path, key))


def _at(value: Any, field: tuple[str, ...]) -> Any:
    for part in field:
        value = value.get(part) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return value  # pyright: ignore[reportUnknownVariableType]


def quoted(text: str) -> str:
    """A string literal of CEL; ASCII only, so that a CRD shows what it holds."""
    return json.dumps(text)


def whole(pattern: str) -> str:
    r"""A pattern that has to match a text as a whole, as a string literal of CEL.

    The end is `\z`: in some engines `$` leaves room for one more line break.
    """
    return quoted(rf"^(?:{pattern})\z")


def matches(pattern: str, message: str, hint: str) -> Rule:
    """The rule that the whole of a text matches a pattern, which RE2 and Python must read alike."""
    compiled = re.compile(pattern)
    return Invariant(
        cel=f"self.matches({whole(pattern)})",
        check=lambda value: compiled.fullmatch(value) is not None,
        message=message,
        hint=hint,
    )


def immutable(reason: str, hint: str) -> Transition:
    """The rule that a value stays what it was first set to."""
    return Transition(
        cel="self == oldSelf",
        check=lambda old, new: old == new,
        message=f"is immutable: {reason}",
        hint=hint,
    )


def one_of(*fields: str) -> Rule:
    """The rule that an object has exactly one of two or more fields."""
    cel = " + ".join(f"(has(self.{field}) ? 1 : 0)" for field in fields) + " == 1"
    if len(fields) == _TWO:
        cel = f"has(self.{fields[0]}) != has(self.{fields[1]})"
    return Invariant(
        cel=cel,
        check=lambda value: sum(field in value for field in fields) == 1,
        message=f"must have exactly one of {listed(fields, 'and')}",
        hint=f"keep {listed(fields, 'or')} and remove the other{'s' * (len(fields) > _TWO)}",
    )


def same_one_of(*fields: str, reason: str, hint: str) -> Transition:
    """The rule that of several fields the one that is there stays the one that was there."""
    told = fields[:-1]  # one of them is there, so the last follows from the others
    return Transition(
        cel=" && ".join(f"has(self.{field}) == has(oldSelf.{field})" for field in told),
        check=lambda old, new: all((field in old) == (field in new) for field in told),
        message=f"cannot change between {listed(fields, 'and')}: {reason}",
        hint=hint,
    )


def listed(names: Sequence[str], word: str) -> str:
    """Names as people list them: `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}"
