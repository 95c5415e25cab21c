"""Where should a DaemonSet's pods be, and which go next? Pure decisions over nodes and pods."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ouranos.engine.workloads import nodes, pods, revisions, shares
from ouranos.kit import objects
from ouranos.kit.objects import Object, Objects

_TOLERATIONS: Final = (
    (nodes.NOT_READY, nodes.NO_EXECUTE),
    (nodes.UNREACHABLE, nodes.NO_EXECUTE),
    (nodes.DISK_PRESSURE, nodes.NO_SCHEDULE),
    (nodes.MEMORY_PRESSURE, nodes.NO_SCHEDULE),
    (nodes.PID_PRESSURE, nodes.NO_SCHEDULE),
    (nodes.UNSCHEDULABLE, nodes.NO_SCHEDULE),
)
_NETWORK: Final = ("node.kubernetes.io/network-unavailable", nodes.NO_SCHEDULE)


def spec_for(template: Object, node: str) -> Object:
    """Return the spec of a pod that may run on that one node, and stays there whatever happens."""
    spec: Object = dict(template["spec"])
    wanted = [*_TOLERATIONS, _NETWORK] if spec.get("hostNetwork") else list(_TOLERATIONS)
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in wanted]
    spec["tolerations"] = [*objects.entries(spec, "tolerations"), *added]
    affinity = objects.mapping(spec, "affinity")
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    node_affinity = {
        **objects.mapping(affinity, "nodeAffinity"),
        "requiredDuringSchedulingIgnoredDuringExecution": required,
    }
    spec["affinity"] = {**affinity, "nodeAffinity": node_affinity}
    return spec


def target_of(pod: Object) -> str:
    """Return the node that a pod runs on, or is meant for."""
    if pods.node_of(pod):
        return pods.node_of(pod)
    terms: Objects = objects.entries(
        pod,
        "spec",
        "affinity",
        "nodeAffinity",
        "requiredDuringSchedulingIgnoredDuringExecution",
        "nodeSelectorTerms",
    )
    for term in terms:
        for one in objects.entries(term, "matchFields"):
            if one["key"] == "metadata.name" and one["values"]:
                return one["values"][0]
    return ""


def should_run(owner: Object, node: Object) -> bool:
    """Whether the set places a pod on the node."""
    template = owner["spec"]["template"]
    spec = spec_for(template, node["metadata"]["name"])
    return nodes.is_chosen(template["spec"], node) and nodes.untolerated(spec, node) is None


def should_stay(owner: Object, node: Object) -> bool:
    """Whether a pod that is on the node already may stay."""
    template = owner["spec"]["template"]
    spec = spec_for(template, node["metadata"]["name"])
    taint = nodes.untolerated(spec, node, (nodes.NO_EXECUTE,))
    return nodes.is_chosen(template["spec"], node) and taint is None


@dataclass(frozen=True, slots=True)
class View:
    """A DaemonSet, its pods by node, and the nodes, at one moment."""

    owner: Object
    nodes: Objects
    pods: Mapping[str, Objects]
    update: str
    """Name of the revision of the present template."""
    now: datetime

    @property
    def wanted(self) -> list[str]:
        """Names of the nodes that shall have a pod."""
        return [node["metadata"]["name"] for node in self.nodes if should_run(self.owner, node)]

    @property
    def staying(self) -> set[str]:
        """Names of the nodes where a pod may stay."""
        return {node["metadata"]["name"] for node in self.nodes if should_stay(self.owner, node)}

    def is_available(self, pod: Object) -> bool:
        """Whether the pod counts as available."""
        min_ready = self.owner["spec"].get("minReadySeconds") or 0
        return not objects.is_deleting(pod) and pods.is_available(pod, min_ready, self.now)

    def is_new(self, pod: Object) -> bool:
        """Whether the pod was made of the present template."""
        return objects.labels_of(pod).get(revisions.LABEL) == self.update


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do now: nodes that get a pod, pods that go."""

    create: tuple[str, ...] = ()
    delete: tuple[Object, ...] = ()


