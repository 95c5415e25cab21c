"""What is to be done for a pod now? One pure decision, asked whenever anything has changed.

The order of things is the kubelet's: init containers one after the other (those with
`restartPolicy: Always` stay and only have to be started), then all others at once; a container
that ends is started again as its pod's policy says, after a wait that doubles; at the end the
sidecars go last.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ouranos.engine.node import containers, records
from ouranos.kit import conditions, objects

FIRST_BACKOFF: Final = 10.0
LONGEST_BACKOFF: Final = 300.0
STABLE: Final = 2 * LONGEST_BACKOFF
"""A container that ran so long is no longer thought to crash in a loop."""

NODE_SHUTDOWN: Final = "NodeShutdown"
"""Why a container ended that was stopped because its node was; its pod goes on with the node."""

_DEFAULT_GRACE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Health:
    """What a container's probes say."""

    started: bool = True
    ready: bool = True
    failing: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a container could not be started, and when it is tried again."""

    reason: str
    message: str
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a decision is made from."""

    pod: objects.Object
    now: datetime
    world: str
    """Which world, or sandbox, the pod's containers live in.

    What ran in another one has to run again.
    """
    attempts: Mapping[str, Sequence[records.Record]]
    """By container, the oldest first."""
    health: Mapping[str, Health] = field(default_factory=dict[str, Health])
    problems: Mapping[str, Problem] = field(default_factory=dict[str, Problem])
    busy: frozenset[str] = frozenset()
    """Containers that something is being done to."""
    leaving: bool = False
    """The pod's object is being deleted, or is gone."""
    longest_backoff: float = LONGEST_BACKOFF

    def last(self, name: str) -> records.Record | None:
        """Return the newest attempt to run a container."""
        attempts = self.attempts.get(name) or ()
        return attempts[-1] if attempts else None

    def current(self, name: str) -> records.Record | None:
        """Return the newest attempt, if it was made in this world."""
        last = self.last(name)
        return last if last is not None and last.world == self.world else None

    def runs(self, name: str) -> bool:
        """Whether a container runs, in any world."""
        last = self.last(name)
        return last is not None and not last.has_ended


@dataclass(frozen=True, slots=True)
class Start:
    """A container is to be started."""

    container: str
    attempt: int
    backoff: float


@dataclass(frozen=True, slots=True)
class Stop:
    """A container is to be stopped."""

    container: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, what is awaited, and what the pod has come to."""

    phase: str
    starts: tuple[Start, ...] = ()
    stops: tuple[Stop, ...] = ()
    waiting: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    initialized: bool = False
    reason: str = ""
    message: str = ""
    wake_at: datetime | None = None
    over: bool = False
    """Nothing of the pod runs, and nothing of it will."""


def mains(pod: objects.Object) -> list[objects.Object]:
    """Return the pod's ordinary containers."""
    return pod["spec"]["containers"]


def inits(pod: objects.Object) -> list[objects.Object]:
    """Return the pod's init containers, sidecars included."""
    return pod["spec"].get("initContainers") or []


def is_sidecar(container: objects.Object) -> bool:
    """Whether an init container stays."""
    return container.get("restartPolicy") == "Always"


def every(pod: objects.Object) -> list[objects.Object]:
    """Return all containers of a pod."""
    return [*inits(pod), *mains(pod)]


def grace(pod: objects.Object) -> float:
    """Return the seconds that the pod's containers get to end."""
    for value in (
        pod["metadata"].get("deletionGracePeriodSeconds"),
        pod["spec"].get("terminationGracePeriodSeconds"),
    ):
        if value is not None:
            return float(value)
    return _DEFAULT_GRACE


def wait_after(record: records.Record) -> float:
    """Return the seconds to wait after an attempt has ended before the next one."""
    if record.reason in {NODE_SHUTDOWN, containers.UNKNOWN}:
        return 0.0
    if record.started and record.finished:
        ran = (record.finished - record.started).total_seconds()
        return 0.0 if ran >= STABLE else record.backoff
    return record.backoff


def _next(view: View, name: str) -> Start:
    last = view.last(name)
    if last is None:
        return Start(name, 0, 0.0)
    waited = wait_after(last)
    backoff = min(max(FIRST_BACKOFF, 2 * waited), view.longest_backoff)
    return Start(name, last.attempt + 1, backoff)


