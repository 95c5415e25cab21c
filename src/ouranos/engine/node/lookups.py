"""Which objects does a pod refer to, and is one of them missing?

Asked while a container is prepared.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from ouranos.kit import errors, kinds, objects

Find = Callable[[objects.Kind, str, str], objects.Object | None]
"""Kind, namespace, name → the object, from the node's mirror of the API."""


class Missing(errors.Transient):
    """Something that the pod refers to does not exist; it may appear."""

    def __init__(self, message: str, *, volume: bool = False) -> None:
        super().__init__(message)
        self.volume = volume
        """Whether a volume lacks it."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the API holds in a pod's namespace."""

    find: Find
    namespace: str

    def data(self, kind: objects.Kind, name: str, *, optional: bool) -> dict[str, bytes] | None:
        """Return the data of a ConfigMap or Secret; None when it is optional and missing.

        Raises:
            Missing: it does not exist.
        """
        found = self.find(kind, self.namespace, name)
        if found is None:
            if optional:
                return None
            raise Missing(f'{kind.kind.lower()} "{name}" not found')
        return data_of(found)

    def value(self, kind: objects.Kind, reference: objects.Object) -> str | None:
        """Return one key of a ConfigMap or Secret; None when that is optional and missing.

        Raises:
            Missing: the object or the key does not exist.
        """
        name, key = reference.get("name", ""), reference["key"]
        optional = bool(reference.get("optional"))
        data = self.data(kind, name, optional=optional)
        if data is not None and key in data:
            return data[key].decode()
        if optional:
            return None
        raise Missing(f"couldn't find key {key} in {kind.kind} {self.namespace}/{name}")


def data_of(found: objects.Object) -> dict[str, bytes]:
    """Return the content of a ConfigMap or Secret."""
    data = {key: value.encode() for key, value in objects.mapping(found, "stringData").items()}
    is_secret = found.get("kind") == kinds.SECRET.kind
    for key, value in objects.mapping(found, "data").items():
        data[key] = base64.b64decode(value) if is_secret else value.encode()
    for key, value in objects.mapping(found, "binaryData").items():
        data[key] = base64.b64decode(value)
    return data
