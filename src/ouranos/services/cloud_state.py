"""How is a Cloud, going by its parts? Pure; asked by the Cloud controller.

A part says itself how it is. What is awaited is the first part, in the order in which parts need
each other, that is not ready, unless one waits for a person: that comes first, for it never passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ouranos.kit import conditions, kinds, objects, summary
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Object
from ouranos.services import cloud_parts, registry

HYPERVISORS: Final = "HypervisorsReady"
NEEDS_A_PERSON: Final = (Reason.INVALID_SPEC, Reason.UNRECOVERABLE)

_OF_THE_WHOLE: Final = (summary.READY, summary.PROGRESSING, summary.AVAILABLE)
_NO_HYPERVISOR: Final = "no machine runs guests yet: label a Node with ouranos.cloud/hypervisor"


@dataclass(frozen=True, slots=True)
class Finding:
    """How one part of a Cloud is.

    Attributes:
        condition: the Cloud's condition that tells of the part.
        kind: the kind of the object that is looked at.
        name: its name; empty where there is no object yet.
        ready: whether the part is as its present spec says.
        available: whether it serves its users, ready or not.
        fact: the object's own condition that is awaited; `Ready` when there is no better one.
        reason: that condition's reason.
        message: that condition's message.
        since: since when it is so, as an RFC 3339 time; empty if nobody has said.
    """

    condition: str
    kind: str
    name: str
    ready: bool
    available: bool = False
    fact: str = summary.READY
    reason: str = Reason.WAITING
    message: str = ""
    since: str = ""

    @property
    def sentence(self) -> str:
        """What is awaited, with the exact object and its own words."""
        subject = f"{self.kind}/{self.name}" if self.name else self.kind
        fact = f" {self.fact}" if self.fact != summary.READY else ""
        return f"{subject}{fact}: {self.message or 'nothing was said'}"

    @property
    def needs_a_person(self) -> bool:
        """Whether it stays so until somebody changes something."""
        return not self.ready and self.reason in NEEDS_A_PERSON


def conditions_of_parts(known: registry.Registry) -> frozenset[str]:
    """The conditions of a Cloud that tell of parts."""
    return frozenset({HYPERVISORS, *map(cloud_parts.condition, known.parts.values())})


def of_part(condition: str, kind: str, name: str, obj: Object | None) -> Finding:
    """How the part is that one object stands for.

    Args:
        condition: the Cloud's condition that tells of it.
        kind: the object's kind.
        name: the object's name.
        obj: the object, None if there is none.
    """
    if obj is None:
        return Finding(condition, kind, name, ready=False, message="it is not there yet")
    if objects.is_deleting(obj):
        message = "it is being deleted, and is made again when it is gone"
        since = obj["metadata"]["deletionTimestamp"]
        return Finding(condition, kind, name, ready=False, message=message, since=since)
    said = conditions.of(obj)
    available = conditions.is_true(obj, summary.AVAILABLE)
    if conditions.is_current(obj, summary.READY):
        return Finding(condition, kind, name, ready=True, available=available)
    fact = _awaited(said, obj["metadata"].get("generation"))
    if fact is None:
        message = "its controller has not looked at its present spec yet"
        since = obj["metadata"].get("creationTimestamp", "")
        return Finding(
            condition, kind, name, ready=False, available=available, message=message, since=since
        )
    return Finding(
        condition,
        kind,
        name,
        ready=False,
        available=available,
        fact=fact["type"],
        reason=fact.get("reason", ""),
        message=fact.get("message", ""),
        since=fact.get("lastTransitionTime", ""),
    )


def _awaited(said: Sequence[Object], generation: int | None) -> Object | None:
    """The first step that does not hold; Ready itself where no step says more."""
    current = [one for one in said if one.get("observedGeneration", generation) == generation]
    steps = [one for one in current if one["type"] not in _OF_THE_WHOLE]
    failed = [one for one in steps if one["status"] == conditions.FALSE]
    ready = conditions.find(current, summary.READY)
    if ready is not None and ready.get("reason") in NEEDS_A_PERSON:
        failed = [one for one in failed if one.get("reason") == ready["reason"]]
    return failed[0] if failed else ready


def of_hypervisors(hypervisors: Iterable[Object]) -> Finding:
    """How the machines are that run guests: there is one, and none waits for anything."""
    found = [
        of_part(HYPERVISORS, kinds.HYPERVISOR.kind, objects.key_of(obj).name, obj)
        for obj in hypervisors
    ]
    if not found:
        kind = kinds.HYPERVISOR.kind
        return Finding(HYPERVISORS, kind, "", ready=False, message=_NO_HYPERVISOR)
    able = any(one.ready or one.available for one in found)
    late = first_awaited(found)
    if late is None:
        return Finding(HYPERVISORS, found[0].kind, "", ready=True, available=True)
    return Finding(
        HYPERVISORS,
        late.kind,
        late.name,
        ready=False,
        available=able,
        fact=late.fact,
        reason=late.reason,
        message=late.message,
        since=late.since,
    )


def first_awaited(findings: Sequence[Finding]) -> Finding | None:
    """The finding to tell of first, None when all is ready."""
    for one in findings:
        if one.needs_a_person:
            return one
    return next((one for one in findings if not one.ready), None)


def awaited(finding: Finding, noticed: str) -> Object:
    """A finding as `status.awaited` of the Cloud; `noticed` is for parts that do not say when."""
    return {
        "kind": finding.kind,
        "name": finding.name,
        "condition": finding.fact,
        "reason": str(finding.reason),
        "message": conditions.bounded(finding.message),
        "since": finding.since or noticed,
    }


def endpoints(present: dict[str, Object]) -> dict[str, str]:
    """Public URLs by service, of the objects that tell one."""
    told = {name: objects.mapping(obj, "status", "endpoints") for name, obj in present.items()}
    return {name: urls["public"] for name, urls in told.items() if urls.get("public")}
