"""Is an object's metadata what it may be? Asked on every write, before anything reads it."""

from random import Random
from typing import Any

import msgspec

from ouranos.engine.apiserver import failure, fields
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.schema import cause
from ouranos.engine.apiserver.schema import metadata as rules
from ouranos.kit.objects import Object

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_LONGEST_BASE = 63 - _SUFFIX_LENGTH
_ACCESS = ("clusterrolebindings", "clusterroles", "rolebindings", "roles")
_SYNTAX = {
    "namespaces": rules.label,
    "services": rules.label_1035,
    **{f"{each}.rbac.authorization.k8s.io": rules.path_segment for each in _ACCESS},
}


class _Meta(msgspec.Struct, rename="camel"):
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    self_link: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    labels: dict[str, str | None] | None = None
    annotations: dict[str, str | None] | None = None
    owner_references: "list[_Owner] | None" = None
    finalizers: list[str] | None = None
    managed_fields: list[dict[str, Any]] | None = None


class _Owner(msgspec.Struct, rename="camel"):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None
    block_owner_deletion: bool | None = None


_KNOWN = frozenset(
    msgspec.structs.fields(_Meta)[i].encode_name for i in range(len(msgspec.structs.fields(_Meta)))
)


def normalise(obj: Object, *, whole: bool = False) -> list[str]:
    """Make sure that metadata has its shape; drop what it does not know and what is empty.

    Args:
        obj: the object.
        whole: whether what is empty stays, as in what somebody applies.

    Returns:
        The paths of the unknown fields that were dropped.

    Raises:
        failure.Failure: a field has the wrong type.
    """
    metadata: Any = obj.get("metadata")
    if metadata is None:
        metadata = obj["metadata"] = {}
    try:
        msgspec.convert(metadata, _Meta)
    except msgspec.ValidationError as error:
        raise failure.bad_request(f"the object cannot be read: metadata: {error}") from None
    unknown = [f"metadata.{key}" for key in metadata if key not in _KNOWN]
    for key, value in list(metadata.items()):
        if key not in _KNOWN or (value in _EMPTY and not whole):
            del metadata[key]
    for name in ("labels", "annotations"):
        pairs: dict[str, str | None] = metadata.get(name) or {}
        for key in [key for key, value in pairs.items() if value is None]:
            pairs[key] = ""
    return unknown


_EMPTY: tuple[Any, ...] = (None, "", {}, [])


def hides(metadata: Object) -> bool:
    """Whether something empty is stated, which is kept of custom objects but never shown."""
    return any(value in _EMPTY for value in metadata.values())


def generate_name(base: str, random: Random) -> str:
    """Give a name that begins with a base and that probably nobody has."""
    suffix = "".join(random.choice(_SUFFIX_LETTERS) for _ in range(_SUFFIX_LENGTH))
    return base[:_LONGEST_BASE] + suffix


def causes(resource: Resource, obj: Object) -> list[cause.Cause]:
    """Say what is wrong with the name of an object; all else is its schema's affair."""
    return rules.name(obj, _SYNTAX.get(resource.name, rules.subdomain))


def update_causes(metadata: Object, old: Object) -> list[cause.Cause]:
    """Say what may not change as it does."""
    before = fields.listed(old, "finalizers")
    added = [each for each in fields.listed(metadata, "finalizers") if each not in before]
    if "deletionTimestamp" in old and added:
        listed = ", ".join(f'"{each}"' for each in added)
        message = (
            "no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{listed}}}"
        )
        return [cause.forbidden("metadata.finalizers", message)]
    return []


_STANDARD = frozenset({"foregroundDeletion", "kubernetes", "orphan"})


def warnings(metadata: Object, before: Object | None) -> list[str]:
    """Say which of a custom object's new finalizers could be somebody else's too."""
    known: list[str] = fields.listed(before or {}, "metadata", "finalizers")
    stated: list[str] = fields.listed(metadata, "finalizers")
    found: list[str] = []
    for each in sorted({*stated} - {*known}):
        if each in _STANDARD or "/" in each:
            continue
        path = " including a path (/)" if "." in each else ""
        found.append(
            f'metadata.finalizers: "{each}": prefer a domain-qualified finalizer name{path} to '
            "avoid accidental conflicts with other finalizer writers"
        )
    return found
