"""Does a task run to its end, the wanted number of times? Runs Jobs.

Every pod carries a finalizer until its Job has counted it, so that no end is counted twice or
lost, whatever is deleted and wherever a crash falls. Three steps: the uids of pods that ended are
written to `status.uncountedTerminatedPods`; their finalizers go; the numbers take them in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.workloads import jobs, outcomes, pods, templates
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Object, Objects


@dataclass(frozen=True, slots=True)
class _Count:
    succeeded: int
    failed: int
    uncounted: dict[str, list[str]]

    @property
    def total(self) -> tuple[int, int]:
        """The ends that are certain, whether their pods have been let go or not."""
        return (
            self.succeeded + len(self.uncounted["succeeded"]),
            self.failed + len(self.uncounted["failed"]),
        )


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Count what ended, then start or stop pods, or end the Job."""
    now = p.seams.clock.now()
    if jobs.is_over(p.object):
        return await _expire(p, now)
    owned = p.cache.owned(kinds.POD, p.object)
    count = await _count(p, owned)
    _start_clock(p, now)
    started = p.status.get("startTime")
    since = conditions.moment_of(started) if started else None
    view = jobs.View(p.object, owned, *count.total, since, now)
    decided = jobs.verdict(view)
    waits: list[timedelta | None] = []
    active = view.active
    if decided is not None:
        active = await _end(p, decided, count, owned, now)
    elif not p.deleting:
        active, delay = await _staff(p, view)
        waits += [delay, jobs.deadline_in(view)]
    _say_counts(p, count, active, owned)
    if any(count.uncounted.values()) or jobs.is_over({"status": p.status}):
        # Our own write of the status does not wake us.
        waits.append(timedelta(0))
    return outcomes.again(*waits)


async def _staff(p: controller.Pass, view: jobs.View) -> tuple[Objects, timedelta | None]:
    """Start or stop pods; return those at work, and when a failed one may be tried again."""
    active = view.active
    difference = jobs.missing(view)
    if difference < 0:
        unwanted = pods.to_delete(active, -difference)
        await _stop(p, unwanted)
        return [pod for pod in active if pod not in unwanted], None
    if difference and (delay := jobs.next_try_in(view)):
        return active, delay
    for _ in range(difference):
        pod = await p.create(_pod(p), owned=False)
        active.append(pod)
    return active, None


async def _end(
    p: controller.Pass, decided: jobs.Verdict, count: _Count, owned: Objects, now: datetime
) -> Objects:
    """Stop what is at work; once nothing is left and all is counted, make the verdict final."""
    await _stop(p, [pod for pod in owned if pods.is_active(pod)])
    left = any(not pods.is_finished(pod) for pod in owned)
    final = not left and not any(count.uncounted.values())
    jobs.say(p.conditions, decided, final=final, now=now)
    if final and decided.type == jobs.COMPLETE:
        p.status["completionTime"] = conditions.timestamp(now)
    return []


async def _count(p: controller.Pass, owned: Objects) -> _Count:
    """Let go of what the status names, take it into the numbers, and name what ended since."""
    named = objects.mapping(p.status, "uncountedTerminatedPods")
    before = {kind: list(named.get(kind) or []) for kind in ("succeeded", "failed")}
    settled = {uid for uids in before.values() for uid in uids}
    for pod in owned:
        if objects.uid_of(pod) in settled and jobs.is_tracked(pod):
            await let_go(p, pod)
    uncounted: dict[str, list[str]] = {"succeeded": [], "failed": []}
    for pod in owned:
        if objects.uid_of(pod) in settled or not jobs.is_tracked(pod):
            continue
        if pods.phase(pod) == "Succeeded":
            uncounted["succeeded"].append(objects.uid_of(pod))
        elif jobs.counts_as_failed(pod):
            if pods.phase(pod) != "Failed" and p.object["spec"].get("suspend"):
                # We stopped it ourselves: that is no failure of the task.
                await let_go(p, pod)
            else:
                uncounted["failed"].append(objects.uid_of(pod))
    return _Count(
        (p.status.get("succeeded") or 0) + len(before["succeeded"]),
        (p.status.get("failed") or 0) + len(before["failed"]),
        uncounted,
    )


async def let_go(p: controller.Pass, pod: Object) -> None:
    """Take the finalizer from a pod, so that it may vanish."""
    metadata = pod["metadata"]
    finalizers: list[str] = objects.entries(pod, "metadata", "finalizers")
    left = [one for one in finalizers if one != jobs.TRACKING]
    patch = {
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
        "finalizers": left,
    }
    try:
        await p.patch(kinds.POD, metadata["name"], {"metadata": patch})
    except errors.NotFound:
        return


def _start_clock(p: controller.Pass, now: datetime) -> None:
    suspended = bool(p.object["spec"].get("suspend"))
    said = conditions.find(p.conditions, jobs.SUSPENDED)
    if suspended:
        p.status.pop("startTime", None)
        if said is None or said["status"] != conditions.TRUE:
            conditions.set_condition(
                p.conditions, jobs.SUSPENDED, "True", "JobSuspended", "Job suspended", now
            )
        return
    p.status.setdefault("startTime", conditions.timestamp(now))
    if said is not None and said["status"] == conditions.TRUE:
        conditions.set_condition(
            p.conditions, jobs.SUSPENDED, "False", "JobResumed", "Job resumed", now
        )


async def _stop(p: controller.Pass, unwanted: Objects) -> None:
    for pod in unwanted:
        await p.delete(kinds.POD, pod["metadata"]["name"], uid=objects.uid_of(pod))


def _say_counts(p: controller.Pass, count: _Count, active: Objects, owned: Objects) -> None:
    p.status |= {
        "active": len(active),
        "ready": sum(pods.is_ready(pod) for pod in active),
        "succeeded": count.succeeded,
        "failed": count.failed,
        "terminating": sum(objects.is_deleting(pod) and not pods.is_finished(pod) for pod in owned),
        "uncountedTerminatedPods": {kind: uids for kind, uids in count.uncounted.items() if uids},
    }
    if not p.status["conditions"]:
        del p.status["conditions"]


async def _expire(p: controller.Pass, now: datetime) -> outcome.Outcome:
    for pod in p.cache.owned(kinds.POD, p.object):
        if jobs.is_tracked(pod):
            await let_go(p, pod)
    left = jobs.expires_in(p.object, now)
    if left is None or p.deleting:
        return outcome.DONE
    if left > timedelta(0):
        return outcomes.again(left)
    await p.delete(kinds.JOB, p.key.name, uid=objects.uid_of(p.object))
    return outcome.DONE


def _pod(p: controller.Pass) -> Object:
    name = templates.child_name(p.key.name, templates.suffix(p.seams.random))
    pod = templates.pod(p.object["spec"]["template"], p.object, name)
    pod["metadata"]["finalizers"] = [jobs.TRACKING]
    return pod


CONTROLLER: Final = controller.Controller("job", kinds.JOB, reconcile, owns=(kinds.POD,))
