"""In how few words can a pod's state be said? In those of Kubernetes; asked by its table."""

from datetime import datetime

from ouranos.engine.apiserver import fields
from ouranos.engine.apiserver.tables import duration
from ouranos.kit.objects import Object

_NONE = "<none>"


def _has(pod: Object, condition: str) -> bool:
    return any(
        each.get("type") == condition and each.get("status") == "True"
        for each in fields.listed(pod, "status", "conditions")
    )


def _sidecars(pod: Object) -> set[str]:
    return {
        each["name"]
        for each in fields.listed(pod, "spec", "initContainers")
        if each.get("restartPolicy") == "Always"
    }


def ready(pod: Object) -> str:
    """Say how many containers are ready, of how many."""
    sidecars = _sidecars(pod)
    total = len(fields.listed(pod, "spec", "containers")) + len(sidecars)
    count = sum(
        1
        for each in fields.listed(pod, "status", "containerStatuses")
        if each.get("ready") and fields.at(each, "state", "running") is not None
    )
    count += sum(
        1
        for each in fields.listed(pod, "status", "initContainerStatuses")
        if each.get("name") in sidecars and each.get("ready") and each.get("started")
    )
    return f"{count}/{total}"


def _ended(state: Object) -> str:
    if reason := state.get("reason"):
        return str(reason)
    if signal := state.get("signal"):
        return f"Signal:{signal}"
    return f"ExitCode:{state.get('exitCode', 0)}"


def _initialising(pod: Object) -> str | None:
    """Say where the initialisation is; None when it is over."""
    sidecars = _sidecars(pod)
    for index, each in enumerate(fields.listed(pod, "status", "initContainerStatuses")):
        ended = fields.at(each, "state", "terminated")
        if ended is not None and not ended.get("exitCode"):
            continue
        if each.get("name") in sidecars and each.get("started"):
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}"
        reason = fields.text(each, "state", "waiting", "reason")
        if reason and reason != "PodInitializing":
            return f"Init:{reason}"
        return f"Init:{index}/{len(fields.listed(pod, 'spec', 'initContainers'))}"
    return None


def _running(pod: Object, word: str) -> str:
    """Say what the containers do, the first one having the last word."""
    goes_on, failed = False, ""
    for each in reversed(fields.listed(pod, "status", "containerStatuses")):
        ended = fields.at(each, "state", "terminated")
        if reason := fields.text(each, "state", "waiting", "reason"):
            word = reason
        elif ended is not None:
            word = _ended(ended)
            failed = word if ended.get("exitCode") else failed
        elif each.get("ready") and fields.at(each, "state", "running") is not None:
            goes_on = True
    if word == "Completed":
        if goes_on and _has(pod, "Ready"):
            return "Running"
        return failed or ("NotReady" if goes_on else word)
    return word


def status(pod: Object) -> str:
    """Say what the pod does, or what it waits for."""
    phase = fields.text(pod, "status", "phase")
    word = fields.text(pod, "status", "reason") or phase
    for each in fields.listed(pod, "status", "conditions"):
        if each.get("type") == "PodScheduled" and each.get("reason") == "SchedulingGated":
            word = "SchedulingGated"
    early = _initialising(pod)
    over = early is None or _has(pod, "Initialized")
    word = _running(pod, word) if over else early or word
    if "deletionTimestamp" in pod["metadata"]:
        if fields.text(pod, "status", "reason") == "NodeLost":
            return "Unknown"
        if phase not in {"Succeeded", "Failed"}:
            return "Terminating"
    return word


def restarts(pod: Object, now: datetime) -> str:
    """Say how often containers were started again, and when last."""
    early = fields.listed(pod, "status", "initContainerStatuses")
    if _initialising(pod) is None or _has(pod, "Initialized"):
        sidecars = _sidecars(pod)
        counted = [each for each in early if each.get("name") in sidecars]
        counted += fields.listed(pod, "status", "containerStatuses")
    else:
        counted = early
    count = sum(each.get("restartCount") or 0 for each in counted)
    times = [fields.text(each, "lastState", "terminated", "finishedAt") for each in counted]
    last = max(times, default="")
    return f"{count} ({duration.since(last, now)} ago)" if count and last else str(count)


def address(pod: Object) -> str:
    """Give the first address of the pod."""
    held = fields.listed(pod, "status", "podIPs")
    return str(held[0].get("ip")) if held else fields.text(pod, "status", "podIP") or _NONE


def gates(pod: Object) -> str:
    """Say how many readiness gates are open, of how many."""
    wanted = fields.listed(pod, "spec", "readinessGates")
    opened = sum(1 for each in wanted if _has(pod, each.get("conditionType", "")))
    return f"{opened}/{len(wanted)}" if wanted else _NONE
