"""What should a StatefulSet do next? Pure decisions over its pods, by their ordinals."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ouranos.engine.workloads import pods, replica_set, revisions
from ouranos.kit import objects
from ouranos.kit.objects import Object

POD_NAME: Final = "statefulset.kubernetes.io/pod-name"
INDEX: Final = "apps.kubernetes.io/pod-index"


@dataclass(frozen=True, slots=True)
class Steps:
    """What to do now: ordinals to create, names of pods to delete."""

    create: tuple[int, ...] = ()
    delete: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """A StatefulSet with its pods by ordinal, at one moment."""

    owner: Object
    pods: Mapping[int, Object]
    update: str
    """Name of the revision of the present template."""
    now: datetime

    @property
    def wanted(self) -> range:
        """The ordinals that shall exist."""
        start: int = objects.mapping(self.owner, "spec", "ordinals").get("start") or 0
        return range(start, start + replica_set.replicas(self.owner))

    @property
    def one_by_one(self) -> bool:
        """Whether each pod waits for the one before it."""
        return self.owner["spec"].get("podManagementPolicy", "OrderedReady") != "Parallel"

    @property
    def partition(self) -> int:
        """The ordinals below which the old revision stays."""
        rolling = objects.mapping(self.owner, "spec", "updateStrategy", "rollingUpdate")
        return self.wanted.start + (rolling.get("partition") or 0)

    @property
    def updates(self) -> bool:
        """Whether pods of an old revision are replaced without being asked for."""
        strategy = objects.mapping(self.owner, "spec", "updateStrategy")
        return strategy.get("type", "RollingUpdate") == "RollingUpdate"

    def is_healthy(self, pod: Object) -> bool:
        """Whether the pod is available and stays."""
        min_ready = self.owner["spec"].get("minReadySeconds") or 0
        return not objects.is_deleting(pod) and pods.is_available(pod, min_ready, self.now)


def ordinal(owner: Object, pod: Object) -> int | None:
    """Return the pod's ordinal; None for a pod that is not named as one of the set."""
    parent, _, number = pod["metadata"]["name"].rpartition("-")
    if parent != owner["metadata"]["name"] or not number.isdecimal():
        return None
    return int(number)


def revision_of(pod: Object) -> str:
    """Return the name of the revision that made the pod."""
    return objects.labels_of(pod).get(revisions.LABEL, "")


def revision_for(view: View, number: int) -> str:
    """Return the name of the revision that a new pod of an ordinal is made of.

    While an update runs, what it has not reached yet is made again as it was.
    """
    status = objects.mapping(view.owner, "status")
    former = status.get("currentRevision") or view.update
    kept = view.partition
    if view.partition == view.wanted.start:
        kept += status.get("currentReplicas") or 0
    return former if view.updates and number < kept else view.update


def next_steps(view: View) -> Steps:
    """Return what to do now; nothing while something is awaited."""
    return _fill(view) or _shrink(view) or _update(view) or Steps()


def _fill(view: View) -> Steps | None:
    create: list[int] = []
    delete: list[str] = []
    for number in view.wanted:
        pod = view.pods.get(number)
        if pod is None:
            create.append(number)
        elif pods.is_finished(pod) and not objects.is_deleting(pod):
            if not pods.replaceable_in(pod, view.now):
                delete.append(_name(pod))
        elif view.one_by_one and not view.is_healthy(pod):
            return Steps(tuple(create), tuple(delete))
        else:
            continue
        if view.one_by_one:
            return Steps(tuple(create), tuple(delete))
    return Steps(tuple(create), tuple(delete)) if create or delete else None


def _shrink(view: View) -> Steps | None:
    surplus = [pod for number, pod in sorted(view.pods.items()) if number not in view.wanted]
    if not surplus:
        return None
    if not view.one_by_one:
        return Steps(delete=tuple(_name(pod) for pod in surplus if not objects.is_deleting(pod)))
    last = surplus[-1]
    if objects.is_deleting(last):
        return Steps()
    return Steps(delete=(_name(last),))


def _update(view: View) -> Steps | None:
    if not view.updates:
        return None
    for number in reversed(view.wanted):
        pod = view.pods.get(number)
        if pod is None or number < view.partition:
            continue
        if revision_of(pod) != view.update and not objects.is_deleting(pod):
            return Steps(delete=(_name(pod),))
        if not view.is_healthy(pod):
            return None
    return None


def _name(pod: Object) -> str:
    return pod["metadata"]["name"]


def status(view: View, current: str) -> Object:
    """Return the set's status by its pods; `current` names the revision that was rolled out."""
    held = [pod for number, pod in view.pods.items() if number in view.wanted]
    live = [pod for pod in held if not objects.is_deleting(pod)]
    everything = [pod for pod in view.pods.values() if not pods.is_finished(pod)]
    min_ready = view.owner["spec"].get("minReadySeconds") or 0
    updated = [pod for pod in live if revision_of(pod) == view.update]
    result: Object = {
        "observedGeneration": view.owner["metadata"].get("generation", 0),
        "replicas": len(everything),
        "readyReplicas": sum(pods.is_ready(pod) for pod in everything),
        "availableReplicas": sum(pods.is_available(pod, min_ready, view.now) for pod in everything),
        "currentReplicas": sum(revision_of(pod) == current for pod in live),
        "updatedReplicas": len(updated),
        "currentRevision": current,
        "updateRevision": view.update,
        "collisionCount": 0,
    }
    done = len(updated) == result["replicas"] == result["readyReplicas"] == len(view.wanted)
    if view.updates and done:
        result["currentRevision"] = view.update
        result["currentReplicas"] = len(updated)
    return result
