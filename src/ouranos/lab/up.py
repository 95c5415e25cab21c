"""How does a lab come up, or become whole again? All is looked at, and what is missing done."""

import asyncio
import contextlib
import http.client
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ouranos.kit import cluster, conditions, kinds, kubeconfig
from ouranos.kit import errors as refusals
from ouranos.kit.objects import Object
from ouranos.lab import (
    archive,
    authority,
    building,
    control,
    errors,
    files,
    lock,
    network,
    nodes,
    objects,
    preflight,
    processes,
    programs,
    texts,
)
from ouranos.lab.settings import Node, Settings

_SECONDS: Final = 180.0
_LOOK: Final = 0.05
_FORGOTTEN: Final = 0.3

Tell = Callable[[str], None]


async def up(settings: Settings, count: int, tell: Tell) -> None:
    """Bring a lab up with at least this many nodes; one that is up is left as it is.

    Raises:
        LabError: this machine cannot have one, or a part of it does not come up.
        ValueError: a lab cannot have so many nodes.
    """
    settings.node(count)  # Refused before anything is made.
    preflight.machine(os.geteuid(), programs.ENVIRONMENT["PATH"])
    settings.root.mkdir(parents=True, exist_ok=True)
    preflight.addresses(settings)
    with lock.held(settings, "up"):
        built = await building.ensure(settings.cache, tell)
        settings.folder.mkdir(mode=0o700, exist_ok=True)
        files.write(settings.kept, str(settings.public))
        _link(settings.bin, built)
        wanted = {node.number: node for node in settings.present()}
        wanted |= {number: settings.node(number) for number in range(1, count + 1)}
        for node in wanted.values():
            node.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        # Old nodes cannot be reached while there is no network; all else waits for it too.
        await network.ensure(settings)
        _prepare(settings, list(wanted.values()))
        # Before anybody waits for it: who finds nobody there takes it for one that has ended.
        await api_server(settings)
        await _together(
            control_plane(settings, tell),
            *(_node(settings, node, tell) for node in wanted.values()),
        )


def _link(link: Path, target: Path) -> None:
    if not link.is_symlink() or link.readlink() != target:
        link.unlink(missing_ok=True)
        link.symlink_to(target)


def _prepare(settings: Settings, wanted: list[Node]) -> None:
    settings.volumes.mkdir(mode=0o755, exist_ok=True)
    everybody = [*authority.control_plane(settings)]
    for node in wanted:
        everybody += authority.node(node)
    authority.ensure(settings, everybody)
    resolver = Path("/etc/resolv.conf")
    forwards = resolver.exists() and "\nnameserver " in f"\n{resolver.read_text()}"
    files.write(settings.folder / "Corefile", texts.corefile(settings, forwards=forwards))
    image = settings.folder / "pause.tar"
    archive.write(settings.bin / "pause", texts.PAUSE, image)


async def _together(*work: Awaitable[None]) -> None:
    """Do independent things at once; the first that fails ends the others and is told alone."""

    async def one(what: Awaitable[None]) -> None:
        await what

    try:
        async with asyncio.TaskGroup() as tasks:
            for what in work:
                tasks.create_task(one(what))
    except* (refusals.OuranosError, OSError) as group:
        # A mistake of ours comes out as it is, with its own traceback.
        refused: BaseException = group
        while isinstance(refused, BaseExceptionGroup):
            refused = refused.exceptions[0]
        raise refused from None


async def api_server(settings: Settings) -> None:
    """Start the API server, and etcd, where they do not run; they need not answer yet."""
    for component in (control.etcd(settings), control.api_server(settings)):
        await processes.ensure(settings, component)


async def control_plane(settings: Settings, tell: Tell) -> None:
    """Start what does not run of the control plane; return when it answers and is complete."""
    with _counted(tell, "the control plane"):
        await api_server(settings)
        async with connected(settings) as source:
            await answering(settings, source)
            python = sys.executable
            for component in (
                control.controller_manager(settings),
                control.scheduler(settings),
                control.dns(settings),
                control.providers(settings, python),
            ):
                await processes.ensure(settings, component)
            for obj in objects.given():
                await source.apply(obj)
            await _until(settings, control.DNS, lambda: asyncio.to_thread(_resolves, settings))


def _resolves(settings: Settings) -> bool:
    """Whether the name server knows the cluster's Services."""
    connection = http.client.HTTPConnection(str(settings.local), control.READY_PORT, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def _counted(tell: Tell, what: str) -> Generator[None]:
    started = asyncio.get_running_loop().time()
    yield
    if (passed := asyncio.get_running_loop().time() - started) > _FORGOTTEN:
        tell(f"{what}: {passed:.1f} s")


@contextlib.asynccontextmanager
async def connected(settings: Settings) -> AsyncGenerator[cluster.Cluster]:
    """Speak to the lab's API server as its administrator; it need not answer yet."""
    async with kubeconfig.read(settings.kubeconfig).open(manager="ouranos-lab") as source:
        yield source


async def answering(settings: Settings, source: cluster.Cluster) -> None:
    """Return when the API server is ready.

    Raises:
        LabError: it ended, or was not ready in time.
    """

    async def is_ready() -> bool:
        return await source.is_ready()

    await _until(settings, control.API_SERVER, is_ready)


async def _until(settings: Settings, component: str, asked: Callable[[], Awaitable[bool]]) -> None:
    """Return when something is so that a component is to do."""
    log = settings.logs / f"{component}.log"
    deadline = asyncio.get_running_loop().time() + _SECONDS
    while True:
        with contextlib.suppress(refusals.Transient):
            if await asked():
                return
        if processes.recorded(settings, component) is None:
            raise errors.LabError(f"{component} has ended", f"{log} says why")
        if asyncio.get_running_loop().time() > deadline:
            raise errors.LabError(f"{component} is not ready", f"{log} says why")
        await asyncio.sleep(_LOOK)


async def _node(settings: Settings, node: Node, tell: Tell) -> None:
    with _counted(tell, node.name):
        await node_on(settings, node)


async def node_on(settings: Settings, node: Node) -> None:
    """Switch a node on, start what does not run there, and return when it is Ready."""
    await nodes.ensure(settings, node)
    inside = nodes.first(settings, node)
    containerd, kubelet, kube_proxy = nodes.components(settings, node, inside)
    await processes.ensure(settings, containerd)
    await nodes.load_pause(settings, node)
    async with connected(settings) as source:
        await answering(settings, source)
        begun = datetime.now(UTC).replace(microsecond=0)
        fresh = await processes.ensure(settings, kubelet)
        await processes.ensure(settings, kube_proxy)

        async def is_ready() -> bool:
            found = await source.get(kinds.NODE, node.name)
            # What was said before this kubelet began says nothing about now.
            return found is not None and is_node_ready(found, begun if fresh else None)

        await _until(settings, kubelet.name, is_ready)
        if fresh:
            await _until(settings, kubelet.name, lambda: _accounts(source))


def is_node_ready(node: Object, since: datetime | None = None) -> bool:
    """Whether a Node says that it is Ready, and has said so since a time."""
    ready = conditions.find(conditions.of(node), "Ready")
    if ready is None or ready["status"] != conditions.TRUE:
        return False
    return since is None or datetime.fromisoformat(ready["lastHeartbeatTime"]) >= since


async def _accounts(source: cluster.Cluster) -> bool:
    """Whether pods can be created: before it has this account a namespace refuses them."""
    return await source.get(kinds.SERVICE_ACCOUNT, "default", "default") is not None
