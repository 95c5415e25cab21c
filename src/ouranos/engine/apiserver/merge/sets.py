"""Sets of fields, in the very form that `managedFields` stores: what does a writer own?

A set is a trie of path elements as Kubernetes serialises them: `f:<field>`, `k:<key of a list
item as JSON>`, `v:<item of a set as JSON>`, `i:<index>`. An element whose value is `{}` is a
member; one that has elements below is a member only if it also has `.`. Sets are never changed
once made, so operations share what they can.
"""

import json
from collections.abc import Iterator
from typing import Any

import msgspec

from ouranos.engine.apiserver.schema.node import Node, Shape

Set = dict[str, Any]

SELF: Set = {}
"""The value of a member that has nothing below it."""

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
_ORDER = {"f": 0, "k": 1, "v": 2, "i": 3}


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode().translate(_ESCAPES)


def key_element(key: dict[str, Any]) -> str:
    """Write the path element of a list item that is known by its key fields."""
    return f"k:{_encoded(dict(sorted(key.items())))}"


def value_element(value: Any) -> str:
    """Write the path element of an item of a set."""
    return f"v:{_encoded(value)}"


def is_member(element: Set) -> bool:
    """Whether an element itself belongs to the set that it was found in."""
    return not element or "." in element


def joined(*, member: bool, below: Set) -> Set | None:
    """Make an element of its membership and what is below it; None if there is neither."""
    if not below:
        return SELF if member else None
    return {".": SELF, **below} if member else below


def below(element: Set) -> Set:
    """Return an element's own elements without its mark of membership."""
    if "." not in element:
        return element
    return {key: value for key, value in element.items() if key != "."}


def union(left: Set, right: Set) -> Set:
    """Return the members of either set."""
    if not left or left is right:
        return right
    if not right:
        return left
    merged = dict(left)
    for key, theirs in right.items():
        ours = left.get(key)
        if ours is None:
            merged[key] = theirs
        elif key != ".":
            member = is_member(ours) or is_member(theirs)
            merged[key] = joined(member=member, below=union(below(ours), below(theirs))) or SELF
    return merged


def difference(left: Set, right: Set) -> Set:
    """Return the members of the left set that are not members of the right one."""
    if not right or not left:
        return left
    kept: Set = {}
    for key, ours in left.items():
        theirs = right.get(key)
        if theirs is None:
            kept[key] = ours
            continue
        member = is_member(ours) and not is_member(theirs)
        element = joined(member=member, below=difference(below(ours), below(theirs)))
        if element is not None:
            kept[key] = element
    return kept


def intersection(left: Set, right: Set) -> Set:
    """Return the members of both sets."""
    kept: Set = {}
    for key, ours in left.items():
        theirs = right.get(key)
        if theirs is None:
            continue
        member = is_member(ours) and is_member(theirs)
        element = joined(member=member, below=intersection(below(ours), below(theirs)))
        if element is not None:
            kept[key] = element
    return kept


def child_node(node: Node | None, element: str) -> Node | None:
    """Find the schema below a path element."""
    if node is None:
        return None
    return node.child(element[2:]) if element.startswith("f:") else node.element


def with_structs(fields: Set, node: Node | None) -> Set:
    """Add every declared field on the way to a member, so that removing a member removes it too.

    Fields of free-form maps and items of lists are not added: they have a life of their own.
    """
    added: Set = {}
    for key, element in fields.items():
        if key == "." or not element:
            added[key] = element
            continue
        declared = key.startswith("f:") and node is not None and _declares(node, key[2:])
        inner = with_structs(below(element), child_node(node, key))
        added[key] = joined(member=declared or "." in element, below=inner) or SELF
    return added


def _declares(node: Node, field: str) -> bool:
    return node.shape in {Shape.MAP, Shape.ANY} and field in node.properties


def paths(fields: Set, prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every member as (path as messages write it, path elements), the upper ones first."""
    yield from _paths(fields, prefix, ())


def _paths(fields: Set, prefix: str, way: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    elements = [key for key in sorted(fields, key=_rank) if key != "."]
    for key in elements:
        if is_member(fields[key]):
            yield prefix + rendered(key), (*way, key)
    for key in elements:
        yield from _paths(below(fields[key]), prefix + rendered(key), (*way, key))


def rendered(element: str) -> str:
    """Write a path element as messages do: `.spec`, `[name="web"]`, `[="a"]`, `[0]`."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "k":
        key = json.loads(text)
        pairs = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in key.items())
        return f"[{','.join(pairs)}]"
    if kind == "v":
        return f"[={text}]"
    return f"[{text}]"


def _rank(element: str) -> tuple[int, str]:
    return (_ORDER.get(element[0], -1), element)


def ordered(fields: Set) -> Set:
    """Return a set with its elements in the order that Kubernetes stores."""
    return {key: ordered(fields[key]) for key in sorted(fields, key=_rank)}
