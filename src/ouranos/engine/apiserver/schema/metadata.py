"""Is an object's `metadata` acceptable? Names, labels, annotations, owners; for every kind."""

import re
from collections.abc import Mapping
from typing import Any, cast

from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema.cause import Cause

Object = dict[str, Any]

ANNOTATIONS_LIMIT = 256 * 1024
NAME_LIMIT = 253
LABEL_LIMIT = 63

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")

_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    r"for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex "
    "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_LABEL_1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_KEY = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_QUALIFIED_TEXT = f"name part {_KEY}"
_KEY_TEXT = (
    f"a valid label key {_KEY} with an optional DNS subdomain prefix and '/' (e.g. "
    "'example.com/MyName')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value', "
    " or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def _too_long(maximum: int) -> str:
    return f"must be no more than {maximum} characters"


def subdomain(name: str) -> list[str]:
    """Say why a name is not a DNS-1123 subdomain."""
    found = [_too_long(NAME_LIMIT)] if len(name) > NAME_LIMIT else []
    return found if _SUBDOMAIN.match(name) else [*found, _SUBDOMAIN_TEXT]


def label(name: str) -> list[str]:
    """Say why a name is not a DNS-1123 label."""
    found = [_too_long(LABEL_LIMIT)] if len(name) > LABEL_LIMIT else []
    if _LABEL.match(name):
        return found
    return [*found, "must not contain dots" if "." in name else _LABEL_TEXT]


def label_1035(name: str) -> list[str]:
    """Say why a name is not a DNS-1035 label, as Services must be named."""
    found = [_too_long(LABEL_LIMIT)] if len(name) > LABEL_LIMIT else []
    return found if _LABEL_1035.match(name) else [*found, _LABEL_1035_TEXT]


def path_segment(name: str) -> list[str]:
    """Say why a name cannot be part of a URL path, which is all that RBAC asks for."""
    if name in {".", ".."}:
        return [f"may not be '{name}'"]
    return [f"may not contain '{one}'" for one in "/%" if one in name]


def qualified(name: str) -> list[str]:
    """Say why a text is not a label's or annotation's key."""
    prefix, slash, tail = name.partition("/")
    if not slash:
        prefix, tail = "", name
    elif "/" in tail:
        return [_KEY_TEXT]
    found: list[str] = []
    if slash:
        if not prefix:
            found.append("prefix part must be non-empty")
        found += [f"prefix part {text}" for text in (subdomain(prefix) if prefix else [])]
    if not tail:
        found.append("name part must be non-empty")
    elif len(tail) > LABEL_LIMIT:
        found.append(f"name part must be no more than {LABEL_LIMIT} bytes")
    if not _QUALIFIED.match(tail):
        found.append(_QUALIFIED_TEXT)
    return found


def label_value(value: str) -> list[str]:
    """Say why a text is not a label's value."""
    found = [f"must be no more than {LABEL_LIMIT} bytes"] if len(value) > LABEL_LIMIT else []
    return found if _VALUE.match(value) else [*found, _VALUE_TEXT]


def labels(values: Mapping[str, str], field: str) -> list[Cause]:
    """Check a map of labels."""
    found: list[Cause] = []
    for key, value in values.items():
        if not (_QUALIFIED.match(key) and len(key) <= LABEL_LIMIT):
            found += [causes.invalid(field, key, text) for text in qualified(key)]
        if not _VALUE.match(value) or len(value) > LABEL_LIMIT:
            found += [causes.invalid(field, value, text) for text in label_value(value)]
    return found


def annotations(values: Mapping[str, str], field: str) -> list[Cause]:
    """Check a map of annotations: keys, and the size of all together."""
    found: list[Cause] = []
    size = 0
    for key, value in values.items():
        if not (_QUALIFIED.match(key) and len(key) <= LABEL_LIMIT):
            found += [causes.invalid(field, key, text) for text in qualified(key.lower())]
        size += len(key.encode()) + len(value.encode())
    if size > ANNOTATIONS_LIMIT:
        found.append(causes.too_long(field, ANNOTATIONS_LIMIT))
    return found


def _owners(references: list[Object]) -> list[Cause]:
    field = "metadata.ownerReferences"
    found: list[Cause] = []
    controllers = [one for one in references if one.get("controller")]
    for one in references:
        found += [
            causes.invalid(f"{field}.{key}", one.get(key, ""), "must not be empty")
            for key in ("apiVersion", "kind", "name", "uid")
            if not one.get(key)
        ]
    if len(controllers) > 1:
        names = " and ".join(f"{one.get('kind')}/{one.get('name')}" for one in controllers[:2])
        detail = (
            'Only one reference can have Controller set to true. Found "true" in references for'
        )
        found.append(causes.invalid(field, references, f"{detail} {names}"))
    return found


_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp")


_STANDARD = frozenset({"foregroundDeletion", "kubernetes", "orphan"})


def standard_finalizers(obj: Object) -> list[Cause]:
    """Say which finalizers of a built-in kind are neither Kubernetes' own nor of a domain."""
    meta = cast("Object", obj.get("metadata") or {})
    detail = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        causes.invalid(f"metadata.finalizers[{index}]", one, detail)
        for index, one in enumerate(meta.get("finalizers") or ())
        if "/" not in one and one not in _STANDARD
    ]


def validate(obj: Object, old: Object | None) -> list[Cause]:
    """Check what every kind's metadata must satisfy; the name's own syntax is the kind's affair."""
    meta = cast("Object", obj.get("metadata") or {})
    found: list[Cause] = []
    if meta.get("labels"):
        found += labels(meta["labels"], "metadata.labels")
    if meta.get("annotations"):
        found += annotations(meta["annotations"], "metadata.annotations")
    if meta.get("ownerReferences"):
        found += _owners(meta["ownerReferences"])
    for finalizer in meta.get("finalizers") or ():
        where = "metadata.finalizers"
        found += [causes.invalid(where, finalizer, text) for text in qualified(finalizer)]
    if old is not None:
        before = cast("Object", old.get("metadata") or {})
        for key in _IMMUTABLE:
            if meta.get(key) != before.get(key) and before.get(key) is not None:
                value = meta.get(key, "")
                found.append(causes.invalid(f"metadata.{key}", value, "field is immutable"))
    return found


def name(obj: Object, syntax: Any) -> list[Cause]:
    """Check an object's name, or the prefix of the name that it will get."""
    meta = cast("Object", obj.get("metadata") or {})
    found: list[Cause] = []
    prefix = meta.get("generateName")
    if prefix:
        trial = prefix[:-1] + "a" if prefix.endswith("-") else prefix
        found += [causes.invalid("metadata.generateName", prefix, text) for text in syntax(trial)]
    given = meta.get("name")
    if given:
        found += [causes.invalid("metadata.name", given, text) for text in syntax(given)]
    elif not prefix:
        found.append(causes.required("metadata.name", "name or generateName is required"))
    return found
