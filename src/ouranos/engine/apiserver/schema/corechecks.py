"""Are Secrets, ConfigMaps, claims and their like acceptable? Asked on every write.

The rules and words are those of Kubernetes' own validation (pkg/apis/core/validation and siblings).
"""

import re
from typing import Any

from ouranos.engine import quantities
from ouranos.engine.apiserver.schema import cause as causes
from ouranos.engine.apiserver.schema import podchecks, workloadchecks
from ouranos.engine.apiserver.schema.cause import Cause
from ouranos.engine.apiserver.schema.pods import items, part

Object = dict[str, Any]

_DATA_LIMIT = 1024 * 1024
_KEY_LIMIT = 253
_KEY = re.compile(r"[-._a-zA-Z0-9]+\Z")
_KEY_TEXT = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',"
    "  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_FROZEN = "field is immutable when `immutable` is set"
_IMMUTABLE = "field is immutable"
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def _part(value: Object, key: str) -> Object:
    return part(value, key) or {}


def _keys(values: Object, field: str) -> list[Cause]:
    found: list[Cause] = []
    for key in values:
        where = f"{field}[{key}]"
        if len(key) > _KEY_LIMIT:
            detail = f"must be no more than {_KEY_LIMIT} characters"
            found.append(causes.invalid(where, key, detail))
        if not _KEY.match(key):
            found.append(causes.invalid(where, key, _KEY_TEXT))
        if key in {".", ".."}:
            found.append(causes.invalid(where, key, f"must not be '{key}'"))
        elif key.startswith(".."):
            found.append(causes.invalid(where, key, "must not start with '..'"))
    return found


def _decoded_size(text: str) -> int:
    return len(text) * 3 // 4 - text[-2:].count("=")


def _frozen(obj: Object, old: Object | None, *keys: str) -> list[Cause]:
    if old is None or old.get("immutable") is not True:
        return []
    found = [] if obj.get("immutable") is True else [causes.forbidden("immutable", _FROZEN)]
    return found + [causes.forbidden(key, _FROZEN) for key in keys if obj.get(key) != old.get(key)]


_WANTED = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
}


def secret(obj: Object, old: Object | None) -> list[Cause]:
    """Check a Secret."""
    data = _part(obj, "data")
    found: list[Cause] = []
    if old is not None and obj.get("type") != old.get("type"):
        found.append(causes.invalid("type", obj.get("type", ""), _IMMUTABLE))
    found += _frozen(obj, old, "data")
    found += _keys(data, "data")
    if sum(_decoded_size(text) for text in data.values()) > _DATA_LIMIT:
        found.append(causes.too_long("data", _DATA_LIMIT))
    for key in _WANTED.get(obj.get("type", ""), ()):
        if key not in data:
            found.append(causes.required(f"data[{key}]"))
    if obj.get("type") == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        found += [causes.required(f"data[{key}]") for key in ("username", "password")]
    return found


def config_map(obj: Object, old: Object | None) -> list[Cause]:
    """Check a ConfigMap."""
    data, binary = _part(obj, "data"), _part(obj, "binaryData")
    found = _frozen(obj, old, "data", "binaryData")
    found += _keys(data, "data") + _keys(binary, "binaryData")
    detail = "duplicate of key present in binaryData"
    found += [causes.invalid(f"data[{key}]", key, detail) for key in data if key in binary]
    size = sum(len(text.encode()) for text in data.values())
    if size + sum(_decoded_size(text) for text in binary.values()) > _DATA_LIMIT:
        found.append(causes.too_long("[]", _DATA_LIMIT))
    return found


_CLAIM_FREE = ("resources", "volumeAttributesClassName")


def claim(obj: Object, old: Object | None) -> list[Cause]:
    """Check a PersistentVolumeClaim."""
    spec = _part(obj, "spec")
    found: list[Cause] = []
    if not spec.get("accessModes"):
        detail = "at least 1 access mode is required"
        found.append(causes.required("spec.accessModes", detail))
    found += _access_modes(spec)
    storage = _part(_part(spec, "resources"), "requests").get("storage")
    if storage is None:
        found.append(causes.required("spec.resources[storage]"))
    else:
        found += _positive(storage, "spec.resources[storage]")
    if old is not None:
        before = _part(old, "spec")
        free = _CLAIM_FREE if before.get("volumeName") else (*_CLAIM_FREE, "volumeName")
        fixed = {key for key in {**spec, **before} if key not in free}
        if any(spec.get(key) != before.get(key) for key in fixed):
            detail = (
                "spec is immutable after creation except resources.requests and "
                "volumeAttributesClassName for bound claims"
            )
            found.append(causes.forbidden("spec", detail))
    return found


