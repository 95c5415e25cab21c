"""How is a whole twin put together? An API in memory, nodes, and controllers, in virtual time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx2

from ouranos.engine import workloads
from ouranos.engine.apiserver import server
from ouranos.engine.simulation import node
from ouranos.kit import cluster, controller, kinds, seams
from ouranos.kit.objects import Kind, Object

_LOOK_EVERY: Final = 0.1

Door = Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport]
"""Puts something in the way of requests: counts them, breaks them."""


@dataclass
class Twin:
    """A world in which nothing real happens; use `running`."""

    cluster: cluster.Cluster
    seams: seams.Seams
    nodes: Sequence[node.SimulatedNode]
    controllers: Sequence[controller.Controller]
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    def start(self) -> None:
        """Start everything that runs on the API."""
        self._run(self.controllers)
        for one in self.nodes:
            self._run(one.controllers())
            self._tasks.append(asyncio.create_task(one.report(self.cluster)))

    def _run(self, controllers: Sequence[controller.Controller]) -> None:
        held = controller.Mirror(self.cluster, controllers, self.seams)
        runner = controller.ControllerRunner(controllers, held)
        self._tasks.append(asyncio.create_task(controller.run_alone(runner)))

    async def stop(self) -> None:
        """Stop everything at whatever it is doing, as a crash would; raise what had failed."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def passes(self, seconds: float) -> None:
        """Let time pass."""
        await self.seams.clock.sleep(seconds)

    async def until(
        self, truth: Callable[[], Awaitable[bool]], within: float = 600, every: float = _LOOK_EVERY
    ) -> float:
        """Let time pass until something is true, looking every so often; return how long it took.

        Raises:
            TimeoutError: it did not become true within so many seconds.
        """
        clock = self.seams.clock
        began = clock.monotonic()
        while not await truth():
            if clock.monotonic() - began >= within:
                raise TimeoutError(f"not true after {within} s of virtual time")
            await clock.sleep(every)
        return clock.monotonic() - began

    async def get(self, kind: Kind, name: str, namespace: str = "home") -> Object:
        """Return an object that must be there.

        Raises:
            LookupError: it is not.
        """
        found = await self.cluster.get(kind, name, namespace if kind.namespaced else "")
        if found is None:
            raise LookupError(f"{kind.kind} {name}")
        return found

    async def all(self, kind: Kind, labels: str = "") -> list[Object]:
        """Return all objects of a kind."""
        return (await self.cluster.list(kind, labels=labels)).items


@contextlib.asynccontextmanager
async def running(
    given: seams.Seams,
    nodes: Sequence[node.SimulatedNode] = (),
    *,
    controllers: Sequence[controller.Controller] = (),
    objects: Sequence[Object] = (),
    door: Door | None = None,
) -> AsyncGenerator[Twin]:
    """Run a twin with workloads, further controllers, and the namespace `home`.

    Args:
        given: the seams, of virtual time.
        nodes: the nodes; none by default.
        controllers: what runs beside the workload controllers.
        objects: applied before anything runs (namespaces, definitions of kinds).
        door: stands between every client and the API.
    """
    api = await server.ApiServer.open(None, given)
    transport = api.transport() if door is None else door(api.transport())
    http = httpx2.AsyncClient(transport=transport, base_url="http://twin")
    source = cluster.Cluster(http, manager="ouranos")
    home: Object = {
        "apiVersion": kinds.NAMESPACE.api_version,
        "kind": kinds.NAMESPACE.kind,
        "metadata": {"name": "home"},
    }
    for obj in (home, *objects):
        await source.apply(obj)
    world = Twin(source, given, nodes, [*workloads.controllers(), *controllers])
    world.start()
    try:
        yield world
    finally:
        await world.stop()
        await http.aclose()
        await api.close()
