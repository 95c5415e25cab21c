"""How many pods may be evicted now? Runs PodDisruptionBudgets; the API holds evictions to them."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.workloads import outcomes, pods, replica_set, selectors, shares
from ouranos.kit import conditions, controller, kinds, objects, outcome
from ouranos.kit.objects import Key, Kind, Object, Objects

_PATIENCE: Final = timedelta(minutes=2)
"""How long an eviction that was allowed may take to show as a pod that is going."""
_SCALED: Final = {
    one.kind: one for one in (kinds.REPLICA_SET, kinds.DEPLOYMENT, kinds.STATEFUL_SET)
}


def chosen(budget: Object, every_pod: Sequence[Object]) -> Objects:
    """Return the pods that the budget is about."""
    selector = budget["spec"].get("selector")
    return [
        pod
        for pod in every_pod
        if selectors.selects(selector, objects.labels_of(pod)) and not pods.is_finished(pod)
    ]


def evicted(budget: Object, held: Sequence[Object], now: datetime) -> dict[str, str]:
    """Return the evictions that were allowed and do not show yet, by the pods' names."""
    present = {pod["metadata"]["name"]: pod for pod in held}
    told: dict[str, str] = objects.mapping(budget, "status", "disruptedPods")
    return {
        name: since
        for name, since in told.items()
        if name in present
        and not objects.is_deleting(present[name])
        and conditions.moment_of(since) + _PATIENCE > now
    }


def status(budget: Object, held: Sequence[Object], expected: int, now: datetime) -> Object:
    """Return the budget's status; `expected` is how many pods their owners want."""
    spec = budget["spec"]
    gone = evicted(budget, held, now)
    if "maxUnavailable" in spec:
        unavailable = shares.share(spec["maxUnavailable"], expected, up=True)
        desired = max(expected - unavailable, 0)
    else:
        desired = shares.share(spec.get("minAvailable", 1), expected, up=True)
        expected = expected if isinstance(spec.get("minAvailable"), str) else len(held)
    healthy = sum(
        pods.is_ready(pod) and not objects.is_deleting(pod) and pod["metadata"]["name"] not in gone
        for pod in held
    )
    allowed = max(healthy - desired, 0) if expected > 0 else 0
    result: Object = {
        "observedGeneration": budget["metadata"].get("generation", 0),
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "conditions": [dict(one) for one in conditions.of(budget)],
    }
    if gone:
        result["disruptedPods"] = gone
    reason = "SufficientPods" if allowed else "InsufficientPods"
    value = conditions.TRUE if allowed else conditions.FALSE
    conditions.set_condition(
        result["conditions"],
        "DisruptionAllowed",
        value,
        reason,
        "",
        now,
        budget["metadata"].get("generation"),
    )
    return result


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Count what is healthy."""
    now = p.seams.clock.now()
    held = chosen(p.object, p.cache.list(kinds.POD, p.key.namespace))
    p.status = status(p.object, held, _expected(held, p.cache), now)
    ends = [
        conditions.moment_of(since) + _PATIENCE - now
        for since in objects.mapping(p.status, "disruptedPods").values()
    ]
    return outcomes.again(*ends)


def _expected(held: Sequence[Object], known: controller.Cache) -> int:
    """Return how many pods the owners of these want in all; one without owner counts itself."""
    total = 0
    owners: dict[str, Object] = {}
    for pod in held:
        owner = _scaler(pod, known)
        if owner is None:
            total += 1
        else:
            owners[objects.uid_of(owner)] = owner
    return total + sum(replica_set.replicas(owner) for owner in owners.values())


def _scaler(obj: Object, known: controller.Cache) -> Object | None:
    reference = objects.controller_reference(obj)
    kind: Kind | None = None if reference is None else _SCALED.get(reference["kind"])
    if reference is None or kind is None:
        return None
    owner = known.get(kind, reference["name"], objects.namespace_of(obj))
    return None if owner is None else _scaler(owner, known) or owner


def _of_pod(pod: Object, held: controller.Cache) -> Iterator[Key]:
    for budget in held.list(kinds.POD_DISRUPTION_BUDGET, objects.namespace_of(pod)):
        if selectors.selects(budget["spec"].get("selector"), objects.labels_of(pod)):
            yield objects.key_of(budget)


CONTROLLER: Final = controller.Controller(
    "disruption",
    kinds.POD_DISRUPTION_BUDGET,
    reconcile,
    watches=(controller.Watch(kinds.POD, _of_pod),),
    reads=tuple(_SCALED.values()),
)
