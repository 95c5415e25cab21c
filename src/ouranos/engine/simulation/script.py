"""How does a simulated pod behave? What a test, or a rehearsal, says about it; and what follows.

A container is started, becomes ready, ends with a code, is started again after a back-off that
doubles: which of it has happened by now is computed from the script and the time, not remembered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object, Objects

_BACKOFF: Final = timedelta(seconds=10)
_LONGEST_BACKOFF: Final = timedelta(minutes=5)
_RUNS_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Script:
    """What a pod's containers do, in virtual time.

    Attributes:
        starts_after: from the pod's arrival to its start (images, volumes).
        ready_after: from the start to ready; None: never ready.
        exits_after: from the start to the end; None: runs for ever.
        code: what it ends with.
        good_runs_after: how many runs end with `code` before one that does not end so: 0 and
            exit, if the restart policy lets it end, or running for ever. None: all of them.
        stops_after: from being asked to stop to having stopped, within the grace.
        refusal: a reason for which the node refuses the pod at once.
    """

    starts_after: timedelta = timedelta(seconds=0.5)
    ready_after: timedelta | None = timedelta(seconds=1)
    exits_after: timedelta | None = None
    code: int = 0
    good_runs_after: int | None = None
    stops_after: timedelta = timedelta(seconds=0.2)
    refusal: str = ""


Behaviour = Callable[[Object], Script]
"""Gives the script of a pod."""


def steady(_pod: Object) -> Script:
    """Return a script of a pod that starts, becomes ready and stays."""
    return Script()


@dataclass(frozen=True, slots=True)
class State:
    """What a pod has come to, and when that changes by itself (None: never)."""

    phase: str
    ready: bool
    restarts: int
    container: Object
    since: datetime
    changes: datetime | None


def state(script: Script, pod: Object, arrived: datetime, now: datetime) -> State:
    """Return what the pod's containers have come to by now."""
    start = arrived + script.starts_after
    if script.refusal:
        ended = _terminated(1, arrived, arrived, script.refusal)
        return State(
            "Failed", ready=False, restarts=0, container=ended, since=arrived, changes=None
        )
    if now < start:
        waiting: Object = {"waiting": {"reason": "ContainerCreating"}}
        return State(
            "Pending", ready=False, restarts=0, container=waiting, since=arrived, changes=start
        )
    policy: str = pod["spec"].get("restartPolicy", "Always")
    return _run(script, policy, start, now)


def _run(script: Script, policy: str, start: datetime, now: datetime) -> State:
    backoff = _BACKOFF
    for restarts in range(_RUNS_COUNTED):
        good = script.good_runs_after is not None and restarts >= script.good_runs_after
        lasts = script.exits_after
        if lasts is None or (good and policy == "Always"):
            return _running(script, restarts, start, None, now)
        code = 0 if good else script.code
        end = start + lasts
        if now < end:
            return _running(script, restarts, start, end, now)
        ended = _terminated(code, start, end)
        if policy == "Never" or (policy == "OnFailure" and code == 0):
            phase = "Failed" if code else "Succeeded"
            return State(
                phase, ready=False, restarts=restarts, container=ended, since=end, changes=None
            )
        again = end + backoff
        if now < again:
            waiting: Object = {"waiting": {"reason": "CrashLoopBackOff"}}
            return State(
                "Running",
                ready=False,
                restarts=restarts,
                container=waiting,
                since=end,
                changes=again,
            )
        start, backoff = again, min(backoff * 2, _LONGEST_BACKOFF)
    raise ValueError("a simulated container was started too often")


def _running(
    script: Script, restarts: int, start: datetime, end: datetime | None, now: datetime
) -> State:
    container: Object = {"running": {"startedAt": conditions.timestamp(start)}}
    ready_at = None if script.ready_after is None else start + script.ready_after
    ready = ready_at is not None and ready_at <= now
    turns = [moment for moment in (ready_at, end) if moment is not None and moment > now]
    return State(
        "Running",
        ready=ready,
        restarts=restarts,
        container=container,
        since=ready_at if ready and ready_at else start,
        changes=min(turns, default=None),
    )


def _terminated(code: int, start: datetime, end: datetime, reason: str = "") -> Object:
    told = {
        "exitCode": code,
        "reason": reason or ("Error" if code else "Completed"),
        "startedAt": conditions.timestamp(start),
        "finishedAt": conditions.timestamp(end),
    }
    return {"terminated": told}


def status(pod: Object, came_to: State, address: str, arrived: datetime) -> Object:
    """Return the status of a pod in a state, as a node writes it."""
    said: Objects = [dict(one) for one in conditions.of(pod)]
    finished = came_to.phase in {"Succeeded", "Failed"}
    started = came_to.phase != "Pending"
    verdicts = {
        "PodReadyToStartContainers": started and not finished,
        "Initialized": True,
        "ContainersReady": came_to.ready,
        "Ready": came_to.ready,
    }
    for type_, verdict in verdicts.items():
        reason = "" if verdict else ("PodCompleted" if finished else "ContainersNotReady")
        value = conditions.TRUE if verdict else conditions.FALSE
        conditions.set_condition(said, type_, value, reason, "", came_to.since)
    containers = [
        {
            "name": one["name"],
            "image": one.get("image", ""),
            "imageID": one.get("image", ""),
            "ready": came_to.ready,
            "started": "running" in came_to.container,
            "restartCount": came_to.restarts,
            "state": came_to.container,
        }
        for one in objects.entries(pod, "spec", "containers")
    ]
    return {
        **objects.mapping(pod, "status"),
        "phase": came_to.phase,
        "conditions": said,
        "hostIP": address,
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": conditions.timestamp(arrived),
        "containerStatuses": containers,
    }
