"""Is an object's metadata what it may be? Asked on every write, before anything reads it."""

import re
from random import Random
from typing import Any

import msgspec

from ouranos.engine.apiserver import failure, fields, selectors
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.schema import cause
from ouranos.kit.objects import Object

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX_LENGTH = 5
_LONGEST_BASE = 63 - _SUFFIX_LENGTH
_ANNOTATION_BYTES = 256 << 10
_LABEL_REGEX = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN_REGEX = _LABEL_REGEX + r"(\." + _LABEL_REGEX + ")*"
_SERVICE_REGEX = r"[a-z]([-a-z0-9]*[a-z0-9])?"


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


def normalise(obj: Object) -> list[str]:
    """Make sure that metadata has its shape; drop what it does not know and what is empty.

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
    for key in [key for key, value in metadata.items() if key not in _KNOWN or value in _EMPTY]:
        del metadata[key]
    for name in ("labels", "annotations"):
        pairs: dict[str, str | None] = metadata.get(name, {})
        for key in [key for key, value in pairs.items() if value is None]:
            pairs[key] = ""
    return unknown


_EMPTY: tuple[Any, ...] = (None, "", {}, [])


def generate_name(base: str, random: Random) -> str:
    """Give a name that begins with a base and that probably nobody has."""
    suffix = "".join(random.choice(_SUFFIX_LETTERS) for _ in range(_SUFFIX_LENGTH))
    return base[:_LONGEST_BASE] + suffix


def _name_cause(resource: Resource, name: str) -> cause.Cause | None:
    shape = {"namespaces": _LABEL_REGEX, "services": _SERVICE_REGEX}.get(resource.name)
    if shape == _SERVICE_REGEX:
        detail = (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
            "start with an "
            "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  "
            "or 'abc-123', "
            f"regex used for validation is '{shape}')"
        )
    elif shape:
        detail = (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters "
            "or '-', and must "
            "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', "
            f"regex used for validation is '{shape}')"
        )
    else:
        shape = _SUBDOMAIN_REGEX
        detail = (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
            "characters, '-' or '.', "
            "and must start and end with an alphanumeric character (e.g. 'example.com', "
            f"regex used for validation is '{shape}')"
        )
    longest = 63 if resource.name in {"namespaces", "services"} else 253
    if len(name) > longest:
        return cause.invalid("metadata.name", name, f"must be no more than {longest} characters")
    if not re.fullmatch(shape, name):
        return cause.invalid("metadata.name", name, detail)
    return None


def _label_causes(metadata: Object) -> list[cause.Cause]:
    found: list[cause.Cause] = []
    for key, value in fields.part(metadata, "labels").items():
        for text, wrong in (
            (key, selectors.qualified_name_error(key)),
            (value, selectors.label_value_error(value)),
        ):
            if wrong:
                found.append(cause.invalid("metadata.labels", text, wrong))
    annotations: dict[str, str] = metadata.get("annotations") or {}
    found += [
        cause.invalid("metadata.annotations", key, wrong)
        for key in annotations
        if (wrong := selectors.qualified_name_error(key.lower()))
    ]
    size = sum(len(key) + len(value) for key, value in annotations.items())
    if size > _ANNOTATION_BYTES:
        found.append(cause.too_long("metadata.annotations", _ANNOTATION_BYTES))
    return found


def _owner_causes(metadata: Object) -> list[cause.Cause]:
    found: list[cause.Cause] = []
    controllers: list[str] = []
    for index, owner in enumerate(fields.listed(metadata, "ownerReferences")):
        path = f"metadata.ownerReferences[{index}]"
        found += [
            cause.invalid(f"{path}.{name}", owner.get(name, ""), "must not be empty")
            for name in ("apiVersion", "kind", "name", "uid")
            if not owner.get(name)
        ]
        if owner.get("controller"):
            controllers.append(f"{owner.get('kind')}/{owner.get('name')}")
    if len(controllers) > 1:
        message = (
            'Only one reference can have Controller set to true. Found "true" in references for '
            f"{controllers[0]} and {controllers[1]}"
        )
        found.append(cause.invalid("metadata.ownerReferences", "", message))
    return found


def _finalizer_causes(metadata: Object) -> list[cause.Cause]:
    return [
        cause.invalid("metadata.finalizers", each, wrong)
        for each in fields.listed(metadata, "finalizers")
        if (wrong := selectors.qualified_name_error(each))
    ]


def causes(resource: Resource, metadata: Object) -> list[cause.Cause]:
    """Say everything that is wrong with the metadata of an object."""
    name: str = metadata.get("name", "")
    found = (
        [_name_cause(resource, name)]
        if name
        else [cause.required("metadata.name", "name or generateName is required")]
    )
    return [
        *(each for each in found if each),
        *_label_causes(metadata),
        *_owner_causes(metadata),
        *_finalizer_causes(metadata),
    ]


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
