"""What is a node in solo? The kubelet's part.

Its world, its pods, its Node object, and its end (ADR 0006).
"""

import asyncio
import contextlib
import functools
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from ouranos.engine.node import (
    cgroups,
    config,
    containers,
    context,
    events,
    facts,
    guard,
    identity,
    images,
    lock,
    logs,
    mountspace,
    network,
    pod,
    records,
    registration,
    rootfs,
    routing,
    shutdown,
    worlds,
)
from ouranos.kit import cache, cluster, errors, kinds, log, objects, reflector, seams, selection

_RETRY: Final = 2.0
_ROTATION: Final = 30.0
"""Seconds between two looks at the sizes of logs."""

_log = log.get(component="node")


class LogRequest(logs.Request, Protocol):
    """Whose output somebody wants, and which lines of it."""

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        ...

    @property
    def pod(self) -> str:
        """The pod's name."""
        ...

    @property
    def container(self) -> str:
        """The container's name."""
        ...

    @property
    def previous(self) -> bool:
        """Whether the attempt before the last one is meant."""
        ...


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What a pod has used since it began."""

    namespace: str
    name: str
    cpu_seconds: float
    memory_bytes: int


class Node:
    """One node: runs the pods that are bound to it."""

    def __init__(
        self,
        told: config.NodeConfig,
        api: cluster.Cluster,
        source: images.ImageSource,
        given: seams.Seams,
    ) -> None:
        self.config = told
        self._api = api
        self._source = source
        self._seams = given
        self._shared: context.Context | None = None
        self._workers: dict[str, pod.Worker] = {}
        self._group = asyncio.TaskGroup()
        self._lock: lock.Lock | None = None
        self._running: asyncio.Task[None] | None = None
        self._begun = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._told = asyncio.Event()

    # Running.

    async def told(self) -> None:
        """Return once the API knows, of every pod that was here when we came, how it is now."""
        await self._told.wait()

    async def run(self) -> None:
        """Be a node until cancelled or stopped; containers go on after that.

        What stands in the way (an address range in use, a missing image) is said in the Node
        object's conditions, and tried again.

        Raises:
            Terminal: another supervisor runs this node.
        """
        self._running = asyncio.current_task()
        self._idle.clear()
        self._begun = False
        self._told.clear()
        space: mountspace.MountSpace | None = None
        try:
            await self._seams.blocking(self.config.layout.make)
            held, found = await self._open()
            space = held.space
            await self._work(held, found)
        finally:
            self._shared = None
            await self._close(space)
            self._running = None
            self._idle.set()

    async def stop(self, *, keep_running: bool = True) -> None:
        """Have `run` end; the containers go on, unless `keep_running` is False."""
        if self._running is not None:
            self._running.cancel()
            await self._idle.wait()
        if not keep_running:
            await self.shutdown()

    async def shutdown(self) -> None:
        """End every container and guest in good order, and undo every mount and link.

        Data stays.
        """
        await self.stop()
        if self.config.directory.exists():
            await self._seams.blocking(self.config.layout.make)
            held, found = await self._open()
            try:
                await shutdown.everything(self.config, held, found)
            finally:
                await self._close(held.space)
        elif not await self._seams.blocking(network.is_anothers, self.config):
            # the folder was removed under running containers: only their cgroup still names them
            groups = cgroups.Cgroups(self.config.cgroup_parent)
            await self._seams.blocking(groups.remove_parent)
        await self._seams.blocking(network.disconnect, self.config)

    async def destroy(self) -> None:
        """Leave nothing of the node: no process, mount, link, cgroup or file."""
        await self.shutdown()
        await self._seams.blocking(shutdown.erase, self.config.directory)

    async def _open(self) -> tuple[containers.Containers, list[records.Record]]:
        """Enter the node's mount namespace and find the containers that are there."""
        layout = self.config.layout
        self._lock = await self._seams.blocking(lock.take, layout.directory)
        left = await self._seams.blocking(records.load, layout)
        boot = identity.boot()
        holders = [record.conmon for record in left if record.boot == boot]
        space = mountspace.MountSpace.open(holders)
        if space.fresh:
            await space.run(rootfs.share_root, layout.root)
        groups = cgroups.Cgroups(self.config.cgroup_parent)
        held = containers.Containers(layout, space, groups)
        return held, await held.adopt()

    async def _close(self, space: mountspace.MountSpace | None) -> None:
        """Leave the mount namespace and the lock; what is under way there is awaited."""
        if space is not None:
            await asyncio.to_thread(space.close)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    async def _work(self, held: containers.Containers, found: list[records.Record]) -> None:
        recorder = events.Recorder(self._api, self.config.name, self._seams)
        shared = context.Context(
            told=self.config,
            held=held,
            source=self._source,
            api=self._api,
            known=cache.Cache(),
            recorder=recorder,
            seams=self._seams,
            machine=facts.Machine.look(self.config.directory),
        )
        self._shared = shared
        registrar = registration.Registrar(self.config, self._api, self._seams)
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(recorder.run())
            keeper = guard.Guard(shared)
            await self._learn(shared, keeper, group)
            group.create_task(self._keep_world(shared, registrar, keeper, found))
            group.create_task(keeper.run())
            group.create_task(registrar.run())
            group.create_task(self._rotate())

    async def _learn(
        self, shared: context.Context, keeper: guard.Guard, group: asyncio.TaskGroup
    ) -> None:
        """Reflect what the node has to know, and await the first complete picture."""
        router = routing.Router(self._workers, self._new_pod, keeper.hear)
        reflectors = [
            reflector.Reflector(
                self._api,
                selection.Selection(kind),
                shared.known.store(kind),
                self._seams,
                router.hear,
            )
            for kind in context.REFLECTED
        ]
        for one in reflectors:
            group.create_task(one.run())
        for one in reflectors:
            await one.synced.wait()

    async def _keep_world(
        self,
        shared: context.Context,
        registrar: registration.Registrar,
        keeper: guard.Guard,
        found: list[records.Record],
    ) -> None:
        """Keep the node's namespaces in being, and with them its pods."""
        dead = self._adopt_world(shared, [one for one in found if one.role is records.Role.WORLD])
        while True:
            try:
                while dead:
                    await self._bury_world(shared, dead[-1])
                    dead.pop()
                if shared.world is None:
                    shared.world = await worlds.make(self.config, shared.held, self._source)
                    _log.info("Created a world", node=self.config.name)
                else:
                    await worlds.connect(self.config, shared.held, shared.world)
                await keeper.look(shared.world)  # before anything runs that guests could reach
            except (errors.OuranosError, OSError) as error:
                # an address range in use is terminal for `up`, but its user may go away
                registrar.say(f"the node's world cannot be made: {error}")
                _log.warning("Retrying to make a world", node=self.config.name, error=str(error))
                await self._seams.clock.sleep(_RETRY)
                if shared.world is not None and not shared.world.is_alive:
                    dead.append(shared.world.record)
                    shared.world = None
                continue
            registrar.say("")
            self._begin(shared, found)
            found = []
            await identity.ended(shared.world.record.init)
            dead.append(shared.world.record)
            shared.world = None

    def _adopt_world(
        self, shared: context.Context, left: list[records.Record]
    ) -> list[records.Record]:
        """Take over the world that lives; return the others."""
        dead: list[records.Record] = []
        for record in left:
            if not record.has_ended and identity.is_alive(record.init):
                shared.world = worlds.World(record)
            else:
                dead.append(record)
        return dead

    async def _bury_world(self, shared: context.Context, record: records.Record) -> None:
        ended = record if record.has_ended else await shared.held.finish(record)
        await shared.held.forget(ended)

    def _begin(self, shared: context.Context, found: list[records.Record]) -> None:
        """Give every pod that is here, or should be, a worker; wake those that have one."""
        # Not before: who takes in a pod earlier does not know the containers that it has already.
        self._begun = True
        by_uid: dict[str, list[records.Record]] = {}
        for record in found:
            if record.uid:
                by_uid.setdefault(record.uid, []).append(record)
        for uid, known in records.load_pods(self.config.layout).items():
            if uid not in self._workers:
                self._employ(shared, known, by_uid.get(uid, []))
        for known in shared.known.list(kinds.POD):
            self._new_pod(known)
        for worker in self._workers.values():
            worker.wake()
        self._group.create_task(self._tell(tuple(self._workers.values())))

    async def _tell(self, workers: tuple[pod.Worker, ...]) -> None:
        for worker in workers:
            await worker.told.wait()
        self._told.set()

    def _new_pod(self, found: objects.Object) -> None:
        """Take in a pod that the API has bound to this node."""
        shared, uid = self._shared, objects.uid_of(found)
        if shared is None or not self._begun or uid in self._workers:
            return
        if found["spec"].get("nodeName") == self.config.name:
            self._employ(shared, found, [])

    def _employ(
        self, shared: context.Context, found: objects.Object, left: list[records.Record]
    ) -> None:
        uid = objects.uid_of(found)
        worker = pod.Worker(shared, found, left)
        self._workers[uid] = worker
        task = self._group.create_task(worker.run())
        task.add_done_callback(lambda _: self._workers.pop(uid, None))

    def retry_pulls(self) -> None:
        """Have every pod that waits for an image try at once: whoever makes images has made one."""
        for worker in [*self._workers.values()]:
            worker.retry(pulls=True)

    async def _rotate(self) -> None:
        while True:
            await self._seams.clock.sleep(_ROTATION)
            for worker in [*self._workers.values()]:
                for record in [*worker.attempts.running()]:
                    bundle = self.config.layout.container(record.id)
                    with contextlib.suppress(OSError):
                        logs.rotate(record, bundle)

    # Looking in.

    async def logs(self, request: LogRequest) -> AsyncGenerator[bytes, None]:
        """Give a container's output, as the API's `pods/log` wants it.

        Raises:
            LookupError: there is no such output.
        """
        record, goes_on = self._output(request)
        async for chunk in logs.stream(Path(record.log), request, goes_on):
            yield chunk

    def _output(self, request: LogRequest) -> tuple[records.Record, Callable[[], bool]]:
        for worker in self._workers.values():
            key = objects.key_of(worker.pod)
            if key == (request.namespace, request.pod):
                attempts = worker.attempts.of(request.container)
                wanted = attempts[-2:-1] if request.previous else attempts[-1:]
                if wanted and Path(wanted[0].log).exists():
                    return wanted[0], functools.partial(worker.is_running, wanted[0].id)
        sort = "previous terminated container" if request.previous else "container"
        raise LookupError(f'{sort} "{request.container}" in pod "{request.pod}" not found')

    def usage(self) -> list[PodUsage]:
        """Return what each pod has used."""
        groups = cgroups.Cgroups(self.config.cgroup_parent)
        found: list[PodUsage] = []
        for uid, worker in self._workers.items():
            key = objects.key_of(worker.pod)
            used = groups.usage(f"pods/{uid}")
            found.append(PodUsage(key.namespace, key.name, used.cpu_seconds, used.memory_bytes))
        return sorted(found, key=lambda one: (one.namespace, one.name))
