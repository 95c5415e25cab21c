"""How does a Deployment get from old pods to new ones? Pure decisions over its ReplicaSets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ouranos.engine.workloads import pods, replica_set, shares
from ouranos.kit import objects
from ouranos.kit.objects import Object, Objects

DESIRED: Final = "deployment.kubernetes.io/desired-replicas"
MOST: Final = "deployment.kubernetes.io/max-replicas"
REVISION: Final = "deployment.kubernetes.io/revision"
HASH: Final = "pod-template-hash"

Plan = dict[str, int]
"""Names of ReplicaSets to the replicas they shall have; what is not named stays."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many pods there may be above, and how many may be missing below, the wanted number."""

    surge: int
    unavailable: int


def bounds(deployment: Object) -> Bounds:
    """Return the bounds that the strategy sets; where both round to none, one may be missing."""
    strategy = objects.mapping(deployment, "spec", "strategy")
    if strategy.get("type") == "Recreate":
        return Bounds(0, 0)
    rolling = objects.mapping(strategy, "rollingUpdate")
    wanted = replica_set.replicas(deployment)
    surge = shares.share(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = shares.share(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return Bounds(surge, min(unavailable, wanted))


def is_new(deployment: Object, replica_set: Object) -> bool:
    """Whether a ReplicaSet makes pods of the Deployment's present template."""
    return template_of(replica_set) == deployment["spec"]["template"]


def template_of(one: Object) -> Object:
    """Return a ReplicaSet's template as its Deployment wrote it."""
    template: Object = one["spec"]["template"]
    metadata = objects.mapping(template, "metadata")
    labels = {
        name: value for name, value in objects.mapping(metadata, "labels").items() if name != HASH
    }
    return {**template, "metadata": {**metadata, "labels": labels}}


def revision(one: Object) -> int:
    """Return the revision that an annotation tells; 0 where there is none."""
    text = objects.annotations_of(one).get(REVISION, "")
    return int(text) if text.isdecimal() else 0


def revision_after(sets: Sequence[Object]) -> int:
    """Return the revision that follows all of these ReplicaSets'."""
    return max((revision(one) for one in sets), default=0) + 1


def available(one: Object) -> int:
    """Return how many of a ReplicaSet's pods are available."""
    return objects.mapping(one, "status").get("availableReplicas") or 0


def existing(sets: Sequence[Object]) -> int:
    """Return how many pods ReplicaSets have by their own word."""
    return sum(objects.mapping(one, "status").get("replicas") or 0 for one in sets)


def wanted(sets: Sequence[Object]) -> int:
    """Return how many pods ReplicaSets shall have."""
    return sum(replica_set.replicas(one) for one in sets)


def recreate(deployment: Object, new: Object, olds: Objects, *, old_pods: bool) -> Plan:
    """Return the next scaling when no old pod may live beside a new one."""
    if wanted(olds):
        return {_name(one): 0 for one in olds if replica_set.replicas(one)}
    if old_pods:
        return {}
    return _scaled(new, replica_set.replicas(deployment))


def roll(deployment: Object, new: Object, olds: Objects) -> Plan:
    """Return the next scaling of a rolling update: first the new up, then the old down."""
    limit = bounds(deployment)
    total = replica_set.replicas(deployment)
    present = replica_set.replicas(new)
    if present > total:
        return {_name(new): total}
    room = total + limit.surge - wanted([new, *olds])
    if present < total and room > 0:
        return {_name(new): present + min(room, total - present)}
    return _shrink(deployment, new, olds)


def _shrink(deployment: Object, new: Object, olds: Objects) -> Plan:
    least = replica_set.replicas(deployment) - bounds(deployment).unavailable
    olds = sorted(olds, key=lambda one: (pods.created(one), _name(one)))
    unavailable_new = replica_set.replicas(new) - available(new)
    may_go = wanted([new, *olds]) - least - unavailable_new
    plan: Plan = {}
    for one in olds:
        # Pods that do not serve go first: nobody misses them.
        idle = max(replica_set.replicas(one) - available(one), 0)
        gone = min(idle, may_go)
        if gone > 0:
            plan[_name(one)] = replica_set.replicas(one) - gone
            may_go -= gone
    spare = min(sum(available(one) for one in [new, *olds]) - least, may_go)
    for one in olds:
        left = plan.get(_name(one), replica_set.replicas(one))
        gone = min(left, spare)
        if gone > 0:
            plan[_name(one)] = left - gone
            spare -= gone
    return plan


def scale(deployment: Object, new: Object | None, olds: Objects) -> Plan:
    """Return how a changed number of replicas is shared out, without going on with a rollout."""
    total = replica_set.replicas(deployment)
    sets = [*([new] if new else []), *olds]
    active = [one for one in sets if replica_set.replicas(one)]
    if len(active) <= 1:
        latest = active[0] if active else max(sets, key=pods.created, default=None)
        return {} if latest is None else _scaled(latest, total)
    if new is not None and available(new) == replica_set.replicas(new) == total:
        return {_name(one): 0 for one in olds if replica_set.replicas(one)}
    if objects.mapping(deployment, "spec", "strategy").get("type") == "Recreate":
        return {}
    return _proportional(total + bounds(deployment).surge, active)


def _proportional(allowed: int, active: Objects) -> Plan:
    difference = allowed - wanted(active)
    grow = difference > 0
    order = sorted(
        active,
        key=lambda one: (
            -replica_set.replicas(one),
            -pods.created(one).timestamp() if grow else pods.created(one).timestamp(),
        ),
    )
    plan: Plan = {}
    left = difference
    for one in order:
        present = replica_set.replicas(one)
        part = _fraction(one, present, allowed, left)
        plan[_name(one)] = max(present + part, 0)
        left -= part
    first = order[0]
    plan[_name(first)] = max(plan[_name(first)] + left, 0)
    return {name: count for name, count in plan.items() if count != _of(active, name)}


def _fraction(one: Object, present: int, allowed: int, left: int) -> int:
    if not present or not left:
        return 0
    most = objects.annotations_of(one).get(MOST, "")
    former = int(most) if most.isdecimal() and int(most) else allowed
    part = round(present * allowed / former) - present
    return min(part, left) if left > 0 else max(part, left)


def is_scaling(deployment: Object, sets: Sequence[Object]) -> bool:
    """Whether the number of replicas has changed since the ReplicaSets were last told."""
    told = str(replica_set.replicas(deployment))
    return any(
        replica_set.replicas(one) and objects.annotations_of(one).get(DESIRED, told) != told
        for one in sets
    )


def outdated(deployment: Object, olds: Objects) -> Objects:
    """Return the old ReplicaSets that are beyond the history that shall be kept."""
    limit = deployment["spec"].get("revisionHistoryLimit")
    keep = 10 if limit is None else limit
    empty = [
        one
        for one in olds
        if not replica_set.replicas(one)
        and not existing([one])
        and not objects.is_deleting(one)
        and objects.mapping(one, "status").get("observedGeneration", 0)
        >= one["metadata"].get("generation", 0)
    ]
    surplus = max(len(olds) - keep, 0)
    return sorted(empty, key=lambda one: (revision(one), pods.created(one)))[:surplus]


def _scaled(one: Object, total: int) -> Plan:
    return {} if replica_set.replicas(one) == total else {_name(one): total}


def _name(one: Object) -> str:
    return one["metadata"]["name"]


def _of(sets: Objects, name: str) -> int:
    return next(replica_set.replicas(one) for one in sets if _name(one) == name)
