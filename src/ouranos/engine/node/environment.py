"""What does a container's process find in its environment? Pure.

A pod, its image and what it refers to.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from ouranos.engine import quantities
from ouranos.engine.node import lifecycle, lookups
from ouranos.kit import kinds, objects

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_REFERENCE = re.compile(r"\$(\$|\(([^()]*)\))")
_KEYED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pod can learn about its node."""

    node_name: str
    address: str
    allocatable: Mapping[str, str]


def expand(text: str, known: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by what is known; `$$` is a dollar, an unknown name stays as it is."""

    def replacement(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return known.get(match[2], match[0])

    return _REFERENCE.sub(replacement, text)


def build(
    pod: objects.Object,
    container: objects.Object,
    image: Mapping[str, str],
    around: Surroundings,
    objects_of: lookups.Lookups,
) -> dict[str, str]:
    """Return the environment of a container's process.

    Raises:
        Missing: the pod refers to something that does not exist.
    """
    known: dict[str, str] = {"PATH": DEFAULT_PATH, **image}
    for source in objects.entries(container, "envFrom"):
        known |= _all_of(source, objects_of)
    for variable in objects.entries(container, "env"):
        name: str = variable["name"]
        if "valueFrom" not in variable:
            known[name] = expand(variable.get("value") or "", known)
            continue
        value = _from(variable["valueFrom"], pod, container, around, objects_of)
        if value is not None:
            known[name] = value
    return known


def _all_of(source: objects.Object, objects_of: lookups.Lookups) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    found: dict[str, str] = {}
    for field, kind in (("configMapRef", kinds.CONFIG_MAP), ("secretRef", kinds.SECRET)):
        if field in source:
            reference = source[field]
            optional = bool(reference.get("optional"))
            data = objects_of.data(kind, reference.get("name", ""), optional=optional) or {}
            found |= {
                prefix + key: value.decode()
                for key, value in data.items()
                if _NAME.fullmatch(prefix + key)
            }
    return found


def _from(
    source: objects.Object,
    pod: objects.Object,
    container: objects.Object,
    around: Surroundings,
    objects_of: lookups.Lookups,
) -> str | None:
    if "fieldRef" in source:
        return field(pod, source["fieldRef"]["fieldPath"], around)
    if "resourceFieldRef" in source:
        return resource(pod, container, source["resourceFieldRef"], around)
    if "secretKeyRef" in source:
        return objects_of.value(kinds.SECRET, source["secretKeyRef"])
    return objects_of.value(kinds.CONFIG_MAP, source["configMapKeyRef"])


def field(pod: objects.Object, path: str, around: Surroundings) -> str:
    """Return one of the fields that a pod can learn about itself."""
    metadata, spec = pod["metadata"], pod["spec"]
    keyed = _KEYED.fullmatch(path)
    if keyed:
        return objects.mapping(metadata, keyed[1]).get(keyed[2], "")
    if path in {"metadata.labels", "metadata.annotations"}:
        entries: dict[str, str] = metadata.get(path.partition(".")[2]) or {}
        return "\n".join(f'{key}="{_quoted(value)}"' for key, value in sorted(entries.items()))
    known: dict[str, Any] = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata.get("namespace", ""),
        "metadata.uid": metadata["uid"],
        "spec.nodeName": around.node_name,
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": around.address,
        "status.hostIPs": around.address,
        "status.podIP": around.address,
        "status.podIPs": around.address,
    }
    if path not in known:
        raise lookups.Missing(f"unsupported fieldPath: {path}")
    return known[path]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def resource(
    pod: objects.Object,
    container: objects.Object,
    reference: objects.Object,
    around: Surroundings,
) -> str:
    """Return a limit or request in units of the divisor; without a limit, what the node has."""
    named = reference.get("containerName")
    if named:
        found = next((one for one in lifecycle.every(pod) if one["name"] == named), None)
        if found is None:
            raise lookups.Missing(f'container "{named}" not found in the pod')
        container = found
    sort, _, name = reference["resource"].partition(".")
    resources = objects.mapping(container, "resources")
    value: str | None = objects.mapping(resources, sort).get(name)
    if value is None:
        value = around.allocatable.get(name, "0") if sort == "limits" else "0"
    divisor = quantities.number(reference.get("divisor") or "1") or Fraction(1)
    return str(-((-quantities.number(value) / divisor) // 1))
