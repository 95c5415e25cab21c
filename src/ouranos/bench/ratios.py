"""How do the embedded API and kube-apiserver with etcd compare, asked the same by the same client?

Run as `python -m ouranos.bench.ratios`; asked by `ouranos bench --part kubernetes`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ouranos.bench import api, controlplane, figures, served
from ouranos.kit import cluster, kinds, kubeconfig

_OBJECTS: Final = 1000
_TOGETHER: Final = 25
_CALLS: Final = 300
_LISTS: Final = 20
_PAUSE: Final = 0.005
_PATIENCE: Final = 120.0
_ROWS: Final = {
    "start": ("start → `/readyz`", 1),
    "get": ("get", 1000),
    "apply": ("apply that changes an object", 1000),
    "list": ("list of 1,000", 1000),
    "watch": ("delay of a watch event", 1000),
}
"""What is measured, and what its seconds are multiplied by to be shown."""


@dataclass(frozen=True, slots=True)
class Side:
    """One call on one server.

    Attributes:
        seconds: of each call.
        cpu: seconds that the server used for one call; None where it cannot be told apart.
    """

    seconds: Sequence[float]
    cpu: float | None

    @property
    def half(self) -> float:
        """The middle."""
        return figures.percentile(self.seconds, 0.5)

    @property
    def most(self) -> float:
        """What 95 of 100 are below."""
        return figures.percentile(self.seconds, 0.95)


Sides = dict[str, Side]
Clock = Callable[[], float]


@dataclass(slots=True)
class Trial:
    """The calls, on one server."""

    client: cluster.Cluster
    clock: Clock
    objects: int = _OBJECTS
    calls: int = _CALLS
    lists: int = _LISTS
    _sent: dict[str, float] = field(default_factory=dict[str, float])
    _delays: list[float] = field(default_factory=list[float])

    async def run(self) -> Sides:
        """Make the objects, and measure all calls but the start."""
        for first in range(0, self.objects, _TOGETHER):
            last = min(first + _TOGETHER, self.objects)
            await asyncio.gather(
                *(self.client.apply(api.entry(number, "first")) for number in range(first, last))
            )
        found = {
            "get": await self._timed(self._get, self.calls),
            "apply": await self._timed(self._apply, self.calls),
            "list": await self._timed(self._list, self.lists),
        }
        await self._watched()
        return {**found, "watch": Side(self._delays, None)}

    async def _timed(self, call: Callable[[int], Awaitable[Any]], count: int) -> Side:
        took: list[float] = []
        before = self.clock()
        for number in range(count):
            begun = time.perf_counter()
            await call(number)
            took.append(time.perf_counter() - begun)
            await asyncio.sleep(_PAUSE)
        return Side(took, (self.clock() - before) / count)

    async def _get(self, number: int) -> None:
        await self.client.get(kinds.CONFIG_MAP, f"object-{number % self.objects}", "default")

    async def _apply(self, number: int) -> None:
        text = f"call-{len(self._sent)}"
        self._sent[text] = time.perf_counter()
        await self.client.apply(api.entry(number % self.objects, text))

    async def _list(self, _: int) -> None:
        await self.client.list(kinds.CONFIG_MAP, "default")

    async def _watched(self) -> None:
        listing = await self.client.list(kinds.CONFIG_MAP, "default")
        watcher = asyncio.create_task(self._watch(listing.resource_version))
        try:
            await self._timed(self._apply, self.calls)
            async with asyncio.timeout(_PATIENCE):
                await watcher
        finally:
            watcher.cancel()

    async def _watch(self, version: str) -> None:
        events = self.client.watch(kinds.CONFIG_MAP, "default", resource_version=version)
        async for event in events:
            begun = self._sent.get(event.object["data"].get("text", ""))
            if begun is not None:
                self._delays.append(time.perf_counter() - begun)
            if len(self._delays) >= self.calls:
                return


@contextlib.asynccontextmanager
async def _embedded(folder: Path) -> AsyncGenerator[tuple[cluster.Cluster, Clock, Side]]:
    begun = time.monotonic()
    async with served.running(folder) as server:
        start = Side([time.monotonic() - begun], server.cpu())
        yield cluster.Cluster(server.http, manager="ratios"), server.cpu, start


@contextlib.asynccontextmanager
async def _kubernetes(folder: Path) -> AsyncGenerator[tuple[cluster.Cluster, Clock, Side]]:
    programs = await controlplane.programs_of_this_machine()
    async with controlplane.running(programs, folder, controllers=False) as plane:
        access = kubeconfig.read(plane.kubeconfig)
        async with access.open(manager="ratios") as client:
            yield client, plane.cpu, Side([plane.ready], plane.ready_cpu)


async def measure(folder: Path) -> tuple[Sides, Sides]:
    """Measure both servers, one after the other, on the same disk.

    Args:
        folder: is there; nothing is left in it.

    Returns:
        The embedded API's figures, and those of kube-apiserver with etcd.
    """
    found: list[Sides] = []
    for serve in (_embedded, _kubernetes):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            async with serve(Path(place)) as (client, clock, start):
                found.append({"start": start, **await Trial(client, clock).run()})
    return found[0], found[1]


def table(ours: Sides, theirs: Sides) -> str:
    """Write both servers' figures and their ratios, in Markdown."""
    lines = [
        "### The embedded API and kube-apiserver with etcd",
        "",
        "The same calls by the same client, over TLS, one after the other, on one machine; etcd",
        "does not wait for the disk (`--unsafe-no-fsync`), the embedded API does. A ratio above",
        "1 says how many times as much kube-apiserver with etcd takes. CPU seconds are those of",
        "the server's processes, for one call.",
        "",
        "| call | embedded p50 / p95 | kube-apiserver p50 / p95 | ratio | CPU s | CPU s | of CPU |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_line(name, ours[name], theirs[name]) for name in _ROWS),
        "",
    ]
    return "\n".join(lines)


def _line(name: str, ours: Side, theirs: Side) -> str:
    what, factor = _ROWS[name]
    return (
        f"| {what} | {_times(ours, factor)} | {_times(theirs, factor)} | "
        f"{_ratio(theirs.half, ours.half)} / {_ratio(theirs.most, ours.most)} | "
        f"{_seconds(ours.cpu)} | {_seconds(theirs.cpu)} | {_ratio(theirs.cpu, ours.cpu)} |"
    )


def _times(side: Side, factor: int) -> str:
    unit = "s" if factor == 1 else "ms"
    return f"{side.half * factor:.1f} / {side.most * factor:.1f} {unit}"


def _seconds(cpu: float | None) -> str:
    return "-" if cpu is None else f"{cpu:.4f}" if cpu < 1 else f"{cpu:.1f}"


def _ratio(theirs: float | None, ours: float | None) -> str:
    return "-" if not theirs or not ours else f"{theirs / ours:.1f}"


def main() -> None:
    """Print the table, measured below the current folder."""
    sys.stdout.write(table(*asyncio.run(measure(Path.cwd()))))


if __name__ == "__main__":
    main()