@dataclass
class _Draft:
    """A decision in the making."""

    view: View
    starts: list[Start] = field(default_factory=list[Start])
    stops: list[Stop] = field(default_factory=list[Stop])
    waiting: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    wakes: list[datetime] = field(default_factory=list[datetime])

    def start(self, name: str) -> None:
        """Start a container, now or when its time has come."""
        view = self.view
        last, problem = view.last(name), view.problems.get(name)
        due = None
        if last is not None and last.finished:
            due = last.finished + timedelta(seconds=wait_after(last))
        if due and view.now < due:
            seconds = int(wait_after(last)) if last else 0
            pod = view.pod["metadata"]
            text = (
                f"back-off {seconds}s restarting failed container={name} "
                f"pod={pod['name']}_{pod.get('namespace', '')}({pod['uid']})"
            )
            self.waiting[name] = ("CrashLoopBackOff", text)
            self.wakes.append(due)
        elif problem:
            self.waiting[name] = (problem.reason, problem.message)
            if view.now < problem.retry_at:
                self.wakes.append(problem.retry_at)
            else:
                self.starts.append(_next(view, name))
        else:
            self.waiting.setdefault(name, ("ContainerCreating", ""))
            self.starts.append(_next(view, name))

    def keep(self, name: str, policy: str, *, again: bool = False) -> str:
        """See to one container that may run; return `running`, `succeeded`, `failed` or `waiting`.

        What has ended in an earlier world stays ended, if its policy says so; not so `again`.
        """
        view, record = self.view, self.view.current(name)
        last = view.last(name)
        if record is None and last is not None and not last.has_ended:
            text = "Pod sandbox changed, it will be killed and re-created."
            self.stops.append(Stop(name, "SandboxChanged", text))
            return "waiting"
        if record is None and (last is None or again):
            self.start(name)
            return "waiting"
        record = record or last
        if record is None:
            return "waiting"
        if not record.has_ended:
            failing = view.health.get(name, Health()).failing
            if failing:
                self.stops.append(Stop(name, "Unhealthy", failing))
            return "running"
        if policy == "Always" or (policy == "OnFailure" and record.exit_code):
            self.start(name)
            return "waiting"
        return "failed" if record.exit_code else "succeeded"

    def done(self, phase: str, **more: object) -> Decision:
        """Return what the draft has come to; what is under way already is not ordered again."""
        busy = self.view.busy
        found = Decision(
            phase=phase,
            starts=tuple(one for one in self.starts if one.container not in busy),
            stops=tuple(one for one in self.stops if one.container not in busy),
            waiting=self.waiting,
            wake_at=min(self.wakes, default=None),
        )
        return replaced(found, **more)


def replaced(decision: Decision, **more: object) -> Decision:
    """Return a decision with some fields changed."""
    return dataclasses.replace(decision, **more)  # type: ignore[arg-type]


def decide(view: View) -> Decision:
    """Return what is to be done for a pod now."""
    pod = view.pod
    phase = objects.mapping(pod, "status").get("phase")
    if view.leaving:
        return _end(view, phase or "Pending", "Killing", "Stopping the container")
    if phase in {"Succeeded", "Failed"}:
        return _end(view, phase, "Killing", "The pod has ended")
    deadline = _deadline(pod)
    if deadline and view.now >= deadline:
        message = "Pod was active on the node longer than the specified deadline"
        ending = _end(view, "Failed", "DeadlineExceeded", message)
        return replaced(ending, reason="DeadlineExceeded", message=message)
    draft = _Draft(view)
    if deadline:
        draft.wakes.append(deadline)
    return _run(view, draft)


def _run(view: View, draft: _Draft) -> Decision:
    pod = view.pod
    policy: str = pod["spec"].get("restartPolicy") or "Always"
    initialized, failed = _initialize(view, draft, policy)
    if failed:
        ended = _end(view, "Failed", "Killing", "An init container has failed")
        return replaced(ended, over=ended.over)
    if not initialized:
        return draft.done("Pending")
    states = [draft.keep(one["name"], policy) for one in mains(pod)]
    if all(state in {"succeeded", "failed"} for state in states):
        phase = "Failed" if "failed" in states else "Succeeded"
        return replaced(_end(view, phase, "Killing", "The pod has ended"), initialized=True)
    began = any(view.last(one["name"]) for one in mains(pod))
    return draft.done("Running" if began else "Pending", initialized=True)


def _initialize(view: View, draft: _Draft, policy: str) -> tuple[bool, bool]:
    """See to the init containers.

    Return whether all are done, and whether one has failed for good.
    """
    for container in inits(view.pod):
        name: str = container["name"]
        own_policy = "Always" if is_sidecar(container) else _init_policy(policy)
        state = draft.keep(name, own_policy, again=not _has_begun(view))
        if is_sidecar(container):
            started = state == "running" and view.health.get(name, Health()).started
            if not (started or _has_begun(view)):
                return False, False
        elif state == "failed":
            return False, True
        elif state != "succeeded":
            return False, False
    return True, False


def _has_begun(view: View) -> bool:
    """Whether an ordinary container was started in this world.

    The init containers are done then.
    """
    return any(view.current(one["name"]) for one in mains(view.pod))


def _init_policy(policy: str) -> str:
    return "Never" if policy == "Never" else "OnFailure"


def _deadline(pod: objects.Object) -> datetime | None:
    seconds = pod["spec"].get("activeDeadlineSeconds")
    start = objects.mapping(pod, "status").get("startTime")
    if seconds is None or not start:
        return None
    return conditions.moment_of(start) + timedelta(seconds=float(seconds))


def _end(view: View, phase: str, reason: str, message: str) -> Decision:
    """Stop what runs: ordinary containers first, then the sidecars, the last one first."""
    draft = _Draft(view)
    names = [one["name"] for one in every(view.pod) if view.runs(one["name"])]
    sidecars = [one["name"] for one in inits(view.pod) if is_sidecar(one) and one["name"] in names]
    first = [name for name in names if name not in sidecars] or sidecars[-1:]
    draft.stops = [Stop(name, reason, message) for name in first]
    over = not names and not view.busy
    return draft.done(phase, over=over, initialized=True)
