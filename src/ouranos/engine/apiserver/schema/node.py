"""The one tree that pruning, defaulting, validation and merging walk; built from OpenAPI v3.

A schema document is read once into `Node`s. Leaves that say nothing but their type are shared, so a
Pod's whole tree costs some kilobytes. `$ref` is resolved through a function, once per definition,
which also makes recursive definitions (CustomResourceDefinition) finite.
"""

import copy
import enum
from collections.abc import Callable, Mapping
from typing import Any, cast

Object = dict[str, Any]

MISSING: Any = object()
"""Says that there is no value, where `None` is one."""


class Shape(enum.IntEnum):
    """How merging and ownership treat a value; `ANY` is decided by looking at the value."""

    SCALAR = 0
    LIST = 1
    MAP = 2
    ANY = 3


_LIMITS = (
    "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "multipleOf",
    "maxLength", "minLength", "pattern", "maxItems", "minItems", "uniqueItems",
    "maxProperties", "minProperties", "enum",
)  # fmt: skip


class Node:
    """One place in a schema: what may stand there and how writers share it."""

    __slots__ = (
        "all_of", "always", "any_of", "atomic", "checked", "default", "defaults_below",
        "embedded", "format", "int_or_string", "items", "key_default", "keys", "limits",
        "list_type", "loose", "merge_key", "name", "not_", "nullable", "one_of", "open",
        "patch_strategy", "properties", "required", "rules", "rules_below", "shape", "type",
        "unique", "values",
    )  # fmt: skip

    def __init__(self, type_: str = "") -> None:
        self.type = type_
        self.shape = _SHAPES.get(type_, Shape.SCALAR)
        self.name = ""
        self.format = ""
        self.properties: Mapping[str, Node] = {}
        self.values: Node | None = None
        self.items: Node | None = None
        self.required: tuple[str, ...] = ()
        self.nullable = self.open = self.loose = False
        self.always: frozenset[str] = frozenset()
        self.int_or_string = False
        self.embedded = False
        self.atomic = False
        self.list_type = ""
        self.keys: tuple[str, ...] = ()
        self.default: Any = MISSING
        self.key_default: Any = MISSING
        self.defaults_below = False
        self.limits: Mapping[str, Any] = {}
        self.checked = False
        self.all_of: tuple[Node, ...] = ()
        self.any_of: tuple[Node, ...] = ()
        self.one_of: tuple[Node, ...] = ()
        self.not_: Node | None = None
        self.rules: tuple[Object, ...] = ()
        self.rules_below = False
        self.unique = True
        self.merge_key = ""
        self.patch_strategy = ""

    def child(self, key: str) -> "Node | None":
        """Find a field's node: declared, of the map's values, or free-form; None if unknown."""
        found = self.properties.get(key)
        if found is not None:
            return found
        if self.values is not None:
            return self.values
        return ANYTHING if self.open else None

    @property
    def element(self) -> "Node":
        """The node of a list's items; free-form where the schema does not say."""
        return self.items if self.items is not None else ANYTHING


_SHAPES = {"": Shape.ANY, "object": Shape.MAP, "array": Shape.LIST}

ANYTHING = Node()
ANYTHING.open = ANYTHING.loose = True
ANYTHING.values = ANYTHING
ATOMIC = Node()
ATOMIC.open = ATOMIC.loose = True
ATOMIC.values = ANYTHING
ATOMIC.atomic = True

Resolve = Callable[[str], Node]


