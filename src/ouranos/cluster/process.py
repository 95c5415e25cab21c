"""How do the controllers live as one of several processes? From the start to SIGTERM.

A process waits for the Lease, runs all controllers while it holds it, and begins again when it has
lost it (ADR 0019). What it changes passes the fence of the term in which it was begun. What is in
the cluster it reads all the time, so that it can act at once (ADR 0023).
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from ouranos.cluster import composition, endpoints, settings
from ouranos.kit import (
    cluster,
    controller,
    effects,
    errors,
    events,
    kubeconfig,
    lease,
    log,
    metrics,
    objects,
    seams,
)

T = TypeVar("T")

_FINISH: Final = 2.0
"""Seconds that passes have to end by themselves when the process is asked to end."""
_THREADS_END: Final = 5.0
"""Seconds that calls which block have after that; else the Lease is not given back, but ends."""
_HALF_DEAD: Final = 10.0
"""Seconds after which controllers that do not end without the Lease are ended with the process."""
_SILENCE: Final = 60.0
"""Seconds without any answer of the API after which a process that waits is not ready."""

_log = log.get(component="process")


class Process:
    """One of the processes of which one acts."""

    def __init__(
        self,
        source: cluster.Cluster,
        controllers: Sequence[controller.Controller],
        outside: tuple[seams.Seams, seams.Threads],
        elector: lease.Elector,
    ) -> None:
        """Prepare; nothing is sent."""
        self._source = source
        self._controllers = controllers
        self._seams, self._threads = outside
        self._elector = elector
        self._mirror = controller.Mirror(source, controllers, outside[0], composition.SELECTED)
        self._term: lease.Term | None = None
        metrics.LEADER.set(to=0)
        self.endpoints: Final = endpoints.Endpoints(
            {"/healthz": self._health, "/readyz": self._readiness, "/metrics": self._metrics}
        )

    async def run(self, asked: asyncio.Event) -> None:
        """Act whenever the Lease is ours, until asked to end."""
        reading = asyncio.create_task(self._mirror.run())
        ending = asyncio.create_task(asked.wait())
        try:
            while not ending.done() and not reading.done():
                term = await _first(self._elector.acquire(), reading, ending)
                if term is not None:
                    await self._lead(term, reading, ending)
        finally:
            ending.cancel()
            await self._end(reading)

    async def _tell(self) -> None:
        """Tell the Lease's reader that another acts now; that it is lost harms nothing."""
        held = self._elector.lease
        if held is None:
            return
        news = events.News(events.NORMAL, "LeaderElection", f"{self._elector.identity} acts")
        told = events.about(held, news, self._source.manager, self._seams.clock.now())
        with suppress(errors.Transient, effects.FencedError):
            await self._source.create(told)

    async def _lead(
        self, term: lease.Term, reading: asyncio.Task[None], ending: asyncio.Task[bool]
    ) -> None:
        runner = controller.ControllerRunner(self._controllers, self._mirror)
        self._term = term
        metrics.LEADER.set(to=1)
        keeping = asyncio.create_task(self._elector.keep(term))
        with effects.fenced(term):
            working = asyncio.create_task(runner.run())
            telling = asyncio.create_task(self._tell())
        try:
            ends = {keeping, working, reading, ending}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if ending.done() and term.holds:
                _log.info("Letting passes end")
                await _first(runner.finish(), seconds=_FINISH)
            await self._end(working)
            quiet = await self._threads.ended(_THREADS_END if term.holds else 0)
            await self._end(keeping)
            if quiet:
                await self._elector.release(term)
        finally:
            term.shut()
            metrics.LEADER.set(to=0)
            self._term = None
            for task in (keeping, working, telling):
                task.cancel()

    async def _end(self, task: asyncio.Task[None]) -> None:
        """Cancel a task and wait for its end; what it raised by itself is raised."""
        task.cancel()
        await asyncio.wait({task}, timeout=_HALF_DEAD)
        if not task.done():
            _log.warning("Ending the process, for its controllers do not end")
            os._exit(1)
        if not task.cancelled():
            task.result()

    def _health(self) -> endpoints.Answer:
        if self._term is not None and not self._term.holds:
            return endpoints.Answer(good=False, text="the Lease is lost, and not all has ended\n")
        return endpoints.Answer(good=True, text="ok\n")

    def _readiness(self) -> endpoints.Answer:
        silent = self._seams.clock.monotonic() - self._elector.answered_at
        if self._term is None and (not self._elector.holder or silent > _SILENCE):
            return endpoints.Answer(good=False, text="the Lease cannot be read\n")
        if missing := self._mirror.unknown:
            return endpoints.Answer(good=False, text=f"not known yet: {', '.join(missing)}\n")
        who = "acting" if self._term is not None else f"{self._elector.holder} acts"
        return endpoints.Answer(good=True, text=f"ok: {who}\n")

    def _metrics(self) -> endpoints.Answer:
        return endpoints.Answer(good=True, text=metrics.render())


async def _first(
    wanted: Awaitable[T], *others: asyncio.Task[Any], seconds: float | None = None
) -> T | None:
    """Return what is wanted, or None if another task, or the time, ends before."""
    found = asyncio.ensure_future(wanted)
    try:
        await asyncio.wait({found, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return found.result() if found.done() else None
    finally:
        found.cancel()


async def run(
    chosen: settings.Settings,
    controllers: Callable[[str], Sequence[controller.Controller]],
    outside: tuple[seams.Seams, seams.Threads],
    listening: Callable[[int], None] = lambda _port: None,
) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        chosen: how.
        controllers: which, by the namespace that the Lease is in.
        outside: what they are given.
        listening: told the endpoints' port once they can be asked.

    Raises:
        kubeconfig.RefusedError: the settings lead to no cluster.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    access = _access(chosen)
    place = objects.Key(_namespace(chosen, access), chosen.lease_name)
    acting = controllers(place.namespace)
    async with access.open() as source:
        elector = lease.Elector(source, outside[0], place, chosen.host, chosen.timing)
        process = Process(source, acting, outside, elector)
        await process.endpoints.open(chosen.address, chosen.port)
        listening(process.endpoints.port)
        _log.info("Starting", identity=elector.identity, server=access.server)
        # What was imported stays; looking through it for garbage stops all passes for 0.1 s.
        gc.freeze()
        try:
            await process.run(asked)
        finally:
            process.endpoints.close()
    _log.info("Ending")


def _access(chosen: settings.Settings) -> kubeconfig.Access:
    if chosen.kubeconfig is not None:
        return kubeconfig.read(chosen.kubeconfig, chosen.context)
    return kubeconfig.in_cluster()


def _namespace(chosen: settings.Settings, access: kubeconfig.Access) -> str:
    """Return where the Lease is: a person's context may be anywhere, the pod is where we are."""
    if chosen.namespace:
        return chosen.namespace
    return access.namespace if chosen.kubeconfig is None else settings.NAMESPACE


def main(chosen: settings.Settings) -> None:
    """Run all controllers in an event loop of their own."""
    outside = composition.outside(chosen.images)
    asyncio.run(run(chosen, composition.all_controllers, outside))
