"""What does a YAML text say, and where? Asked by the loader.

PyYAML's parser gives events with positions; the tree is built here, without recursion, so that
depth, aliases, duplicate keys and what readers of YAML disagree about are refused with their places
before anything grows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, cast

import yaml
from yaml import events
from yaml.resolver import Resolver

from ouranos.api import errors

MAXIMUM_DEPTH: Final = 32
MAXIMUM_VALUES: Final = 20_000

_TAG = "tag:yaml.org,2002:"
_TAGS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "map", "seq"))
_TRUE = frozenset({"y", "yes", "true", "on"})
_BOOLEAN = _TRUE | {"n", "no", "false", "off"}
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?")
_DISPUTED = re.compile(r"[-+]?(0o[0-7]+|[0-9.]+[eE][-+]?[0-9]+)")
_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar:
    """A single value, and the text that it was read from."""

    at: Position
    value: str | int | float | bool | None
    text: str
    size: int = 1


@dataclass(slots=True)
class Sequence:
    """A list."""

    at: Position
    items: list[Node] = field(default_factory=list["Node"])
    size: int = 1


@dataclass(slots=True)
class Mapping:
    """A mapping, with the place of each key."""

    at: Position
    entries: dict[str, Node] = field(default_factory=dict[str, "Node"])
    keys: dict[str, Position] = field(default_factory=dict[str, Position])
    size: int = 1


Node = Scalar | Sequence | Mapping


def plain(node: Node) -> Any:
    """The node as JSON."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.entries.items()}


def position(root: Node, path: errors.Path, *, of_key: bool = False) -> Position:
    """Where the value at a path is; if it is not there, where the nearest thing around it is.

    Args:
        root: the document.
        path: keys and indices.
        of_key: point at the key even where the value is on the same line.
    """
    node, at, found = root, root.at, 0
    for part in path:
        if isinstance(node, Mapping) and str(part) in node.entries:
            key = str(part)
            node, at = node.entries[key], node.keys.get(key, node.entries[key].at)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            at = node.at
        else:
            break
        found += 1
    whole = found == len(path)
    return node.at if whole and isinstance(node, Scalar) and not of_key else at


def written(root: Node, path: errors.Path) -> str | None:
    """The text of the single value at a path as it is in the file, without quotes; else None."""
    node: Node | None = root
    for part in path:
        if isinstance(node, Mapping):
            node = node.entries.get(str(part))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            return None
    return node.text if isinstance(node, Scalar) else None


