"""What do the controllers cost in a cluster, by how many Keystones there are?

    python -m ouranos.bench.scale [KUBECONFIG] [COUNT …]
    make bench PART=kubernetes

Without a kubeconfig a control plane is started for it. The API server is real, the process is that
of the cluster with its Lease and endpoints, and every Keystone has a namespace, a database and a
cache of its own. Databases, Keystones and kubelets are pretended: they are not what is measured.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from ouranos import backing, compute, services
from ouranos.bench import controlplane, figures, machine, passes, pretended
from ouranos.cluster import composition, process, settings
from ouranos.kit import cluster, conditions, controller, kinds, kubeconfig, log, metrics, objects
from ouranos.kit.objects import Object

COUNTS: Final = (1, 25, 200, 1000)
_MANY: Final = 1000
NAMESPACE: Final = "ouranos-bench"
_AT_ONCE: Final = 16
_SETTLING: Final = 20.0
_REST: Final = 60.0
_PATIENCE: Final = 1800.0
_TOUCHED: Final = 100
_SERVE: Final = "--serve"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured at one number of Keystones.

    Attributes:
        objects: how many objects carry our mark.
        settled: seconds from the first object to the last Keystone that is Ready.
        memory: bytes, shared ones in proportion.
        cpu: share of one core at rest, of the process that has taken over: its looks and passes
            are spread over their periods as they are for ever after.
        unchanged: milliseconds that 95 of 100 passes do not exceed that change nothing.
        spent: CPU seconds of a touch and the pass that it causes.
        handover: seconds from SIGTERM to one until a pass of another has seen a change.
        load: processes that wanted a core meanwhile, these included.
    """

    count: int
    objects: int
    settled: float
    memory: int
    cpu: float
    unchanged: float
    spent: float
    handover: float
    load: float

    @property
    def line(self) -> str:
        """The row of the table."""
        return (
            f"| {self.count} | {self.objects} | {self.settled:.0f} s "
            f"| {self.memory / machine.MIB:.0f} MiB | {self.cpu * 100:.2f} % "
            f"| ≤ {self.unchanged:g} ms | {self.spent * 1000:.1f} ms | {self.handover:.1f} s "
            f"| {self.load:.1f} |"
        )


HEAD: Final = (
    "| Keystones | objects of ours | all Ready after | memory (PSS) | CPU at rest "
    "| pass that changes nothing, p95 | its CPU | hand-over | load |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


async def serve(config: Path, folder: Path) -> None:
    """Run the controllers' process with pretended databases and Keystones."""
    outside = composition.outside("")

    def controllers(_: str) -> list[controller.Controller]:
        return [
            *services.controllers(pretended.Keystones(folder)),
            *backing.controllers(pretended.means(folder)),
            *compute.controllers(),
        ]

    chosen = settings.Settings(kubeconfig=config, namespace=NAMESPACE, port=0, address="127.0.0.1")
    await process.run(chosen, controllers, outside, lambda port: print(port, flush=True))  # noqa: T201 - told to who started it


@dataclass(frozen=True, slots=True)
class Running:
    """One of the processes that are measured."""

    handle: asyncio.subprocess.Process
    http: httpx2.AsyncClient

    async def metrics(self) -> str:
        """What it has counted."""
        return (await self.http.get("/metrics")).text

    @property
    def cpu(self) -> float:
        """The CPU seconds that it has used."""
        return machine.cpu_of(self.handle.pid).own

    async def acting(self) -> None:
        """Wait until it acts, and knows everything."""
        async with asyncio.timeout(_PATIENCE):
            while not await self._says("acting"):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.05)

    async def waiting(self) -> None:
        """Wait until it could act in the place of another."""
        async with asyncio.timeout(_PATIENCE):
            while not await self._says("acts"):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.05)

    async def _says(self, word: str) -> bool:
        return word in (await self.http.get("/readyz")).text


@asynccontextmanager
async def started(config: Path, folder: Path) -> AsyncGenerator[Running]:
    """Hold a process; it is ended with the block."""
    handle = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ouranos.bench.scale", str(config), _SERVE, str(folder), stdout=-1
    )
    try:
        if handle.stdout is None:
            raise RuntimeError("a pipe was asked for")
        port = int(await handle.stdout.readline())
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            yield Running(handle, http)
    finally:
        with suppress(ProcessLookupError):
            handle.terminate()
        await handle.wait()


