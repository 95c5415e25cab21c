"""Which kinds of objects are served, and what is particular to each? Asked by every verb."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ouranos.engine.apiserver import exchange, records
from ouranos.engine.apiserver.fields import FieldPath
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.schema import structural
from ouranos.kit.objects import Kind, Object

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

Convert = Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a kind keeps what its scale subresource shows."""

    spec_replicas: FieldPath = ("spec", "replicas")
    status_replicas: FieldPath = ("status", "replicas")
    selector: FieldPath = ("spec", "selector")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a Table; `read` gives the cell of an object at a time of day."""

    name: str
    read: Callable[[Object, datetime], object]
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One version of one kind, as it is served.

    Attributes:
        storage: the name under which all versions of the kind are kept.
        counts: whether metadata.generation counts changes of what people want.
        fields: what, besides name and namespace, a field selector may ask for.
        inward: turns this version into the stored one, where they differ by more than the name.
        outward: the reverse of it.
    """

    kind: Kind
    schema_of: Callable[[], structural.Structural]
    storage: str
    singular: str = ""
    list_kind: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    counts: bool = False
    custom: bool = False
    fields: Mapping[str, FieldPath] = field(default_factory=dict[str, FieldPath])
    scale: Scale | None = None
    columns: tuple[Column, ...] | None = None
    inward: Convert | None = None
    outward: Convert | None = None
    verbs: tuple[str, ...] = VERBS
    deprecated: str = ""
    head: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Compute what stands before every object."""
        head = records.head(self.kind.api_version, self.kind.kind)
        object.__setattr__(self, "head", head)

    @property
    def schema(self) -> structural.Structural:
        """Give the schema, loaded when first asked for."""
        return self.schema_of()

    @property
    def name(self) -> str:
        """Give the name that messages use: `deployments.apps`."""
        return self.kind.qualified

    @property
    def group_kind(self) -> str:
        """Give the kind as messages about invalid objects name it: `Deployment.apps`."""
        group = self.kind.group
        return f"{self.kind.kind}.{group}" if group else self.kind.kind

    @property
    def has_status(self) -> bool:
        """Whether status is written through its own door."""
        return "status" in self.subresources

    @property
    def collection_kind(self) -> str:
        """Give the kind of a list of these."""
        return self.list_kind or f"{self.kind.kind}List"

    def decode(self, record: Record) -> Object:
        """Give a fresh object in this version."""
        obj = record.decode(self.head)
        return self.outward(obj) if self.outward else obj

    def full(self, record: Record) -> bytes:
        """Give an object's JSON in this version."""
        if self.outward:
            return exchange.encode(self.decode(record))
        return self.head + record.tail

    def item(self, record: Record) -> bytes:
        """Give an object's JSON as an item of a list; built-in kinds leave out what that says."""
        if self.custom:
            return self.head + record.tail
        tail = records.tail(self.decode(record)) if self.outward else record.tail
        return b"{" + tail[1:]


class Registry:
    """All that is served."""

    def __init__(self, built_in: Iterable[Resource]) -> None:
        """Begin with the kinds that need no definition."""
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        self._stored: dict[str, Resource] = {}
        self._custom: dict[str, tuple[Resource, ...]] = {}
        self.revision = 0
        for resource in built_in:
            self._add(resource)
            self._stored.setdefault(resource.storage, resource)

    def _add(self, resource: Resource) -> None:
        kind = resource.kind
        self._by_path[kind.group, kind.version, kind.plural] = resource
        self._by_kind[kind.api_version, kind.kind] = resource

    def serve(self, storage: str, served: Iterable[Resource], stored: Resource) -> None:
        """Serve the versions of a custom kind, in place of those served before."""
        self.withdraw(storage)
        self._custom[storage] = tuple(served)
        self._stored[storage] = stored
        for resource in self._custom[storage]:
            self._add(resource)
        self.revision += 1

    def withdraw(self, storage: str) -> None:
        """Serve a custom kind no more."""
        for resource in self._custom.pop(storage, ()):
            kind = resource.kind
            self._by_path.pop((kind.group, kind.version, kind.plural), None)
            self._by_kind.pop((kind.api_version, kind.kind), None)
        self._stored.pop(storage, None)
        self.revision += 1

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        """Find what is served at a path."""
        return self._by_path.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Resource | None:
        """Find what serves objects that say they are of a kind."""
        return self._by_kind.get((api_version, kind))

    def of_group_kind(self, group: str, kind: str) -> Resource | None:
        """Find any served version of a kind."""
        for resource in self._by_path.values():
            if resource.kind.kind == kind and resource.kind.group == group:
                return resource
        return None

    def stored(self, storage: str) -> Resource | None:
        """Find the version in which a kind is kept."""
        return self._stored.get(storage)

    def storages(self) -> Iterator[Resource]:
        """Give every kind once, in the version in which it is kept."""
        return iter(tuple(self._stored.values()))

    def groups(self) -> dict[str, dict[str, list[Resource]]]:
        """Give everything that is served, by group and version, preferred versions first."""
        result: dict[str, dict[str, list[Resource]]] = {}
        for resource in self._by_path.values():
            versions = result.setdefault(resource.kind.group, {})
            versions.setdefault(resource.kind.version, []).append(resource)
        return {
            group: dict(sorted(versions.items(), key=lambda each: version_order(each[0])))
            for group, versions in result.items()
        }


def version_order(version: str) -> tuple[int, int, int, str]:
    """Give what sorts versions as Kubernetes prefers them: v2, v1, v1beta2, v1alpha1, others."""
    for rank, word in enumerate(("", "beta", "alpha")):
        head, found, minor = version[1:].partition(word) if word else (version[1:], "", "0")
        if version[:1] == "v" and head.isdecimal() and minor.isdecimal() and (found or not word):
            return (rank, -int(head), -int(minor), "")
    return (3, 0, 0, version)
