"""Which objects does a selector choose? By labels and fields; asked by reads and deletes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ouranos.engine.apiserver import failure
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.schema import metadata
from ouranos.kit.objects import Object

LabelTest = Callable[[Mapping[str, str]], bool]

_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s=!<>]+)\s*(?P<operator>==|=|!=|<|>)\s*(?P<value>\S*)")
_EXISTS = re.compile(r"(?P<not>!?)\s*(?P<key>[^\s=!<>()]+)")
_ESCAPE = re.compile(r"\\([\\,=])")
_FIELD = re.compile(r"(?P<name>[^=!]*)(?P<operator>!=|==|=)(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one label."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def accepts(self, labels: Mapping[str, str]) -> bool:
        """Whether labels fulfil the condition."""
        value = labels.get(self.key)
        match self.operator:
            case "exists":
                return value is not None
            case "!":
                return value is None
            case "in":
                return value in self.values
            case "notin":
                return value is None or value not in self.values
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        (limit,) = self.values
        if value is None or not re.fullmatch(r"-?\d+", value):
            return False
        return int(value) > int(limit) if self.operator == ">" else int(value) < int(limit)


def _split(text: str) -> list[str]:
    parts, depth, start = list[str](), 0, 0
    for index, letter in enumerate(text):
        if letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    parts.append(text[start:])
    return parts


def _requirement(text: str) -> Requirement:
    """Read one condition.

    Raises:
        failure.Failure: it is not one.
    """
    stripped = text.strip()
    if found := _SET.fullmatch(stripped):
        values = frozenset(value.strip() for value in found["values"].split(","))
        result = Requirement(found["key"], found["operator"], values)
    elif found := _EQUAL.fullmatch(stripped):
        operator = {"=": "in", "==": "in", "!=": "notin"}.get(found["operator"], found["operator"])
        result = Requirement(found["key"], operator, frozenset({found["value"]}))
    elif found := _EXISTS.fullmatch(stripped):
        result = Requirement(found["key"], found["not"] or "exists")
    else:
        raise failure.bad_request(
            f"unable to parse requirement: found '{text}', expected: identifier"
        )
    wrong = metadata.qualified(result.key)
    wrong += [each for value in result.values for each in metadata.label_value(value)]
    if wrong:
        raise failure.bad_request(f"unable to parse requirement: {wrong[0]}")
    return result


def labels(text: str) -> LabelTest | None:
    """Read a label selector as a query parameter has it; None when it chooses everything.

    Raises:
        failure.Failure: it cannot be read.
    """
    if not text.strip():
        return None
    requirements = [_requirement(part) for part in _split(text)]
    return lambda found: all(each.accepts(found) for each in requirements)


def label_object(selector: Object | None) -> LabelTest:
    """Read a LabelSelector object; an absent one chooses nothing, an empty one everything."""
    if selector is None:
        return lambda _: False
    requirements = [
        Requirement(key, "in", frozenset({value}))
        for key, value in cast("dict[str, str]", selector.get("matchLabels") or {}).items()
    ]
    operators = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}
    for each in cast("list[Object]", selector.get("matchExpressions") or []):
        values: list[Any] = each.get("values") or []
        requirements.append(
            Requirement(each["key"], operators[each["operator"]], frozenset(values))
        )
    return lambda found: all(each.accepts(found) for each in requirements)


def text_of(selector: Object) -> str:
    """Write a LabelSelector object as a query parameter has it."""
    parts = [
        f"{key}={value}"
        for key, value in sorted(cast("dict[str, str]", selector.get("matchLabels") or {}).items())
    ]
    for each in cast("list[Object]", selector.get("matchExpressions") or []):
        values = ",".join(sorted(each.get("values") or []))
        shape = {
            "In": "{} in ({})",
            "NotIn": "{} notin ({})",
            "Exists": "{}",
            "DoesNotExist": "!{}",
        }
        parts.append(shape[each["operator"]].format(each["key"], values))
    return ",".join(parts)


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One condition on one field."""

    name: str
    value: str
    equal: bool

    def accepts(self, record: Record) -> bool:
        """Whether the object fulfils the condition."""
        if self.name == "metadata.name":
            found = record.key.name
        elif self.name == "metadata.namespace":
            found = record.key.namespace
        else:
            found = record.fields.get(self.name, "")
        return (found == self.value) is self.equal


def _term(text: str, known: Mapping[str, object], *, plain: bool) -> FieldTerm:
    found = _FIELD.fullmatch(text)
    if found is None:
        raise failure.bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    name = found["name"].strip()
    if name not in known and name not in {"metadata.name", "metadata.namespace"}:
        only = 'only "metadata.name", "metadata.namespace"'
        unknown = f'"{name}" is not a known field selector: {only}'
        raise failure.bad_request(unknown if plain else f"field label not supported: {name}")
    return FieldTerm(name, _ESCAPE.sub(r"\1", found["value"]), found["operator"] != "!=")


def fields(text: str, known: Mapping[str, object], *, plain: bool = False) -> tuple[FieldTerm, ...]:
    """Read a field selector as a query parameter has it.

    Args:
        text: the selector.
        known: the fields that objects of this kind can be chosen by, besides name and namespace.
        plain: whether it is a built-in kind that has no such fields.

    Raises:
        failure.Failure: it cannot be read, or names another field.
    """
    parts = re.split(r"(?<!\\),", text)
    return tuple(_term(part, known, plain=plain) for part in parts if part.strip())


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list, a watch or a collection's deletion asks for."""

    namespace: str = ""
    labels: LabelTest | None = None
    fields: tuple[FieldTerm, ...] = ()

    def accepts(self, record: Record) -> bool:
        """Whether the object is chosen."""
        if self.namespace and record.key.namespace != self.namespace:
            return False
        if self.labels is not None and not self.labels(record.labels):
            return False
        return all(term.accepts(record) for term in self.fields)

    @property
    def everything(self) -> bool:
        """Whether nothing but the namespace is asked for."""
        return self.labels is None and not self.fields