class _Frame:
    """A collection that is being read, and the key whose value comes next."""

    def __init__(self, node: Sequence | Mapping, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: Scalar | None = None


class Reader:
    """Reads the documents of one text."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._resolver = Resolver()
        self._anchors: dict[str, Node] = {}
        self._stack: list[_Frame] = []
        self._values = 0

    def documents(self) -> Iterator[Node]:
        """The documents in order, without empty ones.

        Raises:
            errors.InputError: the text is not YAML, or not of the kind that is read here.
        """
        try:
            parsed = cast("Iterator[yaml.Event]", yaml.parse(self._text, Loader=yaml.CSafeLoader))  # pyright: ignore[reportUnknownMemberType]
            for event in parsed:
                if isinstance(event, events.DocumentStartEvent):
                    self._anchors.clear()
                done = self._take(event)
                if done is not None and not (isinstance(done, Scalar) and done.value is None):
                    yield done
        except yaml.MarkedYAMLError as error:
            self._not_yaml(error)

    def _not_yaml(self, error: yaml.MarkedYAMLError) -> NoReturn:
        mark = error.problem_mark or error.context_mark
        at = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
        problem = error.problem or "it cannot be parsed"
        line = self._text.splitlines()[at.line - 1 : at.line] if at.line else []
        if "\\t" in problem or (line and "\t" in line[0][: at.column]):
            message, hint = "there is a tab in the indentation", "indent with blanks"
        else:
            message, hint = (
                f"this is not YAML: {problem}",
                "look at indentation, colons and quotes here",
            )
        raise errors.InputError(
            errors.Mistake(self._file, at.line, at.column, message, hint)
        ) from error

    def _refuse(self, at: Position, message: str, hint: str) -> NoReturn:
        raise errors.InputError(errors.Mistake(self._file, at.line, at.column, message, hint))

    def _take(self, event: yaml.Event) -> Node | None:
        """Take one event; return a document when it is complete."""
        at = Position(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, events.CollectionStartEvent):
            return self._open(event, at)
        if isinstance(event, events.CollectionEndEvent):
            frame = self._stack.pop()
            return self._put(frame.node, frame.anchor)
        if isinstance(event, events.AliasEvent):
            return self._put(self._target(event, at), None)
        if isinstance(event, events.ScalarEvent):
            return self._put(self._scalar(event, at), event.anchor)
        return None

    def _open(self, event: events.CollectionStartEvent, at: Position) -> None:
        self._check_tag(event.tag, at)
        if len(self._stack) >= MAXIMUM_DEPTH:
            self._refuse(
                at, f"this is nested more than {MAXIMUM_DEPTH} levels deep", "make it flatter"
            )
        self._count(1, at)
        node = Mapping(at) if isinstance(event, events.MappingStartEvent) else Sequence(at)
        self._stack.append(_Frame(node, event.anchor))

    def _target(self, event: events.AliasEvent, at: Position) -> Node:
        name = event.anchor or ""
        target = self._anchors.get(name)
        if target is None:
            open_ones = [frame.anchor for frame in self._stack]
            why = "stands for what it is part of" if name in open_ones else "stands for nothing"
            self._refuse(
                at, f"*{name} {why}", f"put &{name} before a value that ends before this line"
            )
        self._count(target.size, at)
        return target

    def _count(self, size: int, at: Position) -> None:
        self._values += size
        if self._values > MAXIMUM_VALUES:
            self._refuse(
                at,
                f"the file has more than {MAXIMUM_VALUES} values, counted with its aliases",
                "write less, or fewer aliases of aliases",
            )

    def _check_tag(self, tag: str | None, at: Position) -> None:
        if tag not in _TAGS | {None, "!"}:
            self._refuse(at, f"the tag {tag} means nothing here", "remove the tag")

    def _put(self, node: Node, anchor: str | None) -> Node | None:
        if anchor:
            self._anchors[anchor] = node
        if not self._stack:
            return node
        frame = self._stack[-1]
        if isinstance(frame.node, Sequence):
            frame.node.items.append(node)
            frame.node.size += node.size
        elif frame.key is None:
            frame.key = self._key(frame.node, node)
        else:
            self._enter(frame.node, frame.key, node)
            frame.key = None
        return None

    def _key(self, mapping: Mapping, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            self._refuse(node.at, "a key must be a single text", "write one word before the colon")
        if not isinstance(node.value, str):
            shown = node.text or "nothing"
            self._refuse(node.at, f"the key {shown} is not text", f'write "{node.text}": in quotes')
        if node.value in mapping.keys and node.value != "<<":
            first = mapping.keys[node.value].line
            self._refuse(
                node.at,
                f"the key {node.value} is there twice, first in line {first}",
                "remove one of them",
            )
        return node

    def _enter(self, mapping: Mapping, key: Scalar, node: Node) -> None:
        name = cast("str", key.value)
        if name == "<<":
            self._merge(mapping, key.at, node)
            return
        mapping.entries[name] = node
        mapping.keys[name] = key.at
        mapping.size += node.size

    def _merge(self, mapping: Mapping, at: Position, node: Node) -> None:
        """Take over what a merge key names; what the mapping says itself comes first."""
        for source in node.items if isinstance(node, Sequence) else [node]:
            if not isinstance(source, Mapping):
                self._refuse(at, "<< merges mappings only", "put an alias of a mapping after it")
            for key, value in source.entries.items():
                if key not in mapping.entries:
                    mapping.entries[key] = value
                    mapping.size += value.size

    def _scalar(self, event: events.ScalarEvent, at: Position) -> Scalar:
        self._check_tag(event.tag, at)
        self._count(1, at)
        text, untagged = event.value, event.tag is None and event.implicit[0]
        if untagged:
            tag = self._resolver.resolve(yaml.ScalarNode, text, (True, False))  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        else:
            tag = event.tag if event.tag in _TAGS else _TAG + "str"
        return Scalar(at, self._value(cast("str", tag), text, at, plain=untagged), text)

    def _value(
        self, tag: str, text: str, at: Position, *, plain: bool
    ) -> str | float | bool | None:
        if text.lower() in _BOOLEAN and (plain or tag == _TAG + "bool"):
            return text.lower() in _TRUE
        if tag == _TAG + "null":
            return None
        if tag == _TAG + "int":
            return self._integer(text, at)
        if tag == _TAG + "float":
            return self._float(text, at)
        if plain and _DISPUTED.fullmatch(text):
            self._dispute(text, at)
        return text

    def _integer(self, text: str, at: Position) -> int:
        if not _DECIMAL.fullmatch(text):
            self._dispute(text, at)
        number = int(text)
        if abs(number) > _LARGEST:
            self._refuse(
                at, f"{text} does not fit into 64 bits", "write a smaller number, or text in quotes"
            )
        return number

    def _float(self, text: str, at: Position) -> float:
        if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
            self._dispute(text, at)
        return float(text)

    def _dispute(self, text: str, at: Position) -> NoReturn:
        self._refuse(
            at,
            f"{text} is read as a number by some and as text by others",
            f'write "{text}" in quotes, or the number in decimal digits',
        )
