"""The embedded API alone, on a file as the daemon has it: a thousand objects, twenty watchers.

Measured in the process (as controllers reach it: these are the rows that count) and by TLS with a
token from another process (as kubectl does).
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final

import httpx2

from ouranos.bench import figures, served
from ouranos.engine.apiserver import server as apiserver
from ouranos.kit import cluster, kinds, seams

_OBJECTS: Final = 1000
_WATCHERS: Final = 20
_CALLS: Final = 300
_AT_ONCE: Final = 8
_TOGETHER: Final = 50  # objects that are made at once, before anything is measured
_PAUSE: Final = 0.005  # seconds between calls, so that what is measured is a call and not a queue
_PATIENCE: Final = 30.0

Clock = Callable[[], float]


async def measure(table: figures.Table, folder: Path) -> None:
    """Fill the rows of both doors.

    Args:
        table: what was measured so far.
        folder: is there, on the disk whose speed counts; nothing is left in it.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        async with _inside(Path(place)) as client:
            found = await _Trial(client, time.process_time).run()
            eight = await _many(client)
        table.measured |= {**found, "apply-8": eight}
        async with _by_tls(Path(place)) as (client, clock):
            found = await _Trial(client, clock).run()
        table.measured |= {f"tls-{name}": value for name, value in found.items()}


@contextlib.asynccontextmanager
async def _inside(place: Path) -> AsyncGenerator[cluster.Cluster]:
    api = await apiserver.ApiServer.open(place / "inside.db", seams.real())
    try:
        async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
            yield cluster.Cluster(http, manager="bench")
    finally:
        await api.close()


@contextlib.asynccontextmanager
async def _by_tls(place: Path) -> AsyncGenerator[tuple[cluster.Cluster, Clock]]:
    """A server in a process of its own; the clock tells the CPU seconds of both processes."""
    async with served.running(place) as server:
        client = cluster.Cluster(server.http, manager="bench")
        yield client, lambda: time.process_time() + server.cpu()


def entry(number: int, text: str) -> dict[str, Any]:
    """The object that calls get and apply, of about a thousand bytes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"object-{number}", "namespace": "default"},
        "data": {"text": text, "filling": "x" * 1000},
    }


class _Trial:
    """Gets and applies, one after the other, while others watch."""

    def __init__(self, client: cluster.Cluster, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._sent: dict[str, float] = {}
        self._delays: list[float] = []
        self._complete = asyncio.Event()

    async def run(self) -> dict[str, figures.Measured]:
        """The three rows; CPU seconds are those of a call, of an event to all watchers."""
        for first in range(0, _OBJECTS, _TOGETHER):
            numbers = range(first, first + _TOGETHER)
            await asyncio.gather(*(self._client.apply(entry(n, "first")) for n in numbers))
        gets, get_cpu = await self._calls(self._get)
        _, bare_cpu = await self._calls(self._apply)
        async with self._watching():
            applies, apply_cpu = await self._calls(self._apply)
        return {
            "get": _p95(gets, get_cpu),
            "apply": _p95(applies, bare_cpu),
            "watch": _p95(self._delays, max(0.0, apply_cpu - bare_cpu) / _WATCHERS),
        }

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncGenerator[None]:
        listing = await self._client.list(kinds.CONFIG_MAP, "default")
        watch = self._watch(listing.resource_version)
        watchers = [asyncio.create_task(watch()) for _ in range(_WATCHERS)]
        await asyncio.sleep(0.5)
        try:
            yield
            async with asyncio.timeout(_PATIENCE):
                await self._complete.wait()
        finally:
            for task in watchers:
                task.cancel()
            await asyncio.gather(*watchers, return_exceptions=True)

    def _watch(self, version: str) -> Callable[[], Any]:
        async def watch() -> None:
            events = self._client.watch(kinds.CONFIG_MAP, "default", resource_version=version)
            async for event in events:
                begun = self._sent[event.object["data"]["text"]]
                self._delays.append(time.perf_counter() - begun)
                if len(self._delays) == _WATCHERS * _CALLS:
                    self._complete.set()

        return watch

    async def _calls(self, call: Callable[[int], Any]) -> tuple[list[float], float]:
        """How long each of many calls took, and the CPU seconds of one."""
        took: list[float] = []
        cpu = self._clock()
        for number in range(_CALLS):
            begun = time.perf_counter()
            await call(number)
            took.append(time.perf_counter() - begun)
            await asyncio.sleep(_PAUSE)
        return took, (self._clock() - cpu) / _CALLS

    async def _get(self, number: int) -> None:
        await self._client.get(kinds.CONFIG_MAP, f"object-{number}", "default")

    async def _apply(self, number: int) -> None:
        text = f"call-{number}-{len(self._sent)}"
        self._sent[text] = time.perf_counter()
        await self._client.apply(entry(number, text))


async def _many(client: cluster.Cluster) -> figures.Measured:
    """Applies by several callers at once, each as fast as it is answered."""
    took: list[float] = []

    async def caller(number: int) -> None:
        for turn in range(_CALLS // _AT_ONCE):
            begun = time.perf_counter()
            await client.apply(entry(number * _CALLS + turn, f"caller-{number}"))
            took.append(time.perf_counter() - begun)

    cpu = time.process_time()
    await asyncio.gather(*(caller(number) for number in range(_AT_ONCE)))
    return _p95(took, (time.process_time() - cpu) / len(took))


def _p95(seconds: list[float], cpu: float) -> figures.Measured:
    return figures.Measured(figures.percentile(seconds, 0.95) * 1000, cpu)
