"""How does a definition become a served kind? At once, and it ends with its objects."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, cast

from ouranos.engine.apiserver import definition, fields, history
from ouranos.engine.apiserver.deleting import Options
from ouranos.engine.apiserver.fields import FieldPath
from ouranos.engine.apiserver.history import Change
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Column, Resource, Scale
from ouranos.engine.apiserver.schema import once, structural
from ouranos.engine.apiserver.tables import duration, jsonpath, table
from ouranos.engine.apiserver.target import Target
from ouranos.engine.apiserver.worker import Worker
from ouranos.engine.apiserver.writing import finished
from ouranos.kit import kinds
from ouranos.kit.objects import Key, Kind, Object

STORAGE = kinds.CUSTOM_RESOURCE_DEFINITION.qualified


def _field_path(path: str) -> FieldPath:
    return tuple(step["name"] for step in jsonpath.parse(path) if "name" in step)


def _cell(column: Object) -> Callable[[Object, datetime], object]:
    steps = jsonpath.parse(column["jsonPath"])
    kind: str = column["type"]

    def read(obj: Object, now: datetime) -> object:
        found = jsonpath.find(obj, steps)
        if not found or found[0] is None:
            return None
        value: Any = found[0]
        if kind == "date":
            return duration.since(value, now) if isinstance(value, str) else "<invalid>"
        if kind in {"integer", "number", "boolean"}:
            return value
        if len(found) > 1:
            return ",".join(str(each) for each in found)
        return value if isinstance(value, str) else _shown(value)

    return read


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{' '.join(_shown(each) for each in cast('list[Any]', value))}]"
    return str(value)


def _columns(version: Object) -> tuple[Column, ...]:
    given = fields.listed(version, "additionalPrinterColumns")
    if not given:
        return (table.NAME, table.AGE)
    return (
        table.NAME,
        *(
            Column(
                column["name"],
                _cell(column),
                "string" if column["type"] == "date" else column["type"],
                column.get("format", ""),
                column.get("description")
                or f"Custom resource definition column (in JSONPath format): {column['jsonPath']}",
                column.get("priority", 0),
            )
            for column in given
        ),
    )


def _scale(version: Object) -> Scale | None:
    given = fields.part(version, "subresources", "scale")
    if not given:
        return None
    selector = fields.text(given, "labelSelectorPath")
    return Scale(
        _field_path(given["specReplicasPath"]),
        _field_path(given["statusReplicasPath"]),
        _field_path(selector) if selector else (),
    )


def resource_of(defined: Object, version: Object) -> Resource:
    """Give one version of a custom kind as it is served."""
    spec: Object = defined["spec"]
    names: Object = spec["names"]
    scope = spec["scope"] == "Namespaced"
    kind = Kind(spec["group"], version["name"], names["kind"], names["plural"], scope)
    subresources: Object = version.get("subresources") or {}
    schema = once.parse(version["schema"]["openAPIV3Schema"], has_status="status" in subresources)
    return Resource(
        kind=kind,
        schema_of=partial(_same, schema),
        storage=kind.qualified,
        singular=names.get("singular") or names["kind"].lower(),
        list_kind=names.get("listKind") or f"{names['kind']}List",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(name for name in ("status", "scale") if name in subresources),
        counts=True,
        custom=True,
        fields={
            each["jsonPath"].lstrip("."): _field_path(each["jsonPath"])
            for each in fields.listed(version, "selectableFields")
        },
        scale=_scale(version),
        columns=_columns(version),
        deprecated=(version.get("deprecationWarning") or _deprecation(kind))
        if version.get("deprecated")
        else "",
    )


def _same(schema: structural.Structural) -> structural.Structural:
    return schema


def _deprecation(kind: Kind) -> str:
    return f"{kind.api_version} {kind.kind} is deprecated"


def _established(defined: Object) -> bool:
    conditions = fields.listed(defined, "status", "conditions")
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


class Definitions:
    """Serves what is defined, and ends what is defined no more."""

    def __init__(self, parts: Parts) -> None:
        """Work in the given parts."""
        self._parts = parts
        self._specs: dict[str, Object] = {}
        self._worker = Worker(self._end, parts.seams.clock)
        parts.store.hooks.append(self._on_change)

    def start(self) -> None:
        """Serve what was defined before, and go on with what was ending."""
        for record in list(self._parts.store.objects(STORAGE).values()):
            self._serve(record)
            if record.deleting:
                self._worker.add(record.key.name)

    async def run(self) -> None:
        """Work until cancelled."""
        await self._worker.run()

    def serve(self, key: Key) -> None:
        """Serve a definition that was just restored."""
        record = self._parts.store.get(STORAGE, key)
        if record is not None:
            self._serve(record)

    def _on_change(self, resource: str, change: Change) -> None:
        if resource != STORAGE:
            if change.type == history.DELETED and resource in self._specs:
                self._worker.add(resource)
            return
        name = change.record.key.name
        if change.type == history.DELETED:
            self._specs.pop(name, None)
            self._parts.registry.withdraw(name)
            self._parts.store.forget(name)
        else:
            self._serve(change.record)
            if change.record.deleting:
                self._worker.add(name)

    def _serve(self, record: Record) -> None:
        defined = record.decode(_HEAD)
        name, spec = record.key.name, defined["spec"]
        if not _established(defined) or self._specs.get(name) == spec:
            return
        self._specs[name] = spec
        versions = cast("list[Object]", spec["versions"])
        made = [(version, resource_of(defined, version)) for version in versions]
        (stored,) = (resource for version, resource in made if version["storage"])
        served = [resource for version, resource in made if version["served"]]
        self._parts.registry.serve(name, served, stored)
        self._parts.store.rewrite(name, partial(_defaulted, stored))

    async def _end(self, name: str) -> None:
        """Delete the objects of a definition that is going, then let it go."""
        record = self._parts.store.latest(STORAGE, Key("", name))
        stored = self._parts.registry.stored(name)
        if record is None or not record.deleting or stored is None:
            return
        for each in list(self._parts.store.objects(name).values()):
            if not each.deleting:
                options = Options(propagation="Background")
                await self._parts.deleter.delete(Target(stored, *each.key), each, options)
        if self._parts.store.objects(name):
            return
        definitions = self._parts.registry.stored(STORAGE)
        record = self._parts.store.latest(STORAGE, Key("", name))
        if record is None or definitions is None:
            return
        obj = definitions.decode(record)
        kept = [
            each
            for each in fields.listed(obj, "metadata", "finalizers")
            if each != definition.FINALIZER
        ]
        obj["metadata"]["finalizers"] = kept
        if finished(obj):
            await self._parts.writer.remove(definitions, obj)
        else:
            await self._parts.writer.mark(definitions, obj)


_HEAD = b'{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition"'


def _defaulted(resource: Resource, record: Record) -> Record:
    """Give an object with the defaults that its schema has now, as reads show it."""
    obj = resource.decode(record)
    resource.schema.default(obj)
    return record.with_tail(obj)