def world(number: int) -> list[Object]:
    """One Keystone and what it stands on, in a namespace of its own."""
    name = f"bench-{number}"
    head = {"release": "2026.2"}

    def ours(kind: objects.Kind, **spec: object) -> Object:
        where = {"name": kind.kind.lower(), "namespace": name}
        return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": where, "spec": spec}

    login = {"username": "root", "password": "pretended"}
    database = {"host": f"db.{name}.example", "secretRef": {"name": "root"}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "root", "namespace": name},
            "stringData": login,
        },
        ours(kinds.MARIADB, **head, external=database),
        ours(kinds.MEMCACHED, **head, external={"host": f"cache.{name}.example"}),
        ours(kinds.KEYSTONE, **head, region="Bench", publicHost=f"{name}.example"),
    ]


async def _in_parallel(source: cluster.Cluster, first: int, last: int) -> None:
    left = iter(range(first, last))

    async def work() -> None:
        for number in left:
            for obj in world(number):
                await source.apply(obj)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(_AT_ONCE):
            tasks.create_task(work())


async def _all_ready(source: cluster.Cluster, count: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            found = (await source.list(kinds.KEYSTONE)).items
            ready = sum(1 for one in found if conditions.is_current(one, "Ready"))
            if ready >= count:
                return
            await asyncio.sleep(1 + count / 200)


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What passes cost that change nothing: milliseconds of most, CPU seconds of each."""

    p95: float
    cpu: float


async def _unchanged(source: cluster.Cluster, running: Running, count: int) -> Unchanged:
    """Have passes that change nothing: Keystones are touched, one after another."""
    before, cpu = await running.metrics(), running.cpu
    touched = min(count, _TOUCHED)
    for number in range(touched):
        patch = {"metadata": {"annotations": {"bench.ouranos.cloud/at": str(time.time_ns())}}}
        await source.patch(kinds.KEYSTONE, "keystone", f"bench-{number}", patch)
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    spent = (running.cpu - cpu) / touched
    gained = passes.gained(before, await running.metrics(), metrics.UNCHANGED_SECONDS.name)
    found = gained.get("keystone", passes.Buckets())
    return Unchanged(passes.quantile(found, 0.95), spent)


async def _counted(source: cluster.Cluster) -> int:
    ours = [kinds.KEYSTONE, kinds.MARIADB, kinds.MEMCACHED, kinds.DATABASE]
    made = [kinds.SECRET, kinds.CONFIG_MAP, kinds.JOB, kinds.SERVICE, kinds.DEPLOYMENT]
    total = 0
    for kind in (*ours, *made, kinds.POD_DISRUPTION_BUDGET):
        found = (await source.list(kind)).items
        total += sum(1 for one in found if objects.namespace_of(one).startswith("bench-"))
    return total


async def _handed_over(source: cluster.Cluster, one: Running, other: Running) -> float:
    """End one process; return the seconds until another has made a pass."""
    await other.waiting()
    begun = time.monotonic()
    one.handle.terminate()
    await one.handle.wait()
    patch = {"spec": {"publicHost": f"host-{time.time_ns()}.example"}}
    wanted = (await source.patch(kinds.KEYSTONE, "keystone", "bench-0", patch))["metadata"]
    async with asyncio.timeout(_PATIENCE):
        while True:
            found = await source.get(kinds.KEYSTONE, "keystone", "bench-0")
            seen = objects.mapping(found or {}, "status").get("observedGeneration", 0)
            if seen >= wanted["generation"]:
                return time.monotonic() - begun
            await asyncio.sleep(0.05)


async def _at_rest(running: Running) -> float:
    """Return the share of a core that a process uses which nothing happens to."""
    await asyncio.sleep(_SETTLING)
    before, since = running.cpu, time.monotonic()
    await asyncio.sleep(_REST)
    return (running.cpu - before) / (time.monotonic() - since)


async def measure(
    config: Path, folder: Path, source: cluster.Cluster, first: int, count: int
) -> Row:
    """Make more Keystones, until there are so many, and measure.

    Args:
        config: the kubeconfig.
        folder: where what is pretended is kept.
        source: the same cluster.
        first: how many there are.
        count: how many there shall be.
    """
    async with started(config, folder) as running:
        await running.acting()
        begun = time.monotonic()
        await _in_parallel(source, first, count)
        await _all_ready(source, count)
        settled = time.monotonic() - begun
        await asyncio.sleep(_SETTLING)
        memory = machine.pss_of([running.handle.pid])
        unchanged = await _unchanged(source, running, count)
        number = await _counted(source)
        async with started(config, folder) as other:
            handover = await _handed_over(source, running, other)
            cpu = await _at_rest(other)
            memory = max(memory, machine.pss_of([other.handle.pid]))
    load = os.getloadavg()[1]
    p95, spent = unchanged.p95, unchanged.cpu
    return Row(count, number, settled, memory, cpu, p95, spent, handover, load)


async def fill(table: figures.Table, folder: Path, say: Callable[[str], None]) -> None:
    """Measure beside a control plane without nodes, and fill the rows of the controllers."""
    rows = await _alone(COUNTS, folder, say)
    last = rows[-1]
    table.measured |= {
        "controllers-memory": figures.Measured(_memory(rows) / machine.MIB),
        "controllers-idle": figures.Measured(last.cpu * 100),
        "controllers-pass": figures.Measured(last.unchanged),
        "controllers-handover": figures.Measured(last.handover),
    }
    lines = [HEAD, *(row.line for row in rows)]
    table.details.append(figures.CONTROLLERS + _text(lines))


def _memory(rows: list[Row]) -> int:
    """Bytes at the first number of Keystones that makes a thousand objects of ours or more."""
    return next((row.memory for row in rows if row.objects >= _MANY), rows[-1].memory)


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


async def run(
    config: Path, folder: Path, counts: tuple[int, ...], say: Callable[[str], None]
) -> list[Row]:
    """Measure at each number, and say the table's lines as they come; what is made stays."""
    async with kubeconfig.connect(config) as source:
        for obj in services.definitions():
            await source.apply(obj)
        head = {"name": NAMESPACE}
        await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": head})
        return await _at_each(config, folder, counts, source, say)


async def _beside(config: Path, counts: tuple[int, ...], say: Callable[[str], None]) -> None:
    """The same in somebody's cluster: all is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            await run(config, Path(folder), counts, say)
        finally:
            async with kubeconfig.connect(config) as source:
                await _remove(config, Path(folder), max(counts), source)


async def _remove(config: Path, folder: Path, count: int, source: cluster.Cluster) -> None:
    # Claims go only while somebody is there to drop what they claimed.
    async with started(config, folder), asyncio.timeout(_PATIENCE):
        for number in range(count):
            await source.delete(kinds.NAMESPACE, f"bench-{number}")
        while any(  # noqa: ASYNC110 - the server says when
            obj["metadata"]["name"].startswith("bench-")
            for obj in (await source.list(kinds.NAMESPACE)).items
        ):
            await asyncio.sleep(1)
    await source.delete(kinds.NAMESPACE, NAMESPACE)


async def _at_each(
    config: Path,
    folder: Path,
    counts: tuple[int, ...],
    source: cluster.Cluster,
    say: Callable[[str], None],
) -> list[Row]:
    say(HEAD)
    rows: list[Row] = []
    first = 0
    async with asyncio.TaskGroup() as beside:
        pretending = beside.create_task(pretended.kubelets(source))
        for count in counts:
            rows.append(await measure(config, folder, source, first, count))
            say(rows[-1].line)
            first = count
        pretending.cancel()
    return rows


async def _alone(counts: tuple[int, ...], folder: Path, say: Callable[[str], None]) -> list[Row]:
    """The same beside a control plane that is there for this alone, and goes with all of it."""
    programs = await controlplane.programs_of_this_machine()
    with tempfile.TemporaryDirectory(dir=folder) as pretending:
        async with controlplane.running(programs, folder) as plane:
            return await run(plane.kubeconfig, Path(pretending), counts, say)


def _measured(config: list[Path], counts: tuple[int, ...], say: Callable[[str], None]) -> None:
    if config:
        asyncio.run(_beside(config[0], counts, say))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_alone(counts, Path(folder), say))


def main() -> None:
    """Measure, or be what is measured."""
    said = sys.argv[1:]
    if _SERVE in said:
        log.configure("warning", json=True)
        asyncio.run(serve(Path(said[0]), Path(said[2])))
        return
    config = [Path(word) for word in said if not word.isdecimal()]
    counts = tuple(int(word) for word in said if word.isdecimal()) or COUNTS

    def say(line: str) -> None:
        print(line, flush=True)  # noqa: T201 - data

    _measured(config, counts, say)


if __name__ == "__main__":
    main()
