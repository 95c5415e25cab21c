"""What is being done for one pod? A worker looks, decides, acts, and reports.

Everything that happens (the object changed, a container ended, a probe changed its mind, a wait
is over) only wakes the worker; what is to be done is decided from what is, by `lifecycle.decide`.
"""

import asyncio
import dataclasses
from collections.abc import Coroutine
from typing import Any, Final

from ouranos.engine.node import (
    attempts,
    context,
    ending,
    events,
    files,
    images,
    lifecycle,
    obstacles,
    preparation,
    probes,
    pulling,
    records,
    references,
    sandbox,
    status,
)
from ouranos.kit import backoff, errors, kinds, log, objects

_RETRY: Final = backoff.Backoff(longest=30.0)
_FILES: Final = "/files"
_SANDBOX: Final = "/sandbox"
"""Operations of a pod beside those of its containers; no container may be called so."""

_log = log.get(component="pod")


class Worker:
    """Sees to one pod, from its first container to its last."""

    def __init__(
        self, shared: context.Context, pod: objects.Object, found: list[records.Record]
    ) -> None:
        self.shared = shared
        self.uid = objects.uid_of(pod)
        self._last_seen = pod
        own = [record for record in found if record.role is not records.Role.SANDBOX]
        self.attempts = attempts.Attempts(shared, self.uid, own)
        self._sandbox = sandbox.Sandbox(shared)
        for record in found:
            if record.role is records.Role.SANDBOX:
                self._sandbox.record = record
        self._wake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._probers: dict[str, asyncio.Task[None]] = {}
        self._health: dict[str, lifecycle.Health] = {}
        self._problems: dict[str, lifecycle.Problem] = {}
        self._failures: dict[str, int] = {}
        self._pulling: set[str] = set()
        self._preparing = asyncio.Lock()
        self._files = files.Files(shared, self._preparing)
        self.told: Final = asyncio.Event()
        """Set once the API knows how the pod is, or the pod is gone."""

    @property
    def pod(self) -> objects.Object:
        """The pod as the API has it, or as it was last seen there."""
        key = objects.key_of(self._last_seen)
        found = self.shared.known.get(kinds.POD, key.name, key.namespace)
        if found is not None and objects.uid_of(found) == self.uid:
            self._last_seen = found
        return self._last_seen

    @property
    def is_gone(self) -> bool:
        """Whether the API no longer has the pod."""
        key = objects.key_of(self._last_seen)
        found = self.shared.known.get(kinds.POD, key.name, key.namespace)
        return found is None or objects.uid_of(found) != self.uid

    def wake(self) -> None:
        """Have the worker look again."""
        self._wake.set()

    def retry(self, *, pulls: bool = False) -> None:
        """Have the worker try at once what could not be done: what was missing may be there now.

        Only what waits for an image with `pulls`, else only what waits for anything else.
        """
        now = self.shared.seams.clock.now()
        for name, problem in self._problems.items():
            if (problem.reason in {"ErrImagePull", "ImagePullBackOff"}) == pulls:
                self._problems[name] = dataclasses.replace(problem, retry_at=now)
        self.wake()

    def is_running(self, identifier: str) -> bool:
        """Whether a container of the pod runs."""
        return any(record.id == identifier for record in self.attempts.running())

    def refers_to(self, kind: objects.Kind, name: str) -> bool:
        """Whether the pod's spec names a ConfigMap or Secret."""
        return (kind.kind, name) in references.of(self._last_seen)

    def renew_hosts(self) -> None:
        """Have the pod's /etc/hosts brought up to date."""
        self._files.names_are_old = True
        self.wake()

    def renew_files(self) -> None:
        """Have the pod's volumes brought up to date, and what only waited for them started."""
        self._files.volumes_are_old = True
        self.retry()

    # The loop.

    async def run(self) -> None:
        """See to the pod until nothing of it is left."""
        failures = 0
        try:
            await self._adopt()
            while True:
                self._wake.clear()
                try:
                    wait = await self._look()
                    failures = 0
                except Exception as error:  # noqa: BLE001 - a bug is one pod's trouble, no other's
                    failures += 1
                    wait = _RETRY.ceiling(failures)
                    _tell_of("Retrying a pod", error, pod=self.uid)
                if wait is not None and wait < 0:
                    return
                await self._rest(wait)
        finally:
            self.told.set()
            await self._halt()

    async def _rest(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _halt(self) -> None:
        tasks = [*self._tasks.values(), *self._watches.values(), *self._probers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> float | None:
        """Decide, act and report once; return after how long to look again (below 0: never)."""
        self._collect()
        view = self._view()
        if not self._may_go_on(view):
            return None
        running = any(self.attempts.running())
        if not view.leaving and _FILES not in self._tasks and self._files.are_due(running=running):
            self._do(_FILES, self._files.renew(view.pod, running=running))
        decision = lifecycle.decide(view)
        for start in decision.starts:
            self._do(start.container, self._start(start))
        for stop in decision.stops:
            self._do(stop.container, self._stop(stop))
        if not self.is_gone:
            await self._report(view, decision)
            self.told.set()
        if view.leaving and decision.over and not self._tasks:
            await self._leave(view.pod)
            return -1.0
        if decision.wake_at is None:
            return None
        return max(0.0, (decision.wake_at - self.shared.seams.clock.now()).total_seconds())

    def _may_go_on(self, view: lifecycle.View) -> bool:
        """Whether what the containers need first is there; orders it, if not."""
        if view.leaving:
            for name in self._pulling:
                self._tasks[name].cancel()
        elif self._sandbox.is_missing(view.pod):
            if _SANDBOX not in self._tasks:
                self._do(_SANDBOX, self._sandbox.renew(view.pod, self._preparing))
            return False
        return True

    def _view(self) -> lifecycle.View:
        pod = self.pod
        world = self.shared.world
        own = self._sandbox.of(pod)
        return lifecycle.View(
            pod=pod,
            now=self.shared.seams.clock.now(),
            world=own.id if own else (world.id if world else ""),
            attempts=self.attempts.all(),
            health=dict(self._health),
            problems=dict(self._problems),
            busy=frozenset(self._tasks),
            leaving=self.is_gone or objects.is_deleting(pod),
            longest_backoff=self.shared.told.longest_backoff,
        )

    def _do(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks[name] = task
        task.add_done_callback(lambda _: self.wake())

    def _collect(self) -> None:
        """Take note of the operations that have ended; what one raised is raised."""
        for name, task in [*self._tasks.items()]:
            if task.done():
                del self._tasks[name]
                if not task.cancelled():
                    task.result()

    async def _report(self, view: lifecycle.View, decision: lifecycle.Decision) -> None:
        pod = view.pod
        wanted = status.build(view, decision, str(self.shared.told.address))
        present: objects.Object = objects.mapping(pod, "status")
        if status.same({**present, **wanted}, present):
            return
        key = objects.key_of(pod)
        # Others write conditions of their own, and a list is replaced as a whole.
        seen = {"uid": self.uid, "resourceVersion": pod["metadata"]["resourceVersion"]}
        patch: objects.Object = {"metadata": seen, "status": wanted}
        try:
            answer = await self.shared.api.patch(
                kinds.POD, key.name, key.namespace, patch, subresource="status"
            )
        except (errors.NotFound, errors.Conflict):
            return  # the watch will say what has become of it
        self.shared.known.store(kinds.POD).wrote(answer)

    # One container.

    def _container(self, name: str) -> objects.Object:
        return next(one for one in lifecycle.every(self._last_seen) if one["name"] == name)

    def _tell(self, sort: str, reason: str, message: str) -> None:
        self.shared.recorder.tell(self._last_seen, sort, reason, message)

    async def _start(self, start: lifecycle.Start) -> None:
        container, name = self._container(start.container), start.container
        try:
            image = await self._pull(self.pod, container)
            async with self._preparing:
                pod = self.pod
                await self.shared.held.space.run(records.save_pod, self.shared.layout, pod)
                plan = await preparation.plan(
                    self.shared, pod, container, start, image, self._sandbox.of(pod)
                )
            self._tell(events.NORMAL, "Created", f"Created container: {name}")
            record = await self.shared.held.run(plan)
        except Exception as error:  # noqa: BLE001 - as in `run`
            self._hinder(name, error)
            return
        self._problems.pop(name, None)
        self._failures.pop(name, None)
        self.attempts.add(record)
        self._files.names_are_old = True  # a Service may have come while they were written
        if record.has_ended:
            self._tell(events.WARNING, "Failed", f"Error: {record.message}")
        else:
            self._tell(events.NORMAL, "Started", f"Started container {name}")
            self._watch(record, None)
            await self._after_start(container, record)
        await self.attempts.prune(name)

    async def _pull(self, pod: objects.Object, container: objects.Object) -> images.Realised:
        self._pulling.add(container["name"])
        try:
            return await pulling.ensure(self.shared, pod, container)
        finally:
            self._pulling.discard(container["name"])

    def _hinder(self, name: str, error: Exception) -> None:
        """Take note of why a container could not be started."""
        self._failures[name] = self._failures.get(name, 0) + 1
        _tell_of("Retrying a container", error, pod=self.uid, container=name)
        now = self.shared.seams.clock.now()
        found = obstacles.of(error, now, self._failures[name])
        self._problems[name] = found.problem
        if found.event:
            self._tell(events.WARNING, found.event, f"Error: {error}")

    async def _after_start(self, container: objects.Object, record: records.Record) -> None:
        told = objects.mapping(container, "lifecycle").get("postStart")
        if told:
            text = await ending.hook(told, self._target(container, record), lifecycle.STABLE)
            if text:
                self._tell(events.WARNING, "FailedPostStartHook", f"PostStartHook failed: {text}")
                await self._end(container, record)

    async def _stop(self, stop: lifecycle.Stop) -> None:
        container, name = self._container(stop.container), stop.container
        record = self.attempts.of(name)[-1]
        text = f"Container {name} {stop.message}, will be restarted"
        if stop.reason != "Unhealthy":
            text = f"Stopping container {name}"
        self._tell(events.NORMAL, "Killing", text)
        await self._end(container, record)

    async def _end(self, container: objects.Object, record: records.Record) -> None:
        self._end_probes(record)
        watch = self._watches.get(record.id)
        await ending.end(
            self.shared.held,
            record,
            container,
            lifecycle.grace(self.pod),
            self._target(container, record),
            lambda text: self._tell(events.WARNING, "FailedPreStopHook", text),
        )
        if watch:
            await asyncio.wait({watch})

    def _target(self, container: objects.Object, record: records.Record) -> probes.Target:
        world = self.shared.world
        inside = world.network if world and world.is_alive else None
        address = str(self.shared.told.address)
        return ending.target(self.shared.held, record, container, address, inside)

    # Watching what runs.

    async def _adopt(self) -> None:
        """Go on with the containers that an earlier supervisor has started."""
        present: objects.Object = objects.mapping(self.pod, "status")
        names = ("initContainerStatuses", "containerStatuses")
        known = {one["name"]: one for sort in names for one in present.get(sort) or ()}
        named = {one["name"] for one in lifecycle.every(self.pod)}
        for record in self.attempts.running():
            if record.container in named:
                self._watch(record, known.get(record.container))

    def _watch(self, record: records.Record, known: objects.Object | None) -> None:
        name = record.container
        container = self._container(name)
        health = probes.first_health(container, known, status.identity_of(record))
        self._health[name] = health
        self._watches[record.id] = asyncio.create_task(self._follow(record))
        prober = probes.Prober(
            container,
            health,
            self._target(container, record),
            self.shared.seams.clock,
            lambda changed: self._changed(name, changed),
            lambda text: self._tell(events.WARNING, "Unhealthy", text),
        )
        self._probers[record.id] = asyncio.create_task(prober.run())

    def _changed(self, name: str, health: lifecycle.Health) -> None:
        self._health[name] = health
        self.wake()

    def _end_probes(self, record: records.Record) -> None:
        prober = self._probers.pop(record.id, None)
        if prober:
            prober.cancel()

    async def _follow(self, record: records.Record) -> None:
        """Await a container's end and tidy up behind it, as often as it takes."""
        failures = 0
        while True:
            try:
                await self._finish(record)
            except Exception as error:  # noqa: BLE001 - nobody else would see the container's end
                failures += 1
                _tell_of("Retrying to tidy up", error, container=record.id)
                await self.shared.seams.clock.sleep(_RETRY.ceiling(failures))
            else:
                return

    async def _finish(self, record: records.Record) -> None:
        ended = await self.shared.held.finish(record)
        self._end_probes(record)
        words = await self.shared.held.space.run(
            ending.last_words,
            self._container(ended.container),
            ended,
            preparation.terminal(self.shared, self.uid, ended.id),
        )
        if words:
            ended = ended.but(message=words)
            await self.shared.held.space.run(records.save, self.shared.layout, ended)
        self.attempts.replace(record, ended)
        self._health.pop(record.container, None)
        if ended.reason not in {"Completed", "Error"}:
            text = f"Container {record.container} ended: {ended.reason} ({ended.exit_code})"
            self._tell(events.WARNING, "Failed", text)
        self._watches.pop(record.id, None)
        self.wake()

    # The end.

    async def _leave(self, pod: objects.Object) -> None:
        """Remove what is left of the pod, here and then in the API."""
        await self._sandbox.end()
        await self.attempts.forget()
        await self.shared.held.space.run(preparation.remove, self.shared, pod)
        key = objects.key_of(pod)
        if not self.is_gone:
            await self.shared.api.delete(
                kinds.POD, key.name, key.namespace, uid=self.uid, grace_seconds=0
            )


def _tell_of(what: str, error: Exception, **where: str) -> None:
    """Log what is tried again; with its place in the code where that is at fault."""
    if isinstance(error, (errors.OuranosError, OSError, ValueError)):
        _log.info(what, error=str(error), **where)
    else:
        _log.warning(what, exc_info=error, **where)
