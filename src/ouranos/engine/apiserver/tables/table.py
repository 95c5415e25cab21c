"""How does an answer become rows, or bare metadata? Asked by get, list and watch."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ouranos.engine.apiserver import exchange
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Column, Resource
from ouranos.engine.apiserver.tables import duration
from ouranos.kit.objects import Object

_META = "meta.k8s.io"
_INCLUDES = ("Metadata", "Object", "None")
Now = Callable[[], datetime]

NAME = Column(
    "Name",
    lambda obj, _: obj["metadata"].get("name", ""),
    format="name",
    description="Name must be unique within a namespace.",
)
_DEFAULT = (
    NAME,
    Column(
        "Created At",
        lambda obj, _: obj["metadata"].get("creationTimestamp", ""),
        type="date",
        description="When the object was made.",
    ),
)
AGE = Column(
    "Age",
    lambda obj, now: duration.since(obj["metadata"].get("creationTimestamp"), now),
    description="How long ago the object was made.",
)


@dataclass(frozen=True, slots=True)
class Shape:
    """In which form somebody wants objects: Table, PartialObjectMetadata or a list of those."""

    form: str
    version: str
    include: str
    content_type: str


def asked(request: Request) -> Shape | None:
    """Give the form that the Accept header prefers; None for plain objects."""
    for choice in request.accept.split(","):
        media, *parameters = (part.strip() for part in choice.split(";"))
        if media not in {exchange.JSON, "*/*", "application/*"}:
            continue
        given = {name: value for name, _, value in (part.partition("=") for part in parameters)}
        form, version = given.get("as", ""), given.get("v", "v1")
        if not form or given.get("g") != _META:
            return None
        if version in {"v1", "v1beta1"} and form in {
            "Table",
            "PartialObjectMetadata",
            "PartialObjectMetadataList",
        }:
            include = request.text("includeObject")
            content = f"{exchange.JSON};as={form};v={version};g={_META}"
            return Shape(form, version, include if include in _INCLUDES else "Metadata", content)
    return None


def _partial(obj: Object, version: str) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"{_META}/{version}",
        "metadata": obj["metadata"],
    }


def _row(obj: Object, columns: Iterable[Column], shape: Shape, now: datetime) -> Object:
    row: Object = {"cells": [column.read(obj, now) for column in columns]}
    if shape.include == "Object":
        row["object"] = obj
    elif shape.include == "Metadata":
        row["object"] = _partial(obj, shape.version)
    return row


def _columns(resource: Resource) -> tuple[Column, ...]:
    return _DEFAULT if resource.columns is None else resource.columns


def _definitions(resource: Resource) -> list[Object]:
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in _columns(resource)
    ]


def _table(resource: Resource, objects: Iterable[Object], shape: Shape, now: datetime) -> Object:
    columns = _columns(resource)
    return {
        "kind": "Table",
        "apiVersion": f"{_META}/{shape.version}",
        "metadata": {},
        "columnDefinitions": _definitions(resource),
        "rows": [_row(obj, columns, shape, now) for obj in objects],
    }


def of_record(resource: Resource, record: Record, shape: Shape, now: Now) -> Response:
    """Show one object."""
    obj = resource.decode(record)
    if shape.form == "Table":
        shown = _table(resource, [obj], shape, now())
        shown["metadata"] = {"resourceVersion": str(record.version)}
    else:
        shown = _partial(obj, shape.version)
    return Response(200, exchange.encode(shown), shape.content_type)


def of_page(
    resource: Resource,
    records: Iterable[Record],
    metadata: Mapping[str, object],
    shape: Shape,
    now: Now,
) -> Response:
    """Show a list."""
    objects = [resource.decode(record) for record in records]
    if shape.form == "Table":
        shown = _table(resource, objects, shape, now())
    else:
        shown: Object = {
            "kind": "PartialObjectMetadataList",
            "apiVersion": f"{_META}/{shape.version}",
            "items": [_partial(obj, shape.version) for obj in objects],
        }
    shown["metadata"] = metadata
    return Response(200, exchange.encode(shown), shape.content_type)


def for_watch(shape: Shape, now: Now) -> Callable[[Resource, Record], bytes]:
    """Give what shows each event of one watch; only the first Table names its columns."""
    named = False

    def show(resource: Resource, record: Record) -> bytes:
        nonlocal named
        obj = resource.decode(record)
        if shape.form != "Table":
            return exchange.encode(_partial(obj, shape.version))
        shown = _table(resource, [obj], shape, now())
        shown["metadata"] = {"resourceVersion": str(record.version)}
        if named:
            shown["columnDefinitions"] = None
        named = True
        return exchange.encode(shown)

    return show
