"""What does a workload's template make? Pods, their names, and the hash of a template."""

import random
from typing import Any, Final

from ouranos.kit import objects
from ouranos.kit.objects import Object

# Kubernetes leaves out what could be read as a word.
_ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX: Final = 5
_LONGEST: Final = 63


def suffix(chance: random.Random) -> str:
    """Return five characters that make a name unique."""
    return "".join(chance.choices(_ALPHABET, k=_SUFFIX))


def hash_of(value: Any, collisions: int = 0) -> str:
    """Return ten characters that change with the value, and with the count of collisions."""
    number = int.from_bytes(objects.digest([value, collisions])[:8], "big")
    letters: list[str] = []
    for _ in range(10):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "".join(letters)


def child_name(parent: str, end: str) -> str:
    """Return `parent-end`, with the parent's name cut where a label could not hold it."""
    return f"{parent[: _LONGEST - len(end) - 1]}-{end}"


def pod(template: Object, owner: Object, name: str, labels: dict[str, str] | None = None) -> Object:
    """Return a pod as the template describes it, owned by `owner`."""
    described = objects.mapping(template, "metadata")
    metadata: Object = {
        "name": name,
        "namespace": objects.namespace_of(owner),
        "labels": {**objects.mapping(described, "labels"), **(labels or {})},
        "ownerReferences": [objects.owner_reference(owner)],
    }
    for also in ("annotations", "finalizers"):
        if described.get(also):
            metadata[also] = described[also]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": dict(template["spec"])}
