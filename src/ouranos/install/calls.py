"""What do controllers ask of the API? Read from `calls.yaml`, which the tests write and compare.

The tests run every controller through the life of a cloud and note each call; the roles are made
of these notes, so that nothing is allowed that nobody needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import yaml

SERVICES: Final = "SERVICES"
"""In the place of a resource: the kinds of all services, whichever there are."""
GROUP: Final = "ouranos.cloud"

_HEAD: Final = "# Written by `make roles` from what controllers call in tests; do not edit.\n"


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """One thing that a controller does.

    Attributes:
        group: the group of the resource; empty for the core.
        resource: its plural, with the subresource after a slash.
        verb: as roles name it.
        own: whether only in the namespace that the controllers run in.
    """

    group: str
    resource: str
    verb: str
    own: bool = False


def known() -> frozenset[Call]:
    """Every call that controllers make."""
    return parsed((resources.files("ouranos.install") / "calls.yaml").read_text(encoding="utf-8"))


def parsed(text: str) -> frozenset[Call]:
    """The calls that a text lists."""
    entries: list[dict[str, Any]] = yaml.safe_load(text)
    return frozenset(
        Call(entry["group"], entry["resource"], verb, entry.get("own", False))
        for entry in entries
        for verb in entry["verbs"]
    )


def written(calls: Iterable[Call]) -> str:
    """The text that lists some calls; the same calls give the same text."""
    grouped: dict[tuple[str, str, bool], list[str]] = {}
    for call in sorted(calls):
        grouped.setdefault((call.group, call.resource, call.own), []).append(call.verb)
    lines = [
        f"- {{group: {group or chr(34) * 2}, resource: {resource}, "
        f"{'own: true, ' if own else ''}verbs: [{', '.join(verbs)}]}}\n"
        for (group, resource, own), verbs in grouped.items()
    ]
    return _HEAD + "".join(lines)