def _positive(value: Any, field: str) -> list[Cause]:
    amount = quantities.parse(str(value))
    if amount is not None and amount <= 0:
        return [causes.invalid(field, value, "must be greater than zero")]
    return podchecks.quantity(value, field)


def _access_modes(spec: Object) -> list[Cause]:
    return [
        one
        for mode in spec.get("accessModes") or ()
        for one in podchecks.one_of(mode, _ACCESS_MODES, "spec.accessModes")
    ]


def volume(obj: Object, old: Object | None) -> list[Cause]:
    """Check a PersistentVolume."""
    del old
    spec = _part(obj, "spec")
    found: list[Cause] = []
    if not spec.get("accessModes"):
        found.append(causes.required("spec.accessModes"))
    found += _access_modes(spec)
    if not spec.get("capacity"):
        found.append(causes.required("spec.capacity"))
    policies = ("Delete", "Recycle", "Retain")
    where = "spec.persistentVolumeReclaimPolicy"
    return found + podchecks.one_of(spec.get("persistentVolumeReclaimPolicy"), policies, where)


def disruption_budget(obj: Object, old: Object | None) -> list[Cause]:
    """Check a PodDisruptionBudget."""
    del old
    spec = _part(obj, "spec")
    found: list[Cause] = []
    if "minAvailable" in spec and "maxUnavailable" in spec:
        detail = "minAvailable and maxUnavailable cannot be both set"
        found.append(causes.invalid("spec", spec, detail))
    for key in ("minAvailable", "maxUnavailable"):
        if key in spec:
            found += workloadchecks.amount(spec[key], f"spec.{key}")
            found += workloadchecks.at_most_all(spec[key], f"spec.{key}")
    return found + workloadchecks.selector(_part(spec, "selector"), "spec.selector")


def lease(obj: Object, old: Object | None) -> list[Cause]:
    """Check a Lease."""
    del old
    spec = _part(obj, "spec")
    found: list[Cause] = []
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        where = "spec.leaseDurationSeconds"
        found.append(causes.invalid(where, seconds, "must be greater than 0"))
    if transitions is not None and transitions < 0:
        detail = "must be greater than or equal to 0"
        found.append(causes.invalid("spec.leaseTransitions", transitions, detail))
    return found


def endpoint_slice(obj: Object, old: Object | None) -> list[Cause]:
    """Check an EndpointSlice."""
    allowed = ("FQDN", "IPv4", "IPv6")
    kind = obj.get("addressType")
    found = podchecks.one_of(kind, allowed, "addressType")
    if old is not None and kind != old.get("addressType"):
        found.append(causes.invalid("addressType", kind, _IMMUTABLE))
    for index, endpoint in enumerate(items(obj.get("endpoints"))):
        if not endpoint.get("addresses"):
            detail = "must contain at least 1 address"
            found.append(causes.required(f"endpoints[{index}].addresses", detail))
    return found


def priority_class(obj: Object, old: Object | None) -> list[Cause]:
    """Check a PriorityClass."""
    if old is None:
        return []
    found: list[Cause] = []
    if obj.get("value") != old.get("value"):
        found.append(causes.forbidden("value", "may not be changed in an update."))
    policy = obj.get("preemptionPolicy")
    if policy != old.get("preemptionPolicy"):
        found.append(causes.invalid("preemptionPolicy", policy, _IMMUTABLE))
    return found


def storage_class(obj: Object, old: Object | None) -> list[Cause]:
    """Check a StorageClass."""
    found: list[Cause] = [] if obj.get("provisioner") else [causes.required("provisioner")]
    if old is None:
        return found
    return found + [
        causes.invalid(key, obj.get(key), _IMMUTABLE)
        for key in ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode")
        if obj.get(key) != old.get(key)
    ]


def revision(obj: Object, old: Object | None) -> list[Cause]:
    """Check a ControllerRevision."""
    found = podchecks.not_negative(obj, "revision", "")
    if not obj.get("data"):
        found.append(causes.required("data", "data is mandatory"))
    if old is not None and obj.get("data") != old.get("data"):
        found.append(causes.invalid("data", obj.get("data"), _IMMUTABLE))
    return found
