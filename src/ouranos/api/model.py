"""What do all objects have in common? Asked by every model of this room."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from ouranos.api import rules, values


class Model(BaseModel):
    """A part of what people write: frozen, in camel case, strict about types and unknown fields.

    A docstring below a field becomes its description in the CRD.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )
    RULES: ClassVar[tuple[rules.Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        """Put the model's own rules into its schema."""
        schema = handler(core_schema)
        target = handler.resolve_ref_schema(schema)
        target.update(rules.with_rules(target, cls.own_rules()))
        return schema

    @classmethod
    def own_rules(cls) -> tuple[rules.Rule, ...]:
        """The rules of the model and of those that it extends."""
        return tuple(rule for base in reversed(cls.__mro__) for rule in vars(base).get("RULES", ()))


class Observed(Model):
    """A part of what controllers write: unknown fields are kept by the server and ignored here."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    )


class Reference(Model):
    """Names an object in the same namespace."""

    name: values.ObjectName
    """The object's name."""


class Condition(Model):
    """One statement about an object: what it is about, whether it holds, and why."""

    model_config = ConfigDict(extra="ignore")

    type: Annotated[str, StringConstraints(min_length=1, max_length=316)]
    """What the statement is about, such as Ready or SchemaReady."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """Why, in one word that tells what to do: Succeeded, Waiting, TransientError, InvalidSpec, …"""
    message: Annotated[str, StringConstraints(max_length=32768)] = ""
    """Why, in a sentence that names the object or fact that is awaited."""
    last_transition_time: Annotated[str, StringConstraints(max_length=64)]
    """Since when, as an RFC 3339 time."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the object that the statement is about."""


Conditions = Annotated[
    list[Condition],
    Field(
        max_length=64,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]


class Status(Observed):
    """What controllers have observed."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the spec that the conditions are about."""
    conditions: Conditions = Field(default_factory=list[Condition])
    """What holds and what is awaited, one entry per type."""


class Answering(Status):
    """The status of something that answers at an address."""

    host: Annotated[str, StringConstraints(max_length=253)] | None = None
    """The name or address at which it answers."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """The TCP port at which it answers."""


class Metadata(Model):
    """The part of an object's metadata that the api room looks at."""

    model_config = ConfigDict(extra="ignore")

    name: str = ""
    namespace: str = ""
    generation: int = 0
    uid: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Managed(Model):
    """What every spec has that a controller works on."""

    management: values.Management = "Running"
    """Running: its controller acts. Paused: it changes nothing; what is there goes on."""


def _same(value: Any) -> Any:
    return value.get("storageClassName")


class Stored(Model):
    """What every spec has whose volumes are made by the cluster."""

    RULES: ClassVar[tuple[rules.Rule, ...]] = (
        rules.Transition(
            cel="has(self.storageClassName) == has(oldSelf.storageClassName) && "
            "(!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
            check=lambda old, new: _same(old) == _same(new),
            message="is immutable: a volume keeps the class it was made with",
            hint="put back what was there, or make a new cloud and move the data",
            field=".storageClassName",
        ),
    )
    storage_class_name: values.ObjectName | None = None
    """The StorageClass that makes the volumes; without it, the cluster's default."""


class Resource(Model):
    """An object as a whole. Its subclasses say what `spec` and `status` are."""

    api_version: str
    kind: str
    metadata: Metadata = Metadata()

    def as_object(self) -> dict[str, Any]:
        """The object as JSON, with its defaults."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)