class Builder:
    """Reads OpenAPI v3 schemas into nodes and shares equal leaves between them."""

    def __init__(self, resolve: Resolve | None = None, *, built_in: bool = False) -> None:
        self._resolve = resolve
        self._built_in = built_in
        self._leaves: dict[tuple[str, str], Node] = {}

    def build(self, schema: Object, node: Node | None = None) -> Node:
        """Read one schema.

        Args:
            schema: An OpenAPI v3 schema object.
            node: The node to fill instead of a new one, for definitions that refer to themselves.
        """
        reference = schema.get("$ref")
        if reference is not None and self._resolve is not None:
            return self._referred(self._resolve(reference), schema)
        type_ = schema.get("type", "")
        plain = schema.keys() <= {"type", "format", "description"}
        if node is None and plain and type_ not in {"", "object", "array"}:
            return self._leaf(type_, schema.get("format", ""))
        built = Node() if node is None else node
        built.type = type_
        built.shape = _SHAPES.get(type_, Shape.SCALAR)
        self._describe(built, schema)
        self._contain(built, schema)
        return built

    def _leaf(self, type_: str, format_: str) -> Node:
        leaf = self._leaves.get((type_, format_))
        if leaf is None:
            leaf = self._leaves[type_, format_] = Node(type_)
            leaf.format = format_
        return leaf

    def _referred(self, target: Node, schema: Object) -> Node:
        own = {"x-kubernetes-map-type", "x-kubernetes-patch-strategy"}
        if own.isdisjoint(schema):
            return target
        node = copy.copy(target)
        node.patch_strategy = schema.get("x-kubernetes-patch-strategy", "")
        node.atomic = schema.get("x-kubernetes-map-type", "") == "atomic" or node.atomic
        return node

    def _describe(self, node: Node, schema: Object) -> None:
        node.format = schema.get("format", "")
        node.nullable = bool(schema.get("nullable"))
        node.int_or_string = bool(schema.get("x-kubernetes-int-or-string")) or (
            node.format == "int-or-string"
        )
        node.embedded = bool(schema.get("x-kubernetes-embedded-resource"))
        node.required = tuple(schema.get("required", ()))
        node.key_default = schema.get("default", MISSING)
        node.default = MISSING if self._built_in else node.key_default
        node.limits = {key: schema[key] for key in _LIMITS if key in schema}
        node.rules = tuple(schema.get("x-kubernetes-validations", ()))
        node.unique = not self._built_in
        node.list_type = schema.get("x-kubernetes-list-type", "")
        node.keys = tuple(schema.get("x-kubernetes-list-map-keys", ()))
        node.merge_key = schema.get("x-kubernetes-patch-merge-key", "")
        node.patch_strategy = schema.get("x-kubernetes-patch-strategy", "")
        if node.type == "array":
            node.atomic = node.list_type not in {"map", "set"}
        else:
            node.atomic = schema.get("x-kubernetes-map-type") == "atomic"
        if node.int_or_string:
            node.shape = Shape.SCALAR

    def _contain(self, node: Node, schema: Object) -> None:
        node.open = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        properties = schema.get("properties")
        if properties:
            node.properties = {key: self.build(value) for key, value in properties.items()}
            if self._built_in:
                node.always = frozenset(_always(properties, node.required))
        additional = schema.get("additionalProperties")
        if isinstance(additional, dict):
            node.values = self.build(cast("Object", additional))
        elif additional is True or (
            self._built_in and not properties and node.type in {"", "object"}
        ):
            node.open = True
        if isinstance(schema.get("items"), dict):
            node.items = self.build(schema["items"])
        node.all_of = tuple(self.build(one) for one in schema.get("allOf", ()))
        node.any_of = tuple(self.build(one) for one in schema.get("anyOf", ()))
        node.one_of = tuple(self.build(one) for one in schema.get("oneOf", ()))
        node.not_ = self.build(schema["not"]) if "not" in schema else None
        combined = node.all_of or node.any_of or node.one_of or node.not_ is not None
        node.checked = bool(node.limits or combined)
        below = _below(node)
        node.defaults_below = any(
            child.defaults_below or child.default is not MISSING for child in below
        )
        node.loose = node.open or node.shape is Shape.ANY or any(child.loose for child in below)
        node.rules_below = any(child.rules_below or child.rules for child in below)


def _below(node: Node) -> list[Node]:
    below = list(node.properties.values())
    below += [child for child in (node.values, node.items) if child is not None]
    return below


def _always(properties: Mapping[str, Object], required: tuple[str, ...]) -> list[str]:
    """Name the fields that Kubernetes' own types always have: structs by value, required lists."""
    return [
        key
        for key, schema in properties.items()
        if schema.get("default") == {}
        or (key in required and ("items" in schema or "additionalProperties" in schema))
    ]
