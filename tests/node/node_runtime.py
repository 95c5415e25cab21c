"""Pods on a runtime in memory: a real API, real workers, and containers that only say they run.

What runs under root in the stories (namespaces, mounts, runc) is not here; what a container
does is in its command: `stay`, `exit 3`, `fail words` (it could not be started).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import httpx2

from ouranos.engine.apiserver import server
from ouranos.engine.node import (
    cgroups,
    config,
    containers,
    context,
    events,
    facts,
    identity,
    pod,
    processes,
    records,
    routing,
    worlds,
)
from ouranos.kit import cache, cluster, errors, kinds, objects, reflector, seams, selection

IMAGE = "ouranos.cloud/small:1"
NODE = "n1"


def told_of(folder: Path, **more: Any) -> config.NodeConfig:
    network = IPv4Network("172.31.0.0/24")
    addresses = (IPv4Address("172.31.0.2"), IPv4Address("172.31.0.1"))
    return config.NodeConfig(NODE, folder / "node", "ou1", network, *addresses, **more)


class Space:
    """Threads of this process, in the mount namespace that it has."""

    async def run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return await asyncio.to_thread(function, *args, **kwargs)


@dataclass(frozen=True)
class Image:
    layers: tuple[Path, ...]
    digest: str = "sha256:small"
    env: dict[str, str] = field(default_factory=lambda: {"PATH": "/bin"})


@dataclass
class Images:
    root: Path
    missing: set[str] = field(default_factory=set[str])
    slow: float = 0.0

    async def ensure(self, reference: str) -> Image:
        await asyncio.sleep(self.slow)
        if reference in self.missing:
            raise errors.Transient(f"no such image: {reference}")
        return Image((self.root,))


class Held:
    """Containers in memory, with records on disk as they always are."""

    def __init__(self, layout: config.Layout) -> None:
        self.layout = layout
        self.space = Space()
        self.groups = cgroups.Cgroups("of/the/test", ())
        self.ends: dict[str, asyncio.Future[int]] = {}
        self.plans: list[containers.Plan] = []
        self.ran: list[str] = []
        self.forgotten: list[str] = []
        self.answers: dict[str, tuple[int, str]] = {}
        self.trouble: list[Exception] = []
        self.reason = ""

    async def run(self, plan: containers.Plan) -> records.Record:
        if self.trouble:
            raise self.trouble.pop(0)
        self.plans.append(plan)
        words = list(plan.config["process"]["args"])
        record = plan.record.but(started=records.now(), phase=records.Phase.RUNNING)
        self.ran.append(record.container)
        _log(Path(record.log))
        if words[0] == "fail":
            return records.save(
                self.layout,
                record.but(
                    phase=records.Phase.EXITED,
                    finished=records.now(),
                    exit_code=127,
                    reason=containers.CANNOT_RUN,
                    message=" ".join(words[1:]),
                ),
            )
        end = asyncio.get_running_loop().create_future()
        self.ends[record.id] = end
        if words[0] == "exit":
            end.set_result(int(words[1]))
        return records.save(self.layout, record.but(init=identity.of(os.getpid())))

    def end(self, record: records.Record, code: int) -> None:
        if not self.ends[record.id].done():
            self.ends[record.id].set_result(code)

    async def finish(self, record: records.Record) -> records.Record:
        code = await asyncio.shield(self.ends[record.id])
        if self.trouble:
            raise self.trouble.pop(0)
        reason = self.reason or ("Error" if code else "Completed")
        return records.save(
            self.layout,
            record.but(
                phase=records.Phase.EXITED,
                finished=records.now(),
                exit_code=code,
                reason=reason,
                init=None,
            ),
        )

    async def stop(self, record: records.Record, grace: float) -> None:
        self.end(record, 143 if grace else 137)

    async def forget(self, record: records.Record) -> None:
        self.forgotten.append(record.id)

    async def execute(
        self, _record: records.Record, command: Sequence[str], _seconds: float
    ) -> processes.Finished:
        code, said = self.answers.get(" ".join(command), (0, ""))
        if said == "refuse":
            raise errors.Transient("refused")
        return processes.Finished(code, said)


def _log(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("2026-11-21T12:00:00.000000001+00:00 stdout F hello\n")


@dataclass
class Runtime:
    """A running node without a machine."""

    client: cluster.Cluster
    shared: context.Context
    held: Held
    images: Images
    workers: dict[str, pod.Worker]
    services: list[int] = field(default_factory=list[int])
    left: list[records.Record] = field(default_factory=list[records.Record])
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def arrived(self, found: objects.Object) -> None:
        uid = objects.uid_of(found)
        own = [one for one in self.left if one.uid == uid]
        worker = self.workers[uid] = pod.Worker(self.shared, found, own)
        task = asyncio.create_task(worker.run())
        self.tasks.add(task)
        task.add_done_callback(lambda _: self.workers.pop(uid, None))

    async def create(self, name: str, *command: str, **more: Any) -> dict[str, Any]:
        """Create a pod of one container; `c_…` are the container's fields, others the pod's."""
        own = {key[2:]: more.pop(key) for key in list(more) if key.startswith("c_")}
        container = {"name": "main", "image": IMAGE, "command": list(command), **own}
        spec = {"nodeName": NODE, "containers": [container], **more}
        metadata = {"name": name, "namespace": "default"}
        return await self.client.create(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        )

    async def apply(self, kind: str, name: str, **content: Any) -> dict[str, Any]:
        metadata = {"name": name, "namespace": "default"}
        return await self.client.apply(
            {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}
        )

    async def pod(self, name: str) -> dict[str, Any]:
        return await self.client.get(kinds.POD, name, "default") or {}

    async def until(self, look: Callable[[], Awaitable[Any]], what: str) -> Any:
        try:
            async with asyncio.timeout(20):
                while not (found := await look()):
                    for task in self.tasks:
                        if task.done() and not task.cancelled():
                            task.result()
                    await asyncio.sleep(0.005)
                return found
        except TimeoutError:
            listed = (await self.client.list(kinds.POD)).items
            raise AssertionError(f"{what}: {[one.get('status') for one in listed]}") from None

    async def says(self, name: str, *words: str) -> dict[str, Any]:
        """Await that all words are in a pod's status."""

        async def look() -> Any:
            found = await self.pod(name)
            return found if all(word in str(found.get("status")) for word in words) else None

        return await self.until(look, f"{name} to say {words}")

    async def phase(self, name: str, phase: str) -> dict[str, Any]:
        return await self.says(name, f"'phase': '{phase}'")

    async def ready(self, name: str) -> dict[str, Any]:
        return await self.says(name, "'ready': True")

    async def restarted(self, name: str, times: int = 1) -> dict[str, Any]:
        """Await that a pod's container was started again so often, or more."""

        async def look() -> Any:
            found = await self.pod(name)
            (one,) = found.get("status", {}).get("containerStatuses") or [{"restartCount": 0}]
            return found if one["restartCount"] >= times else None

        return await self.until(look, f"{name} to be restarted")

    async def gone(self, name: str) -> None:
        async def look() -> bool:
            return not await self.pod(name)

        await self.until(look, f"{name} to be gone")

    async def told(self, reason: str, *words: str) -> str:
        async def look() -> str:
            found = (await self.client.list(kinds.EVENT, "default")).items
            texts = [one["message"] for one in found if one["reason"] == reason]
            return next((text for text in texts if all(word in text for word in words)), "")

        return await self.until(look, f"an event {reason} {words}")

    def record(self, container: str = "main") -> records.Record:
        found = [plan.record for plan in self.held.plans if plan.record.container == container]
        return found[-1]

    async def leave(self) -> None:
        """End the workers; containers go on."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()


@asynccontextmanager
async def running(folder: Path, **more: Any) -> AsyncIterator[Runtime]:
    told = told_of(folder, longest_backoff=more.pop("longest_backoff", 0.02), **more)
    told.layout.make()
    root = folder / "image"
    (root / "etc").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    given = seams.real()
    api = await server.ApiServer.open(None, given)
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
        client = cluster.Cluster(http, manager="test")
        held, images = Held(told.layout), Images(root)
        recorder = events.Recorder(client, NODE, given)
        world = records.Record(
            id="world-1",
            boot=identity.boot(),
            role=records.Role.WORLD,
            container="world",
            created=records.now(),
            init=identity.of(os.getpid()),
        )
        shared = context.Context(
            told=told,
            held=held,  # type: ignore[arg-type]
            source=images,
            api=client,
            known=cache.Cache(),
            recorder=recorder,
            seams=given,
            machine=facts.Machine.look(folder),
            world=worlds.World(world),
        )
        workers: dict[str, pod.Worker] = {}
        found = Runtime(client, shared, held, images, workers)
        router = routing.Router(workers, found.arrived, lambda: found.services.append(1))
        reflectors = [
            reflector.Reflector(
                client, selection.Selection(kind), shared.known.store(kind), given, router.hear
            )
            for kind in context.REFLECTED
        ]
        background = [asyncio.create_task(one.run()) for one in (recorder, *reflectors)]
        for one in reflectors:
            await one.synced.wait()
        try:
            yield found
        finally:
            await found.leave()
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            with suppress(errors.OuranosError):
                await api.close()


def with_world(runtime: Runtime, world: worlds.World | None) -> context.Context:
    """Return what the workers share, with another world."""
    return replace(runtime.shared, world=world)
