"""Is a Job done, has it failed, and how many pods should it run? Pure decisions over its pods."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.workloads import pods
from ouranos.kit import conditions, objects
from ouranos.kit.objects import Object, Objects

TRACKING: Final = "batch.kubernetes.io/job-tracking"
"""Finalizer of a pod that its Job has not counted yet."""
COMPLETE: Final = "Complete"
FAILED: Final = "Failed"
SUSPENDED: Final = "Suspended"
_MET: Final = "SuccessCriteriaMet"
_TARGET: Final = "FailureTarget"
_FIRST_DELAY: Final = 10.0
_LONGEST_DELAY: Final = 360.0


@dataclass(frozen=True, slots=True)
class View:
    """A Job, its pods, and its status with all that has ended counted, at one moment."""

    owner: Object
    pods: Objects
    succeeded: int
    failed: int
    started: datetime | None
    now: datetime

    @property
    def active(self) -> Objects:
        """The pods that are at work."""
        return [pod for pod in self.pods if pods.is_active(pod)]

    @property
    def parallelism(self) -> int:
        """How many pods may be at work at once."""
        return _number(self.owner, "parallelism", 1)

    @property
    def completions(self) -> int | None:
        """How many pods must succeed; None where the first that succeeds tells that all is done."""
        return self.owner["spec"].get("completions")

    @property
    def suspended(self) -> bool:
        """Whether a person holds the Job back."""
        return bool(self.owner["spec"].get("suspend"))


@dataclass(frozen=True, slots=True)
class Verdict:
    """That a Job is over, and why."""

    type: str
    reason: str
    message: str

    @property
    def interim(self) -> str:
        """The condition that announces the verdict while pods still end."""
        return _MET if self.type == COMPLETE else _TARGET


def is_over(job: Object) -> bool:
    """Whether the Job has completed or failed for good."""
    return conditions.is_true(job, COMPLETE) or conditions.is_true(job, FAILED)


def verdict(view: View) -> Verdict | None:
    """Return whether the Job is over by now."""
    for interim, final in ((_TARGET, FAILED), (_MET, COMPLETE)):
        said = conditions.find(conditions.of(view.owner), interim)
        if said is not None and said["status"] == conditions.TRUE:
            return Verdict(final, said["reason"], said["message"])
    if _tries(view) > _number(view.owner, "backoffLimit", 6):
        message = "Job has reached the specified backoff limit"
        return Verdict(FAILED, "BackoffLimitExceeded", message)
    left = deadline_in(view)
    if left is not None and left <= timedelta(0):
        message = "Job was active longer than specified deadline"
        return Verdict(FAILED, "DeadlineExceeded", message)
    if view.completions is None:
        done = view.succeeded > 0 and not view.active
    else:
        done = view.succeeded >= view.completions
    message = "Reached expected number of succeeded pods"
    return Verdict(COMPLETE, "CompletionsReached", message) if done else None


def deadline_in(view: View) -> timedelta | None:
    """Return how long the Job may still be at work."""
    seconds = view.owner["spec"].get("activeDeadlineSeconds")
    if seconds is None or view.started is None or view.suspended:
        return None
    return view.started + timedelta(seconds=seconds) - view.now


def missing(view: View) -> int:
    """Return how many pods to start; negative: to stop."""
    wanted = view.parallelism
    if view.completions is not None:
        wanted = min(wanted, view.completions - view.succeeded)
    elif view.succeeded:
        wanted = len(view.active)
    if view.suspended:
        wanted = 0
    return max(wanted, 0) - len(view.active)


def next_try_in(view: View) -> timedelta | None:
    """Return how long to wait after a failure before another pod is started."""
    ends = [end for pod in view.pods if pods.phase(pod) == "Failed" and (end := ended(pod))]
    if not view.failed or not ends:
        return None
    delay = min(_FIRST_DELAY * 2.0 ** min(view.failed - 1, 16), _LONGEST_DELAY)
    left = max(ends) + timedelta(seconds=delay) - view.now
    return left if left > timedelta(0) else None


def ended(pod: Object) -> datetime | None:
    """Return when the last of a pod's containers ended."""
    moments = [
        conditions.moment_of(finished)
        for one in objects.entries(pod, "status", "containerStatuses")
        if (finished := objects.mapping(one, "state", "terminated").get("finishedAt"))
    ]
    return max(moments, default=None) or pods.created(pod)


def counts_as_failed(pod: Object) -> bool:
    """Whether the pod is a lost try: it failed, or was deleted before it could end."""
    return pods.phase(pod) == "Failed" or (
        objects.is_deleting(pod) and pods.phase(pod) != "Succeeded"
    )


def is_tracked(pod: Object) -> bool:
    """Whether the pod still waits to be counted."""
    return TRACKING in objects.entries(pod, "metadata", "finalizers")


def say(draft: Objects, decided: Verdict, *, final: bool, now: datetime) -> None:
    """Announce the verdict; once no pod is left at work, make it final."""
    wanted = [decided.interim, *([decided.type] if final else [])]
    for type_ in wanted:
        if conditions.find(draft, type_) is None:
            conditions.set_condition(
                draft, type_, conditions.TRUE, decided.reason, decided.message, now
            )
            (conditions.find(draft, type_) or {})["lastProbeTime"] = conditions.timestamp(now)


def expires_in(job: Object, now: datetime) -> timedelta | None:
    """Return how long a Job that is over is kept; None: until somebody deletes it."""
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is None:
        return None
    for type_ in (COMPLETE, FAILED):
        said = conditions.find(conditions.of(job), type_)
        if said is not None and said["status"] == conditions.TRUE:
            return (
                conditions.moment_of(said["lastTransitionTime"]) + timedelta(seconds=seconds) - now
            )
    return None


def _tries(view: View) -> int:
    policy = objects.mapping(view.owner, "spec", "template", "spec").get("restartPolicy")
    restarts = sum(pods.restarts(pod) for pod in view.active) if policy == "OnFailure" else 0
    return view.failed + restarts


def _number(owner: Object, name: str, otherwise: int) -> int:
    value = owner["spec"].get(name)
    return otherwise if value is None else value
