"""The schema of one kind: parse it, then default, prune and validate objects with it."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import (
    definitions,
    metadata,
    rules,
    structure,
    validation,
    walk,
)
from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.node import Node

Object = dict[str, Any]
Defaulter = Callable[[Object], None]
Check = Callable[[Object, "Object | None"], list[Cause]]


_BLOCKING = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""What is so wrong with a custom object that its rules are not asked."""

_UNCHECKED = Cause(
    "<nil>",
    "FieldValueInvalid",
    "Invalid value: null: some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation",
)


class SchemaError(Exception):
    """A schema that Kubernetes would not accept in a CustomResourceDefinition."""

    def __init__(self, found: Sequence[Cause]) -> None:
        super().__init__(causes.summary(found))
        self.causes = tuple(found)


class Structural:
    """What objects of one kind look like.

    `root` is the tree that merging walks too; `has_status` says that `status` is written through
    its own subresource and belongs to nobody who writes the main resource.
    """

    __slots__ = ("_check", "_default", "_rules", "_syntax", "built_in", "has_status", "root")

    def __init__(
        self,
        root: Node,
        *,
        built_in: bool = False,
        has_status: bool = False,
        default: Defaulter | None = None,
        check: Check | None = None,
        syntax: Callable[[str], list[str]] = metadata.subdomain,
    ) -> None:
        self.root = root
        self.built_in = built_in
        self.has_status = has_status
        self._default = default
        self._check = check
        self._syntax = syntax
        self._rules = None if built_in else rules.Rules(root)

    @classmethod
    def parse(
        cls,
        openapi: Object,
        *,
        built_in: bool = False,
        has_status: bool = False,
        path: str = "spec.validation.openAPIV3Schema",
    ) -> "Structural":
        """Read the `openAPIV3Schema` of a CustomResourceDefinition.

        Args:
            openapi: The schema as written in the CustomResourceDefinition.
            built_in: Whether the schema is one of Kubernetes' own, which need not be structural.
            has_status: Whether the kind has the status subresource.
            path: Where the schema stands, for the causes of an error.

        Raises:
            SchemaError: the schema is not structural, or one of its rules does not compile.
        """
        if not built_in:
            found = structure.violations(openapi, path)
            if found:
                raise SchemaError(found)
        node = nodes.Builder(built_in=built_in).build(openapi)
        if not built_in:
            _as_resource(node)
        parsed = cls(node, built_in=built_in, has_status=has_status)
        found = parsed.rule_errors(path)
        if found:
            raise SchemaError(found)
        return parsed

    def rule_errors(self, path: str) -> list[Cause]:
        """Compile all rules and say which do not compile."""
        return [] if self._rules is None else self._rules.errors(path)

    def default(self, obj: Object, *, nulls: bool = False) -> None:
        """Fill in defaults, in place, and drop nulls that mean nothing, unless they may stay."""
        walk.default(obj, self.root, nulls=nulls)
        if self._default is not None:
            self._default(obj)

    def prune(self, obj: Object) -> list[str]:
        """Remove unknown fields, in place, and return their paths."""
        unknown: list[str] = []
        walk.prune(obj, self.root, "", unknown)
        return unknown

    def validate(self, obj: Object) -> list[Cause]:
        """Say what is wrong with a new object; rules that compare with an old one do not run."""
        return self._validated(obj, None)

    def validate_update(self, obj: Object, old: Object, subresource: str = "") -> list[Cause]:
        """Say what is wrong with an object that shall replace `old`, transition rules included."""
        return self._validated(obj, old, subresource)

    def _validated(self, obj: Object, old: Object | None, subresource: str = "") -> list[Cause]:
        found: list[Cause] = []
        validation.validate(obj, self.root, None, found, None if self.built_in else old)
        if found and subresource == "status" and not self.built_in:
            found = [_of_status(one) for one in found]
        if self.built_in and found:
            return found
        if old is None:
            found += metadata.name(obj, self._syntax)
        found += metadata.validate(obj, old)
        if self._rules is None:
            return found + self._built_in_checks(obj, old)
        if any(one.reason in _BLOCKING for one in found):
            return found + ([_UNCHECKED] if self._rules.present else [])
        return found + self._rules.evaluate(obj, old)

    def _built_in_checks(self, obj: Object, old: Object | None) -> list[Cause]:
        found: list[Cause] = []
        if obj.get("kind") != "CustomResourceDefinition":
            found += metadata.standard_finalizers(obj)
        if self._check is not None and not _only_status(obj, old):
            found += self._check(obj, old)
        return found


def _of_status(found: Cause) -> Cause:
    """Word what is wrong with a status as its own door does: as if the status were the object."""
    if found.field == "<nil>":
        message = found.message.replace('"status.', '"', 1)
        return replace(found, field="status", message=message)
    inner = found.field.removeprefix("status").removeprefix(".")
    message = found.message.replace(f"{found.field} in body", f"{inner} in body", 1)
    return replace(found, message=message)


def _only_status(obj: Object, old: Object | None) -> bool:
    """Whether only metadata and status differ, so that a built-in kind's checks still hold."""
    if old is None:
        return False
    keys = ({**obj, **old}).keys() - {"metadata", "status"}
    return all(obj.get(key) == old.get(key) for key in keys)


def _as_resource(node: Node) -> None:
    """Give a custom resource (or an embedded one) the fields that every object has."""
    text = Node("string")
    own = node.properties.get("metadata")
    meta = definitions.object_meta()
    if own is not None and own.properties:
        meta = _restricted(meta, own)
    node.properties = {**node.properties, "apiVersion": text, "kind": text, "metadata": meta}


def _restricted(meta: Node, own: Node) -> Node:
    merged = copy.copy(meta)
    merged.properties = {
        **meta.properties,
        **{key: child for key, child in own.properties.items() if key in {"name", "generateName"}},
    }
    return merged
