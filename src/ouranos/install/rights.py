"""May we? Asked of the API server before anything is changed, so that nothing is left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ouranos.install import trouble
from ouranos.kit import cluster, kinds, objects
from ouranos.kit.objects import Kind, Object

_REVIEW: Final = Kind(
    "authorization.k8s.io",
    "v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
    namespaced=False,
)
kinds.register(_REVIEW)

_HINT: Final = "installing needs cluster-admin, or a role with these rights"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """Leave to do one thing to the objects of a kind, in a namespace or everywhere."""

    resource: str
    verb: str
    group: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        place = f" in namespace {self.namespace}" if self.namespace else ""
        group = f".{self.group}" if self.group else ""
        return f"{self.verb} {self.resource}{group}{place}"


def to(kind: Kind, *verbs: str, namespace: str = "") -> list[Right]:
    """Leave to do some things to a kind; everywhere, unless a namespace is given."""
    where = namespace if kind.namespaced else ""
    return [Right(kind.plural, verb, kind.group, where) for verb in verbs]


async def check(source: cluster.Cluster, wanted: Iterable[Right]) -> None:
    """Return if we may do all of it.

    Raises:
        trouble.RefusedError: we may not; it names every right that is missing.
    """
    asked = sorted(set(wanted))
    answers = await asyncio.gather(*(may(source, one) for one in asked))
    missing = [str(one) for one, allowed in zip(asked, answers, strict=True) if not allowed]
    if missing:
        said = f"the credentials lack rights: {', '.join(missing)}"
        raise trouble.RefusedError([trouble.Trouble(said, _HINT)])


async def may(source: cluster.Cluster, right: Right) -> bool:
    """Whether the API server would let us."""
    attributes = {
        "group": right.group,
        "resource": right.resource,
        "verb": right.verb,
        "namespace": right.namespace,
    }
    review: Object = {
        "apiVersion": _REVIEW.api_version,
        "kind": _REVIEW.kind,
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    }
    answer = await source.create(review)
    return bool(objects.mapping(answer, "status").get("allowed"))
