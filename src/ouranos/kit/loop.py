"""How is one controller run? From events to keys, to passes, to the next look."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from typing import Final

import structlog

from ouranos.kit import (
    backoff,
    cache,
    cluster,
    conditions,
    definition,
    effects,
    errors,
    events,
    log,
    looks,
    metrics,
    objects,
    outcome,
    passes,
    queue,
    seams,
    summary,
)
from ouranos.kit.objects import Key, Kind, Object

_RETRY: Final = backoff.Backoff(first=1.0, longest=60.0)
"""What is outside Kubernetes comes back without a word, and somebody waits for it."""
_JITTER: Final = 0.2
_PACE: Final = 4.0
"""Seconds of the resync's period for each settled object: many cost no more than some."""
_SOONEST: Final = 0.01
"""Seconds; what asks for another pass at once gets it after others had their turn."""

_log = log.get()


class Loop:
    """Runs one controller on what a shared cache holds."""

    def __init__(
        self,
        controller: definition.Controller,
        source: cluster.Cluster,
        held: cache.Cache,
        given: seams.Seams,
    ) -> None:
        self.controller: Final = controller
        self._cluster = source
        self._cache = held
        self._store = held.store(controller.kind)
        self._seams = given
        self._failures: dict[Key, int] = {}
        self._settled: set[Key] = set()
        self._own_writes: dict[Key, int] = {}
        self._passes = 0
        self._started = False
        self.queue: Final = queue.Queue(
            controller.name, controller.workers, given.clock, self._look_at
        )
        self._looks = looks.Looks(controller.name, given, self.queue.beside, self.queue.add)
        self._memory = passes.Memory(self._looks, events.Teller(source, given.clock))

    @property
    def is_at_rest(self) -> bool:
        """Whether it has begun, and no object is being looked at or waits for its turn."""
        return self._started and self.queue.idle.is_set()

    async def run(self) -> None:
        """Look at every object once, then at those that events name, until cancelled."""
        self._started = True
        changed = set(self._named_since_rest())
        for obj in list(self._store.each()):
            key = objects.key_of(obj)
            if not self._wants(obj):
                continue
            # What stopped for good may go on: no trace is left of what was deleted meanwhile.
            if not summary.is_at_rest(obj) or key in changed or _is_terminal(obj):
                self.queue.add(key)
            else:
                self.queue.add_after(key, self._seams.random.uniform(0, self._resync))
        await self.queue.serve()

    def hear(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        """Take in that an object of any kind has changed."""
        shown = after or before
        if not self._started or shown is None:
            return
        if kind == self.controller.kind:
            self._hear_of_own(objects.key_of(shown), after)
        # As it was and as it is, it names mostly the same: one event is one pass.
        for key in dict.fromkeys(self._named(kind, before, after)):
            named = self._store.get(key)
            if named is not None and self._wants(named):
                self.queue.add(key)
        if after is None:
            self._memory.forget(kind, objects.key_of(shown))

    def hear_of_kind(self, kind: Kind) -> None:
        """Take in that the server has begun, or ceased, to know a kind."""
        if self._started and kind in self.controller.optional:
            for obj in list(self._store.each()):
                if self._wants(obj):
                    self.queue.add(objects.key_of(obj))

    def _hear_of_own(self, key: Key, after: Object | None) -> None:
        if after is None or not self._wants(after):
            self._forget(key)
        elif self._own_writes.get(key) != objects.version_of(after):
            self.queue.add(key)

    def _forget(self, key: Key) -> None:
        self.queue.forget(key)
        self._failures.pop(key, None)
        self._own_writes.pop(key, None)
        self._settled.discard(key)
        self._looks.forget(key)

    def _named(self, kind: Kind, *versions: Object | None) -> Iterator[Key]:
        for obj in versions:
            if obj is None:
                continue
            if kind in self.controller.owns:
                yield from _owner(obj, self.controller.kind)
            for watch in self.controller.watches:
                if watch.kind == kind:
                    yield from self._mapped(watch, obj)

    def _mapped(self, watch: definition.Watch, obj: Object) -> Iterable[Key]:
        return outcome.attempt(self._ignore, lambda: tuple(watch.keys(obj, self._cache)), ())

    def _wants(self, obj: Object) -> bool:
        return outcome.attempt(self._ignore, lambda: self.controller.wants(obj), otherwise=False)

    def _ignore(self, error: Exception) -> None:
        metrics.BUGS_TOTAL.add(self.controller.kind.qualified, type(error).__name__)
        _log.warning("Ignoring an event", controller=self.controller.name, exc_info=error)

    def _named_since_rest(self) -> Iterator[Key]:
        watched = (*self.controller.owns, *(watch.kind for watch in self.controller.watches))
        for kind in dict.fromkeys(watched):
            for obj in list(self._cache.store(kind).each()):
                for key in self._named(kind, obj):
                    named = self._store.get(key)
                    if named and objects.version_of(obj) > objects.version_of(named):
                        yield key

    async def _look_at(self, key: Key) -> None:
        obj = self._store.get(key)
        if obj is None or not self._wants(obj):
            self._forget(key)
            return
        self._passes += 1
        # A pass is a task of its own: what it binds ends with it, and unbinding is dear.
        structlog.contextvars.bind_contextvars(
            controller=self.controller.name,
            kind=self.controller.kind.kind,
            namespace=key.namespace,
            name=key.name,
            generation=obj["metadata"].get("generation"),
            pass_id=self._passes,
        )
        started = self._seams.clock.monotonic()
        with effects.counted() as changes:
            result = await self.pass_over(obj)
        elapsed = self._seams.clock.monotonic() - started
        metrics.RECONCILE_SECONDS.observe(self.controller.name, "", value=elapsed)
        if not changes.count:
            metrics.UNCHANGED_SECONDS.observe(self.controller.name, value=elapsed)
        metrics.RECONCILE_TOTAL.add(self.controller.name, result.reason)
        self._tell(key, result)
        self._plan_next(key, obj, result)

    async def pass_over(self, obj: Object) -> outcome.Outcome:
        """Make one pass over an object and write its status, once, if it differs."""
        current = passes.Pass(
            self.controller.name, obj, self._cluster, self._cache, self._seams, self._memory
        )
        now = self._seams.clock.now()
        if summary.is_ours(obj):
            current.status["observedGeneration"] = current.generation
        if summary.is_ours(obj) and summary.is_paused(obj):
            summary.pause(current.conditions, now, current.generation)
            return await outcome.settle(self._write_status(current, obj))
        result = await outcome.settle(self._reconcile(current))
        if result.failures and all(isinstance(one, errors.Conflict) for one in result.failures):
            return result
        if summary.is_ours(obj):
            summary.summarise(current.conditions, result, now, current.generation)
        return result | await outcome.settle(self._write_status(current, obj))

    async def _reconcile(self, current: passes.Pass) -> outcome.Outcome:
        async with asyncio.timeout(self.controller.deadline.total_seconds()):
            return await self.controller.reconcile(current)

    async def _write_status(self, current: passes.Pass, began: Object) -> outcome.Outcome:
        if not current.has_new_status:
            return outcome.DONE
        seen = objects.mapping(current.object, "status")
        body = {**current.object, "status": current.status}
        # That it was deleted meanwhile is fine: then there is nothing to tell.
        with contextlib.suppress(errors.NotFound):
            try:
                written = await self._cluster.replace_status(body)
            except errors.Conflict:
                written = await self._write_over(current, seen)
            # With what the pass began from: another's change may be in its own patch's answer.
            if passes.fingerprint(written) == passes.fingerprint(began):
                self._own_writes[current.key] = objects.version_of(written)
            self._store.wrote(written)
            if summary.is_ours(written):
                await self._tell_of(current, seen)
        return outcome.DONE

    async def _tell_of(self, current: passes.Pass, seen: Object) -> None:
        before = conditions.find(objects.entries(seen, "conditions"), summary.READY)
        news = events.of_change(before, conditions.find(current.conditions, summary.READY))
        if news is not None:
            await current.event(*news)

    async def _write_over(self, current: passes.Pass, seen: Object) -> Object:
        """Write the status onto a newer object, if it has only become newer elsewhere."""
        kind, key = self.controller.kind, current.key
        newer = await self._cluster.get(kind, key.name, key.namespace)
        if newer is None or objects.uid_of(newer) != objects.uid_of(current.object):
            raise errors.api_error(404, {"reason": "NotFound", "message": f"{key} is gone"})
        if objects.mapping(newer, "status") != seen:
            raise errors.api_error(
                409,
                {"reason": "Conflict", "message": f"the status of {key} was written by another"},
            )
        return await self._cluster.replace_status({**newer, "status": current.status})

    def _tell(self, key: Key, result: outcome.Outcome) -> None:
        for failure in result.failures:
            if outcome.is_bug(failure):
                metrics.BUGS_TOTAL.add(self.controller.kind.qualified, type(failure).__name__)
                _log.warning("Failing by a bug", exc_info=failure)
        _log.debug("Ending a pass", outcome=result.sentence or summary.SETTLED)
        if result.done and key not in self._settled:
            self._settled.add(key)
            _log.info("Settling")
        elif not result.done:
            self._settled.discard(key)

    def _plan_next(self, key: Key, obj: Object, result: outcome.Outcome) -> None:
        again = None
        if result.again_in is not None:
            again = max(result.again_in.total_seconds(), _SOONEST)
        if result.failures and not result.terminal:
            count = self._failures[key] = self._failures.get(key, 0) + 1
            retry = _RETRY.wait(count, self._seams.random)
            self.queue.add_after(key, retry if again is None else min(retry, again))
            return
        self._failures.pop(key, None)
        if again is not None:
            self.queue.add_after(key, again)
        if result.terminal or (summary.is_ours(obj) and summary.is_paused(obj)):
            return
        period = self._resync if result.done else self.controller.resync.total_seconds()
        self.queue.add_after(key, period * (1 + self._seams.random.uniform(0, _JITTER)))

    @property
    def _resync(self) -> float:
        """Seconds after which a settled object is looked at again though nothing told to."""
        return max(self.controller.resync.total_seconds(), self._store.count * _PACE)


def _owner(obj: Object, kind: Kind) -> Iterator[Key]:
    reference = objects.controller_reference(obj)
    if reference is None or reference["kind"] != kind.kind:
        return
    if str(reference["apiVersion"]).rpartition("/")[0] == kind.group:
        yield Key(objects.namespace_of(obj) if kind.namespaced else "", reference["name"])


def _is_terminal(obj: Object) -> bool:
    return not conditions.is_true(obj, summary.READY)
