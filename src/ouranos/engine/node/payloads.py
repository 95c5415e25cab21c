"""Which files does a volume made of API objects hold? Pure.

ConfigMaps, Secrets, downward API, projected.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ouranos.engine.node import environment, lookups
from ouranos.kit import kinds, objects

DEFAULT_MODE: Final = 0o644


class File(NamedTuple):
    """One file of a volume."""

    content: bytes
    mode: int


Payload = dict[str, File]
"""Files by their path in the volume."""


def is_payload(volume: objects.Object) -> bool:
    """Whether the volume's content comes from API objects."""
    return any(sort in volume for sort in ("configMap", "secret", "downwardAPI", "projected"))


def is_secret(volume: objects.Object) -> bool:
    """Whether the content must never reach a disk."""
    sources = objects.entries(volume, "projected", "sources")
    return "secret" in volume or any("secret" in source for source in sources)


def build(
    volume: objects.Object,
    pod: objects.Object,
    around: environment.Surroundings,
    objects_of: lookups.Lookups,
) -> Payload:
    """Return the files of a volume.

    Raises:
        Missing: it needs something that does not exist.
    """
    if "projected" in volume:
        projected = volume["projected"]
        mode = _mode(projected, DEFAULT_MODE)
        found: Payload = {}
        for source in objects.entries(projected, "sources"):
            found |= _one(source, mode, pod, around, objects_of)
        return found
    return _one(volume, None, pod, around, objects_of)


def _one(
    source: objects.Object,
    mode: int | None,
    pod: objects.Object,
    around: environment.Surroundings,
    objects_of: lookups.Lookups,
) -> Payload:
    if "configMap" in source:
        told = source["configMap"]
        return _data(kinds.CONFIG_MAP, told.get("name", ""), told, mode, objects_of)
    if "secret" in source:
        told = source["secret"]
        name = told.get("secretName") or told.get("name", "")
        return _data(kinds.SECRET, name, told, mode, objects_of)
    if "downwardAPI" in source:
        return _downward(source["downwardAPI"], mode, pod, around)
    raise lookups.Missing(f"the node cannot make a volume of {', '.join(sorted(source))}")


def _mode(told: Mapping[str, Any], default: int) -> int:
    mode = told.get("defaultMode")
    return default if mode is None else int(mode)


def _data(
    kind: objects.Kind,
    name: str,
    told: objects.Object,
    mode: int | None,
    objects_of: lookups.Lookups,
) -> Payload:
    optional = bool(told.get("optional"))
    data = objects_of.data(kind, name, optional=optional)
    usual = _mode(told, DEFAULT_MODE) if mode is None else mode
    if data is None:
        return {}
    if not told.get("items"):
        return {key: File(content, usual) for key, content in data.items()}
    found: Payload = {}
    for item in told["items"]:
        if item["key"] in data:
            chosen = usual if item.get("mode") is None else int(item["mode"])
            found[_inner(item["path"])] = File(data[item["key"]], chosen)
        elif not optional:
            raise lookups.Missing(f"{kind.kind.lower()} references non-existent key: {item['key']}")
    return found


def _downward(
    told: objects.Object,
    mode: int | None,
    pod: objects.Object,
    around: environment.Surroundings,
) -> Payload:
    usual = _mode(told, DEFAULT_MODE) if mode is None else mode
    found: Payload = {}
    for item in objects.entries(told, "items"):
        chosen = usual if item.get("mode") is None else int(item["mode"])
        if "fieldRef" in item:
            text = environment.field(pod, item["fieldRef"]["fieldPath"], around)
        else:
            text = environment.resource(pod, {}, item["resourceFieldRef"], around)
        found[_inner(item["path"])] = File(text.encode(), chosen)
    return found


def _inner(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise lookups.Missing(f"the path {path} leads out of its volume")
    return path
