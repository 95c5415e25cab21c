"""Is a schema structural, as apiextensions demands? For every CustomResourceDefinition."""

import re
from typing import Any, cast

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import node as nodes
from ouranos.engine.apiserver.schema import validation, walk
from ouranos.engine.apiserver.schema.cause import Cause

Object = dict[str, Any]

_TYPES = ("string", "integer", "number", "boolean", "array", "object")
_NESTED = ("allOf", "anyOf", "oneOf")
_FORBIDDEN = (
    "$ref", "$schema", "id", "definitions", "dependencies", "patternProperties",
    "additionalItems", "discriminator", "const", "if", "then", "else",
)  # fmt: skip
_STRUCTURE = (
    "default", "additionalProperties", "nullable", "title", "description", "type",
    "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
)  # fmt: skip


def violations(schema: Object, path: str) -> list[Cause]:
    """Say everything in a schema that is not structural."""
    found: list[Cause] = []
    metadata = schema.get("properties", {}).get("metadata", {}).get("properties", {})
    if metadata.keys() - {"name", "generateName"}:
        detail = (
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified"
        )
        found.append(causes.forbidden(f"{path}.properties[metadata]", detail))
    _check(schema, path, found, root=True)
    if schema.get("type") != "object":
        found.append(
            causes.invalid(f"{path}.type", schema.get("type", ""), "must be object at the root")
            if schema.get("type")
            else causes.required(f"{path}.type", "must not be empty at the root")
        )
    return found


def _check(schema: Object, path: str, found: list[Cause], *, root: bool = False) -> None:
    for key in _FORBIDDEN:
        if key in schema:
            detail = f"{key} is not supported"
            found.append(causes.forbidden(f"{path}.{key}", detail))
    if root and schema.get("nullable"):
        found.append(causes.forbidden(f"{path}.nullable", "nullable cannot be true at the root"))
    _check_pattern(schema, path, found)
    _check_default(schema, path, found)
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        found.append(causes.forbidden(f"{path}.uniqueItems", detail))
    _check_type(schema, path, found, root=root)
    _check_lists(schema, path, found)
    _check_rules(schema, path, found)
    for key in _NESTED:
        for index, one in enumerate(schema.get(key, ())):
            _check_value(one, f"{path}.{key}[{index}]", schema, found)
    if "not" in schema:
        _check_value(schema["not"], f"{path}.not", schema, found)
    _descend(schema, path, found)


def _descend(schema: Object, path: str, found: list[Cause]) -> None:
    for key, child in schema.get("properties", {}).items():
        _check(child, f"{path}.properties[{key}]", found)
    additional = schema.get("additionalProperties")
    if isinstance(additional, dict):
        if schema.get("properties"):
            detail = "additionalProperties and properties are mutual exclusive"
            found.append(causes.forbidden(f"{path}.additionalProperties", detail))
        _check(cast("Object", additional), f"{path}.additionalProperties", found)
    items = schema.get("items")
    if isinstance(items, list):
        detail = "items must be a schema object and not an array"
        found.append(causes.forbidden(f"{path}.items", detail))
    elif isinstance(items, dict):
        _check(cast("Object", items), f"{path}.items", found)
    elif schema.get("type") == "array":
        found.append(causes.required(f"{path}.items", "must be specified"))


def _check_type(schema: Object, path: str, found: list[Cause], *, root: bool) -> None:
    type_ = schema.get("type", "")
    free = schema.get("x-kubernetes-int-or-string") or schema.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    if not type_:
        if not free and not root:
            detail = f"must not be empty for specified {_place(path)}"
            found.append(causes.required(f"{path}.type", detail))
    elif type_ not in _TYPES:
        found.append(causes.not_supported(f"{path}.type", type_, sorted(_TYPES)))
    if schema.get("x-kubernetes-int-or-string") and type_:
        detail = "must be empty if x-kubernetes-int-or-string is true"
        found.append(causes.invalid(f"{path}.type", type_, detail))
    if schema.get("x-kubernetes-embedded-resource") and type_ != "object":
        detail = "must be object if x-kubernetes-embedded-resource is true"
        found.append(causes.invalid(f"{path}.type", type_, detail))
    if schema.get("x-kubernetes-embedded-resource") and not (
        schema.get("properties") or schema.get("x-kubernetes-preserve-unknown-fields")
    ):
        detail = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        found.append(causes.required(f"{path}.properties", detail))
    if schema.get("x-kubernetes-preserve-unknown-fields") is False:
        where = f"{path}.x-kubernetes-preserve-unknown-fields"
        found.append(causes.invalid(where, False, "must be true or undefined"))  # noqa: FBT003


def _check_pattern(schema: Object, path: str, found: list[Cause]) -> None:
    expression = schema.get("pattern")
    if expression is None:
        return
    try:
        validation.pattern(expression)
    except re.error as error:
        detail = f"must be a valid regular expression, but isn't: error parsing regexp: {error}"
        found.append(causes.invalid(f"{path}.pattern", expression, detail))


