"""Which fields of a part have other hands taken? Pure; asked by the Cloud controller.

Server-side apply refuses to change a field that another manager has set, and names it. The Cloud
then gives the field up and applies the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast

from ouranos.kit import objects
from ouranos.kit.objects import Object

_CONFLICT: Final = "FieldManagerConflict"
_MANAGER: Final = re.compile(r'conflict with "([^"]*)"')


@dataclass(frozen=True, slots=True)
class Taken:
    """A field that another manager has set to another value."""

    field: str
    manager: str


def taken(answer: Object) -> tuple[Taken, ...]:
    """The fields that a refused apply names; none if it was refused for another reason."""
    causes = cast("list[Object]", objects.entries(answer, "details", "causes"))
    return tuple(
        Taken(str(cause.get("field", "")), _manager(str(cause.get("message", ""))))
        for cause in causes
        if cause.get("reason") == _CONFLICT
    )


def _manager(message: str) -> str:
    found = _MANAGER.search(message)
    return found.group(1) if found else "another manager"


def without(wanted: Object, fields: Iterable[str]) -> Object:
    """What is wanted, without some fields, given as `.spec.replicas`."""
    for field in fields:
        wanted = _without(wanted, field)
    return wanted


def _without(wanted: Object, field: str) -> Object:
    """Names may hold dots themselves, as labels do: of those that fit, the longest is meant."""
    for name in sorted(wanted, key=len, reverse=True):
        rest = field.removeprefix(f".{name}")
        if rest == field or not (rest == "" or rest[0] in ".["):
            continue
        if rest.startswith(".") and isinstance(wanted[name], dict):
            return wanted | {name: _without(cast("Object", wanted[name]), rest)}
        return {other: member for other, member in wanted.items() if other != name}
    return wanted
