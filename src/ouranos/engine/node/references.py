"""Which ConfigMaps and Secrets does a pod name? Pure; asked when one of them changes."""

from collections.abc import Iterator
from typing import Any, cast

from ouranos.kit import kinds, objects

_FIELDS = {
    "configMap": kinds.CONFIG_MAP.kind,
    "configMapRef": kinds.CONFIG_MAP.kind,
    "configMapKeyRef": kinds.CONFIG_MAP.kind,
    "secret": kinds.SECRET.kind,
    "secretRef": kinds.SECRET.kind,
    "secretKeyRef": kinds.SECRET.kind,
}


def of(pod: objects.Object) -> set[tuple[str, str]]:
    """Return kind and name of each."""
    places = ("volumes", "containers", "initContainers")
    return {pair for place in places for pair in _in(objects.entries(pod, "spec", place))}


def _in(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from _in(one)
    elif isinstance(value, dict):
        for key, inner in cast("objects.Object", value).items():
            if key in _FIELDS and isinstance(inner, dict):
                told = cast("objects.Object", inner)
                yield _FIELDS[key], str(told.get("secretName") or told.get("name") or "")
            else:
                yield from _in(inner)