def _check_default(schema: Object, path: str, found: list[Cause]) -> None:
    """Check that a default fits the schema that it stands in."""
    value = schema.get("default")
    if value is None:
        return
    node = nodes.Builder().build({key: one for key, one in schema.items() if key != "default"})
    unknown: list[str] = []
    trial = walk.copied(value)
    walk.prune(trial, node, "", unknown)
    where = f"{path}.default"
    if unknown:
        found.append(causes.invalid(where, value, "must not have unknown fields"))
    wrong: list[Cause] = []
    walk.default(trial, node)
    validation.validate(trial, node, None, wrong)
    for one in wrong:
        below = f"{where}.{one.field}" if one.field else where
        found.append(Cause(below, one.reason, one.message))


def _place(path: str) -> str:
    if path.endswith(".items"):
        return "array items"
    return "object fields" if path.endswith("]") else "additionalProperties"


def _check_lists(schema: Object, path: str, found: list[Cause]) -> None:
    type_ = schema.get("type", "")
    list_type = schema.get("x-kubernetes-list-type")
    if list_type is not None:
        where = f"{path}.x-kubernetes-list-type"
        if type_ != "array":
            detail = "must be array if x-kubernetes-list-type is specified"
            found.append(causes.invalid(f"{path}.type", type_, detail))
        if list_type not in {"atomic", "set", "map"}:
            found.append(causes.not_supported(where, list_type, ["atomic", "set", "map"]))
    keys = schema.get("x-kubernetes-list-map-keys")
    where = f"{path}.x-kubernetes-list-map-keys"
    if list_type == "map":
        if not keys:
            found.append(
                causes.required(where, "must not be empty if x-kubernetes-list-type is map")
            )
        else:
            _check_keys(schema, keys, path, found)
    elif keys:
        found.append(
            causes.forbidden(where, "must not be set if x-kubernetes-list-type is not map")
        )
    map_type = schema.get("x-kubernetes-map-type")
    if map_type is not None and map_type not in {"atomic", "granular"}:
        where = f"{path}.x-kubernetes-map-type"
        found.append(causes.not_supported(where, map_type, ["atomic", "granular"]))


def _check_keys(schema: Object, keys: list[str], path: str, found: list[Cause]) -> None:
    items = cast("Object", schema.get("items") or {})
    if items.get("type") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        found.append(causes.invalid(f"{path}.items.type", items.get("type", ""), detail))
        return
    properties = items.get("properties", {})
    for key in keys:
        where = f"{path}.items.properties[{key}]"
        if key not in properties:
            listed = f"{path}.x-kubernetes-list-map-keys"
            detail = "entries must all be names of item properties"
            found.append(causes.invalid(listed, keys, detail))
        elif key not in items.get("required", ()) and "default" not in properties[key]:
            detail = (
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be "
                "a required property"
            )
            found.append(causes.required(f"{where}.default", detail))


def _check_rules(schema: Object, path: str, found: list[Cause]) -> None:
    for index, rule in enumerate(schema.get("x-kubernetes-validations", ())):
        where = f"{path}.x-kubernetes-validations[{index}]"
        if not str(rule.get("rule", "")).strip():
            found.append(causes.required(f"{where}.rule", "rule is not specified"))
        message = rule.get("message")
        if message is not None and (not message.strip() or "\n" in message):
            detail = (
                "message must be non-empty if specified"
                if not message.strip()
                else "must not contain line breaks"
            )
            found.append(causes.invalid(f"{where}.message", message, detail))
        reason = rule.get("reason")
        allowed = (
            "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired",
        )  # fmt: skip
        if reason is not None and reason not in allowed:
            found.append(causes.not_supported(f"{where}.reason", reason, allowed))


def _check_value(schema: Object, path: str, outer: Object, found: list[Cause]) -> None:
    """Check a schema below allOf, anyOf, oneOf or not, which may only restrict values."""
    int_or_string = outer.get("x-kubernetes-int-or-string")
    for key in _STRUCTURE:
        if key in schema and not (key == "type" and int_or_string):
            word = "undefined" if key == "default" else "empty"
            found.append(causes.forbidden(f"{path}.{key}", f"must be {word} to be structural"))
    _check_declared(schema, path, outer, found)
    if isinstance(schema.get("items"), dict):
        _check_value(schema["items"], f"{path}.items", outer.get("items") or {}, found)
    for key in _NESTED:
        for index, one in enumerate(schema.get(key, ())):
            _check_value(one, f"{path}.{key}[{index}]", outer, found)
    if "not" in schema:
        _check_value(schema["not"], f"{path}.not", outer, found)


def _check_declared(schema: Object, path: str, outer: Object, found: list[Cause]) -> None:
    """Check that what a combination restricts is declared outside of it."""
    additional: Any = outer.get("additionalProperties")
    for key, child in schema.get("properties", {}).items():
        where = f"{path}.properties[{key}]"
        declared: Any = outer.get("properties", {}).get(key)
        if declared is None and isinstance(additional, dict):
            declared = cast("Any", additional)
        if declared is None:
            place = where.replace(path, path.rsplit(".", 1)[0], 1)
            detail = f"because it is defined in {where}"
            found.append(causes.required(place, detail))
        else:
            _check_value(child, where, declared, found)
