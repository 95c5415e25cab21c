"""How does a model become a structural schema? Asked by the CRD generator and by who runs rules.

pydantic writes JSON schema that Kubernetes refuses (`$ref`, `anyOf … null`, `const`,
`discriminator`). What has a structural form is rewritten; all else is refused here, with its place,
instead of by an API server.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from ouranos.api import rules

Schema = dict[str, Any]

_PRESERVE: Final = "x-kubernetes-preserve-unknown-fields"
_KEPT: Final = frozenset(
    {
        "default",
        "description",
        "enum",
        "format",
        "maximum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minimum",
        "minItems",
        "minLength",
        "minProperties",
        "pattern",
        "required",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        _PRESERVE,
        rules.KEY,
    }
)
_TYPES: Final = frozenset({"array", "boolean", "integer", "number", "object", "string"})
_UNBOUNDED: Final = {"string": "maxLength", "array": "maxItems"}


class NotStructural(ValueError):
    """A schema that an API server would refuse; the message names the place and the keyword."""


class _Generator(GenerateJsonSchema):
    """pydantic's generator, with models in defaults written as people write them."""

    def encode_default(self, dft: Any) -> Any:
        """A model with all its fields: an API server checks rules on a default as it stands."""
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_none=True)
        return super().encode_default(dft)


@functools.cache
def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, with `rules.Rule` objects where its rules are.

    Raises:
        NotStructural: the model uses what no structural schema can say.
    """
    whole = model.model_json_schema(schema_generator=_Generator)
    definitions = whole.pop("$defs", {})
    return _convert(whole, definitions, model.__name__)


def _convert(schema: Schema, definitions: dict[str, Schema], place: str) -> Schema:
    schema = _without_null(_resolved(schema, definitions), definitions, place)
    result: Schema = {}
    for key, value in schema.items():
        if key in _KEPT:
            result[key] = list(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownArgumentType]
        elif key == "properties":
            result[key] = {
                name: _convert(member, definitions, f"{place}.{name}")
                for name, member in value.items()
            }
        elif key in {"items", "additionalProperties"}:
            if isinstance(value, dict):
                result[key] = _convert(value, definitions, f"{place}[]")  # pyright: ignore[reportUnknownArgumentType]
        elif key != "title":
            raise NotStructural(f"{place}: {key} has no structural form")
    _refuse(result, place)
    return result


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema behind `$ref`; what stands beside the reference comes on top, rules come after."""
    while "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        beside = {key: value for key, value in schema.items() if key not in {"$ref", rules.KEY}}
        schema = rules.with_rules(target | beside, tuple(schema.get(rules.KEY, ())))
    return schema


def _without_null(schema: Schema, definitions: dict[str, Schema], place: str) -> Schema:
    """`X | None = None` is a field that may be absent; Kubernetes says that by not requiring it."""
    if "anyOf" not in schema:
        return schema
    choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
    if len(choices) != 1:
        raise NotStructural(f"{place}: anyOf has no structural form")
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    if beside.get("default", ...) is None:
        del beside["default"]
    return _resolved(choices[0] | beside, definitions)


def _refuse(schema: Schema, place: str) -> None:
    """Refuse what an API server refuses, or accepts and then pays for without a bound."""
    kind = schema.get("type")
    if kind is None and _PRESERVE not in schema:
        raise NotStructural(f"{place}: there is no type")
    if kind is not None and kind not in _TYPES:
        raise NotStructural(f"{place}: {kind} is not a type")
    if "default" in schema and schema["default"] is None:
        raise NotStructural(f"{place}: a default cannot be null")
    bound = "maxProperties" if "additionalProperties" in schema else _UNBOUNDED.get(str(kind))
    if bound and bound not in schema and "enum" not in schema:
        raise NotStructural(
            f"{place}: {bound} is missing, without which rules have no bounded cost"
        )


def rendered(schema: Schema) -> Schema:
    """The schema as JSON: rules in the form that an API server reads."""
    return _map(
        schema, lambda value: value.as_validation() if isinstance(value, rules.Rule) else value
    )


def without_defaults(schema: Schema) -> Schema:
    """The schema for what is observed: what nobody has written is absent."""
    result = {key: value for key, value in schema.items() if key != "default"}
    for key in ("items", "additionalProperties"):
        if key in result:
            result[key] = without_defaults(result[key])
    if "properties" in result:
        members: dict[str, Schema] = result["properties"]
        result["properties"] = {name: without_defaults(member) for name, member in members.items()}
    return result


def _map(value: Any, leaf: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _map(member, leaf) for key, member in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_map(item, leaf) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return leaf(value)


def at(schema: Schema, path: rules.Path) -> Schema | None:
    """The schema of the value at a path, None where the path leaves what is described."""
    for part in path:
        inner = schema.get("properties", {}).get(part) or schema.get("additionalProperties")
        following = schema.get("items") if isinstance(part, int) else inner
        if following is None:
            return None
        schema = following
    return schema
