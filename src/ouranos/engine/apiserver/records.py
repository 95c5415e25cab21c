"""How is an object kept? As its JSON, with the few facts that reads ask for; asked by the store."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from ouranos.engine.apiserver import fields as at
from ouranos.engine.apiserver.fields import FieldPath
from ouranos.kit.objects import Key, Object

_EMPTY: Mapping[str, str] = {}
_NO_HEAD = b'"apiVersion":""'
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


class Owner(NamedTuple):
    """One owner reference."""

    uid: str
    api_version: str
    kind: str
    name: str
    blocking: bool


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One version of one object; never changed, so that everybody may share it.

    Attributes:
        tail: the object's JSON without apiVersion and kind, beginning with a comma, so that a
            served version is a head joined to it.
        hiding: whether an apply has stated empty metadata of a custom object: Kubernetes keeps
            that without showing it, so that the next write changes the object even if it says
            nothing new. It is forgotten when the server ends.
    """

    key: Key
    uid: str
    version: int
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    owners: tuple[Owner, ...]
    deleting: bool
    tail: bytes
    hiding: bool = False

    def decode(self, head: bytes) -> Object:
        """Give a fresh object that the caller may change."""
        return _decoder.decode(head + self.tail)

    def with_tail(self, obj: Object) -> "Record":
        """Give the same version of the object in another form; this one, if that is the same."""
        changed = tail(obj)
        return self if changed == self.tail else replace(self, tail=changed)


def head(api_version: str, kind: str) -> bytes:
    """Give what stands before every tail of this kind."""
    return _encoder.encode({"apiVersion": api_version, "kind": kind})[:-1]


def tail(obj: Object) -> bytes:
    """Encode all of an object but its apiVersion and kind."""
    rest = {"metadata": obj["metadata"]}
    rest.update((key, value) for key, value in obj.items() if key not in {"apiVersion", "kind"})
    return b"," + _encoder.encode(rest)[1:]


def decode(data: bytes) -> Object:
    """Read a whole object as the journal holds it."""
    return _decoder.decode(data)


def owners_of(metadata: Object) -> Iterator[Owner]:
    """Read the owner references of an object."""
    for each in at.listed(metadata, "ownerReferences"):
        blocking = bool(each.get("blockOwnerDeletion"))
        yield Owner(each["uid"], each["apiVersion"], each["kind"], each["name"], blocking)


def record(
    obj: Object, version: int, fields: Mapping[str, FieldPath], *, hiding: bool = False
) -> Record:
    """Make the record of an object at a version; writes the version into the object."""
    metadata: Object = obj["metadata"]
    metadata["resourceVersion"] = str(version)
    return Record(
        key=Key(metadata.get("namespace", ""), metadata["name"]),
        uid=metadata.get("uid", ""),
        version=version,
        labels=metadata.get("labels") or _EMPTY,
        fields={name: at.text(obj, *path) for name, path in fields.items()} if fields else _EMPTY,
        owners=tuple(owners_of(metadata)),
        deleting="deletionTimestamp" in metadata,
        tail=tail(obj),
        hiding=hiding,
    )


def at_version(old: Record, version: int) -> Record:
    """Give an object as it was, at a later version."""
    obj = old.decode(b"{" + _NO_HEAD)
    obj["metadata"]["resourceVersion"] = str(version)
    obj.pop("apiVersion")
    return replace(old, version=version, tail=tail(obj))
