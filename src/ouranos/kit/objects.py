"""What is an object of a Kubernetes API, and how is it named? Asked by everybody."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import msgspec

Object = dict[str, Any]
"""An object, exactly as Kubernetes writes it in JSON. Shared if from a cache: never mutate it."""

Objects = list[Object]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object, and where the API keeps it."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What stands in `apiVersion`, for example `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The plural with its group, as `kubectl` takes it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(
        self,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
    ) -> str:
        """Return the URL path of a collection, an object, or one of an object's subresources."""
        parts = ["/apis" if self.group else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


class Key(NamedTuple):
    """Where an object of a known kind is; `namespace` is empty for cluster-scoped kinds."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


def key_of(obj: Object) -> Key:
    """Return the key of an object that has a name."""
    metadata = obj["metadata"]
    return Key(metadata.get("namespace") or "", metadata["name"])


def namespace_of(obj: Object) -> str:
    """Return the object's namespace; empty when it has none."""
    return obj["metadata"].get("namespace") or ""


def uid_of(obj: Object) -> str:
    """Return the identity that the server gave to the object."""
    return obj["metadata"]["uid"]


def version_of(obj: Object) -> int:
    """Return the object's resource version; two of them compare as numbers (KEP-5504)."""
    return int(obj["metadata"].get("resourceVersion") or 0)


def is_deleting(obj: Object) -> bool:
    """Whether somebody has asked for the object's deletion."""
    return obj["metadata"].get("deletionTimestamp") is not None


def mapping(obj: Object, *path: str) -> Object:
    """Return the mapping at a path; empty where there is none. Not to be mutated."""
    found: Any = obj
    for part in path:
        found = found.get(part)
        if found is None:
            return {}
    return cast("Object", found)


def entries(obj: Object, *path: str) -> list[Any]:
    """Return the list at a path; empty where there is none. Not to be mutated."""
    *parents, last = path
    return mapping(obj, *parents).get(last) or []


def owner_reference(owner: Object, *, controller: bool = True) -> Object:
    """Return the reference that makes `owner` the owner of another object."""
    metadata = owner["metadata"]
    reference: Object = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    if controller:
        reference |= {"controller": True, "blockOwnerDeletion": True}
    return reference


def controller_reference(obj: Object) -> Object | None:
    """Return the owner reference of the object's controlling owner."""
    references = entries(obj, "metadata", "ownerReferences")
    return next((reference for reference in references if reference.get("controller")), None)


def controller_uid(obj: Object) -> str | None:
    """Return the uid of the object's controlling owner."""
    reference = controller_reference(obj)
    return None if reference is None else reference["uid"]


def digest(value: Any) -> bytes:
    """Return a short hash of a JSON value that does not depend on the order of its keys."""
    encoded = msgspec.json.encode(value, order="deterministic")
    return hashlib.blake2b(encoded, digest_size=16).digest()


def content_name(prefix: str, data: Mapping[str, str]) -> str:
    """Return a name that changes exactly when the content does: `keystone-config-3f9c2b7d10`."""
    encoded = msgspec.json.encode(dict(data), order="deterministic")
    return f"{prefix}-{hashlib.sha256(encoded).hexdigest()[:10]}"


def matches(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Whether `labels` has every pair of `wanted`."""
    return all(labels.get(key) == value for key, value in wanted.items())


def labels_of(obj: Object) -> dict[str, str]:
    """Return the object's labels; empty when it has none. Not to be mutated."""
    return mapping(obj, "metadata", "labels")


def annotations_of(obj: Object) -> dict[str, str]:
    """Return the object's annotations; empty when it has none. Not to be mutated."""
    return mapping(obj, "metadata", "annotations")
