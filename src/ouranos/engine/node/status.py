"""How is a pod, as its object says it? Pure: what is known of its containers in, `status` out."""

from datetime import datetime
from typing import Final

from ouranos.engine.node import lifecycle, records, spec
from ouranos.kit import conditions, objects

SCHEME: Final = "runc"
_OURS: Final = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


def identity_of(record: records.Record) -> str:
    """Return a container's ID as statuses write it."""
    return f"{SCHEME}://{record.id}"


def build(view: lifecycle.View, decision: lifecycle.Decision, address: str) -> objects.Object:
    """Return the whole status of a pod at an address; conditions of others are kept."""
    pod, now = view.pod, view.now
    before: objects.Object = objects.mapping(pod, "status")
    main_statuses = [_container(one, view, decision) for one in lifecycle.mains(pod)]
    init_statuses = [_container(one, view, decision) for one in lifecycle.inits(pod)]
    found: objects.Object = {
        "phase": decision.phase,
        "hostIP": address,
        "hostIPs": [{"ip": address}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": before.get("startTime") or conditions.timestamp(now),
        "qosClass": spec.quality(pod),
        "containerStatuses": main_statuses,
        "conditions": _conditions(view, decision, [*init_statuses, *main_statuses]),
    }
    if init_statuses:
        found["initContainerStatuses"] = init_statuses
    for name in ("reason", "message"):
        value: str = getattr(decision, name) or before.get(name) or ""
        if value:
            found[name] = value
    return found


def _container(
    container: objects.Object,
    view: lifecycle.View,
    decision: lifecycle.Decision,
) -> objects.Object:
    name: str = container["name"]
    attempts = view.attempts.get(name) or ()
    last = attempts[-1] if attempts else None
    waiting = decision.waiting.get(name)
    state: objects.Object
    last_state: objects.Object = {}
    if last is not None and not last.has_ended:
        state = {"running": {"startedAt": _time(last.started or last.created)}}
        if len(attempts) > 1:
            last_state = _terminated(attempts[-2])
    elif waiting or last is None:
        state = {"waiting": _waiting(view, decision, name)}
        last_state = _terminated(last) if last else {}
    else:
        state = _terminated(last)
        if len(attempts) > 1:
            last_state = _terminated(attempts[-2])
    health = view.health.get(name, lifecycle.Health())
    runs = "running" in state
    is_init = container in lifecycle.inits(view.pod) and not lifecycle.is_sidecar(container)
    completed = is_init and last is not None and last.has_ended and last.exit_code == 0
    return {
        "name": name,
        "state": state,
        "lastState": last_state,
        "ready": (runs and health.started and health.ready and not is_init) or completed,
        "started": runs and health.started,
        "restartCount": last.attempt if last else 0,
        "image": container.get("image", ""),
        "imageID": last.digest if last else "",
        "containerID": identity_of(last) if last else "",
    }


def _waiting(view: lifecycle.View, decision: lifecycle.Decision, name: str) -> objects.Object:
    found = decision.waiting.get(name)
    if found is None:
        is_main = any(one["name"] == name for one in lifecycle.mains(view.pod))
        blocked = bool(lifecycle.inits(view.pod)) and not decision.initialized
        reason = "PodInitializing" if blocked and is_main else "ContainerCreating"
        return {"reason": reason}
    reason, message = found
    return {"reason": reason, "message": message} if message else {"reason": reason}


def _terminated(record: records.Record) -> objects.Object:
    found: objects.Object = {
        "exitCode": record.exit_code,
        "reason": record.reason,
        "startedAt": _time(record.started or record.created),
        "finishedAt": _time(record.finished or record.created),
        "containerID": identity_of(record),
    }
    if record.message:
        found["message"] = record.message
    return {"terminated": found}


def _time(moment: datetime) -> str:
    return conditions.timestamp(moment)


def _conditions(
    view: lifecycle.View, decision: lifecycle.Decision, statuses: list[objects.Object]
) -> list[objects.Object]:
    pod = view.pod
    before = conditions.of(pod)
    found = [dict(one) for one in before]
    ended = decision.phase in {"Succeeded", "Failed"}
    mains = {one["name"] for one in lifecycle.mains(pod)}
    sidecars = {one["name"] for one in lifecycle.inits(pod) if lifecycle.is_sidecar(one)}
    waited = [one for one in statuses if one["name"] in mains | sidecars]
    unready = [one["name"] for one in waited if not one["ready"]]
    gates = [gate["conditionType"] for gate in objects.entries(pod, "spec", "readinessGates")]
    closed = [gate for gate in gates if not conditions.is_true(pod, gate)]

    def put(sort: str, holds: bool, reason: str = "", message: str = "") -> None:  # noqa: FBT001
        status = conditions.TRUE if holds else conditions.FALSE
        conditions.set_condition(
            found, sort, status, "" if holds else reason, "" if holds else message, view.now
        )

    put("PodScheduled", holds=True)
    missing = [one["name"] for one in lifecycle.inits(pod)]
    put(
        "Initialized",
        decision.initialized,
        "ContainersNotInitialized",
        f"containers with incomplete status: [{' '.join(missing)}]",
    )
    reason = "PodCompleted" if ended else "ContainersNotReady"
    message = f"containers with unready status: [{' '.join(unready)}]"
    put("ContainersReady", not unready and not ended, reason, message)
    ready = not unready and not closed and not ended
    if closed and not unready:
        reason, message = "ReadinessGatesNotReady", f"readiness gates not met: {' '.join(closed)}"
    put("Ready", ready, reason, message)
    return [_tidy(one) if one["type"] in _OURS else one for one in found]


def _tidy(condition: objects.Object) -> objects.Object:
    return {key: value for key, value in condition.items() if value != ""}


def same(one: objects.Object, other: objects.Object) -> bool:
    """Whether two statuses say the same."""
    return objects.digest(one) == objects.digest(other)
