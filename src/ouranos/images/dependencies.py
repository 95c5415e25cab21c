"""What does a package need, among packages that apt has already chosen?

apt has found the set in which everything fits; here it is only divided among layers, which apt
would take seconds for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.+-]*")


@dataclass(frozen=True, slots=True)
class Graph:
    """Names and needs of packages."""

    needs: dict[str, list[list[str]]]
    """Package to its dependencies, each a list of alternatives."""
    providers: dict[str, list[str]]
    """Virtual package to those that provide it."""

    def closure(self, names: Iterable[str], absent: Iterable[str]) -> list[str]:
        """Return these packages and all that they need, sorted.

        Args:
            names: Packages of this graph.
            absent: What counts as there already, though it is not in the answer.
        """
        there = set(absent)
        found: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name in found or name in there:
                continue
            found.add(name)
            todo += (self._choice(group, there) for group in self.needs[name])
        return sorted(found)

    def _choice(self, alternatives: list[str], there: set[str]) -> str:
        for name in alternatives:
            for candidate in (name, *self.providers.get(name, [])):
                if candidate in there or candidate in self.needs:
                    return candidate
        # apt counts it as there: one of the packages taken for installed provides it.
        there.add(alternatives[0])
        return alternatives[0]


def parse(text: str) -> Graph:
    """Return what stanzas of package descriptions say."""
    needs: dict[str, list[list[str]]] = {}
    providers: dict[str, list[str]] = {}
    for stanza in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1)
            for line in stanza.splitlines()
            if ": " in line and not line.startswith(" ")
        )
        if "Package" not in fields:
            continue
        name = fields["Package"]
        wanted = [fields[key] for key in ("Pre-Depends", "Depends") if key in fields]
        needs[name] = [
            _names(group, "|") for group in ", ".join(wanted).split(",") if group.strip()
        ]
        for virtual in _names(fields.get("Provides", ""), ","):
            providers.setdefault(virtual, []).append(name)
    return Graph(needs, providers)


def _names(text: str, separator: str) -> list[str]:
    matches = (_NAME.match(part.strip()) for part in text.split(separator))
    return [match.group() for match in matches if match is not None]