def next_steps(view: View) -> Steps:
    """Return which pods to make and which to delete, placement first, then the update."""
    create: list[str] = []
    delete: list[Object] = []
    wanted = set(view.wanted)
    for node, held in view.pods.items():
        staying = [pod for pod in held if not objects.is_deleting(pod)]
        finished = [pod for pod in staying if pods.is_finished(pod)]
        delete += [pod for pod in finished if not pods.replaceable_in(pod, view.now)]
        live = [pod for pod in staying if not pods.is_finished(pod)]
        if node not in view.staying:
            delete += live
        else:
            delete += _surplus(view, live)
    create += [node for node in sorted(wanted) if not view.pods.get(node)]
    updating = _update(view, {objects.uid_of(pod) for pod in delete})
    return Steps((*create, *updating.create), (*delete, *updating.delete))


def _surplus(view: View, live: Objects) -> Objects:
    """Return the pods beyond one of each template, the younger ones."""
    ordered = sorted(live, key=pods.created)
    kept: set[bool] = set()
    surplus: Objects = []
    for pod in ordered:
        if view.is_new(pod) in kept:
            surplus.append(pod)
        kept.add(view.is_new(pod))
    return surplus


def _update(view: View, going: set[str]) -> Steps:
    strategy = objects.mapping(view.owner, "spec", "updateStrategy")
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return Steps()
    rolling = objects.mapping(strategy, "rollingUpdate")
    wanted = view.wanted
    surge = shares.share(rolling.get("maxSurge", 0), len(wanted), up=True)
    live = {node: [p for p in view.pods.get(node, []) if pods.is_active(p)] for node in wanted}
    live = {
        node: [pod for pod in held if objects.uid_of(pod) not in going]
        for node, held in live.items()
    }
    if surge:
        return _surge(view, live, surge)
    allowed = shares.share(rolling.get("maxUnavailable", 1), len(wanted), up=True)
    return _replace(view, live, allowed)


def _replace(view: View, live: Mapping[str, Objects], allowed: int) -> Steps:
    missing = sum(not any(view.is_available(pod) for pod in held) for held in live.values())
    olds = [pod for held in live.values() for pod in held if not view.is_new(pod)]
    idle = [pod for pod in olds if not view.is_available(pod)]
    serving = [pod for pod in olds if view.is_available(pod)]
    return Steps(delete=(*idle, *serving[: max(allowed - missing, 0)]))


def _surge(view: View, live: Mapping[str, Objects], surge: int) -> Steps:
    create: list[str] = []
    delete: list[Object] = []
    surging = 0
    for node, held in live.items():
        news = [pod for pod in held if view.is_new(pod)]
        olds = [pod for pod in held if not view.is_new(pod)]
        if not olds:
            continue
        if any(view.is_available(pod) for pod in news) or not any(map(view.is_available, olds)):
            delete += olds
        elif news:
            surging += 1
        else:
            create.append(node)
    return Steps(tuple(create[: max(surge - surging, 0)]), tuple(delete))


def status(view: View) -> Object:
    """Return the set's status by its pods and nodes."""
    counts: dict[str, Any] = dict.fromkeys(
        (
            "desiredNumberScheduled",
            "currentNumberScheduled",
            "numberMisscheduled",
            "numberReady",
            "updatedNumberScheduled",
            "numberAvailable",
        ),
        0,
    )
    wanted = set(view.wanted)
    counts["desiredNumberScheduled"] = len(wanted)
    for node in {*wanted, *view.pods}:
        held = [pod for pod in view.pods.get(node, []) if pods.is_active(pod)]
        if not held:
            continue
        if node not in wanted:
            counts["numberMisscheduled"] += 1
            continue
        counts["currentNumberScheduled"] += 1
        counts["numberReady"] += any(pods.is_ready(pod) for pod in held)
        counts["numberAvailable"] += any(view.is_available(pod) for pod in held)
        counts["updatedNumberScheduled"] += any(view.is_new(pod) for pod in held)
    counts["numberUnavailable"] = len(wanted) - counts["numberAvailable"]
    counts["observedGeneration"] = view.owner["metadata"].get("generation", 0)
    return counts
