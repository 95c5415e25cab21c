"""On which node does a pod go? The scheduler's decision, pure, over what it has read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from ouranos.engine.workloads import nodes, pods, selectors
from ouranos.kit import objects
from ouranos.kit.objects import Object, Objects

_MEASURED: Final = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class World:
    """The nodes, what runs on them, and the volumes that bind the pod to some."""

    nodes: Objects
    pods: Objects
    volumes: Objects
    """The PersistentVolumes that the pod's claims are bound to."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A node, or why there is none."""

    node: str = ""
    message: str = ""


def place(pod: Object, world: World) -> Placement:
    """Return the best node that may take the pod, or a sentence that says why none may."""
    running: dict[str, Objects] = {}
    for one in world.pods:
        if pods.node_of(one) and not pods.is_finished(one):
            running.setdefault(pods.node_of(one), []).append(one)
    refusals: Counter[str] = Counter()
    best: list[tuple[tuple[float, ...], str]] = []
    for node in world.nodes:
        name: str = node["metadata"]["name"]
        held = running.get(name, [])
        refusal = _refusal(pod, node, held, world)
        if refusal is None:
            best.append((_score(pod, node, held), name))
        else:
            refusals[refusal] += 1
    if best:
        return Placement(node=min(best)[1])
    return Placement(message=_told(len(world.nodes), refusals))


def _told(total: int, refusals: Mapping[str, int]) -> str:
    if not total:
        return "no nodes available to schedule pods"
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(refusals.items()))
    return f"0/{total} nodes are available: {reasons}."


def _refusal(pod: Object, node: Object, held: Sequence[Object], world: World) -> str | None:
    spec = pod["spec"]
    taint = nodes.untolerated(spec, node)
    if taint is not None:
        value = taint.get("value", "")
        return f"node(s) had untolerated taint {{{taint['key']}: {value}}}"
    if not nodes.is_chosen(spec, node):
        return "node(s) didn't match Pod's node affinity/selector"
    if not all(_reaches(volume, node) for volume in world.volumes):
        return "node(s) had volume node affinity conflict"
    short = nodes.shortage(nodes.requests(spec), nodes.free(node, held))
    if short == "pods":
        return "Too many pods"
    if short is not None:
        return f"Insufficient {short}"
    return _apart(pod, node, held, world)


def _reaches(volume: Object, node: Object) -> bool:
    required = objects.mapping(volume, "spec", "nodeAffinity").get("required")
    return required is None or nodes.matches_terms(required, node)


def _apart(pod: Object, node: Object, held: Sequence[Object], world: World) -> str | None:
    if not _spreads(pod, node, world):
        return "node(s) didn't match pod topology spread constraints"
    name = node["metadata"]["name"]
    terms: Objects = objects.entries(
        pod, "spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"
    )
    for term in terms:
        if _peers(pod, term, _same_place(term["topologyKey"], name, world, held)):
            return "node(s) didn't match pod anti-affinity rules"
    return None


def _same_place(key: str, name: str, world: World, held: Sequence[Object]) -> Sequence[Object]:
    if key == nodes.HOSTNAME:
        return held
    labels = {one["metadata"]["name"]: objects.labels_of(one) for one in world.nodes}
    place = labels[name].get(key)
    return [one for one in world.pods if labels.get(pods.node_of(one), {}).get(key) == place]


def _peers(pod: Object, term: Object, others: Sequence[Object]) -> int:
    return sum(
        objects.namespace_of(one) == objects.namespace_of(pod)
        and not pods.is_finished(one)
        and not objects.is_deleting(one)
        and selectors.selects(term.get("labelSelector"), objects.labels_of(one))
        for one in others
    )


def _spreads(pod: Object, node: Object, world: World) -> bool:
    for term in objects.entries(pod, "spec", "topologySpreadConstraints"):
        if term.get("whenUnsatisfiable", "DoNotSchedule") != "DoNotSchedule":
            continue
        key: str = term["topologyKey"]
        place = objects.labels_of(node).get(key)
        if place is None:
            return False
        counts = _counts(pod, term, world)
        if counts.get(place, 0) + 1 - min(counts.values(), default=0) > term["maxSkew"]:
            return False
    return True


def _counts(pod: Object, term: Object, world: World) -> dict[str, int]:
    key: str = term["topologyKey"]
    places = {
        one["metadata"]["name"]: objects.labels_of(one)[key]
        for one in world.nodes
        if key in objects.labels_of(one) and nodes.is_chosen(pod["spec"], one)
    }
    counts = dict.fromkeys(places.values(), 0)
    for one in world.pods:
        place = places.get(pods.node_of(one))
        if place is not None:
            counts[place] += _peers(pod, term, [one])
    return counts


def _score(pod: Object, node: Object, held: Sequence[Object]) -> tuple[float, ...]:
    """Return what makes a node worse: pods of the same owner, then how full it would be."""
    owner = objects.controller_uid(pod)
    siblings = sum(
        owner is not None and objects.controller_uid(one) == owner and pods.is_active(one)
        for one in held
    )
    left = nodes.free(node, [*held, pod])
    whole = nodes.free(node, ())
    used = [
        float(1 - left.get(name, Fraction(0)) / whole[name])
        for name in _MEASURED
        if whole.get(name)
    ]
    return (siblings, max(used, default=0.0), len(held))
