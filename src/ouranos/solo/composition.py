"""Puts the engine and all controllers together into one solo world.

The only place that knows every room; nothing here decides anything about a cloud.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import anyio
import httpx2
import uvicorn

from ouranos import backing, compute, services
from ouranos.engine import workloads
from ouranos.engine.apiserver import server as apiserver
from ouranos.engine.apiserver import tls
from ouranos.engine.node import config as node_config
from ouranos.engine.node import node as engine_node
from ouranos.images import catalog, processes, store
from ouranos.kit import cluster, controller, seams
from ouranos.solo import bootstrap, door, first_look, images, machine, paths

_IP_FREEBIND = 15  # ip(7): bind before the address exists
ROLES = {
    "ouranos.cloud/control-plane": "",
    "ouranos.cloud/hypervisor": "",
    "ouranos.cloud/gateway": "",
}


class _Door(uvicorn.Server):
    """Leaves signals to the daemon, and sleeps while nobody calls."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Wait to be cancelled; uvicorn looks ten times a second whether it should end."""
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class World:
    """A running solo cloud's parts."""

    api: apiserver.ApiServer
    node: engine_node.Node
    runner: controller.ControllerRunner
    images: images.Prefetch
    door: uvicorn.Server
    socket: socket.socket
    clock: seams.Clock

    async def run(self) -> None:
        """Run everything until cancelled; the first part that fails ends all."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.node.run)
            group.start_soon(self.runner.run)
            group.start_soon(self.images.run, self.node.retry_pulls)
            group.start_soon(self._serve)
            group.start_soon(first_look.end, self.api, self.node, self.runner, self.clock)

    async def _serve(self) -> None:
        try:
            await self.door.serve(sockets=[self.socket])
        finally:
            self.door.should_exit = True


def node_name(cloud: paths.Paths) -> str:
    """The name of this machine's only node in a cloud."""
    return f"{cloud.cloud}-1"


def make_node(
    cloud: paths.Paths,
    place: machine.Machine,
    api: cluster.Cluster,
    held: store.ImageStore,
    outside: seams.Seams,
) -> engine_node.Node:
    """This machine's node; `down` makes one too, to end what the daemon left running."""
    config = node_config.NodeConfig(
        name=node_name(cloud),
        directory=cloud.node,
        bridge=machine.bridge_name(cloud),
        network=place.network,
        address=place.node_address,
        host_address=place.host_address,
        labels=dict(ROLES),
        mtu=place.mtu,
        public=(machine.Network(place.public),),
        image=catalog.reference("node", place.release),
    )
    return engine_node.Node(config, api, held, outside)


@asynccontextmanager
async def open_api(
    cloud: paths.Paths, outside: seams.Seams
) -> AsyncGenerator[tuple[apiserver.ApiServer, cluster.Cluster]]:
    """The embedded API on the cloud's database, and a client of it without a socket."""
    api = await apiserver.ApiServer.open(cloud.database, outside)
    try:
        async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
            yield api, cluster.Cluster(http, manager="ouranos")
    finally:
        await api.close()


@asynccontextmanager
async def open_world(cloud: paths.Paths) -> AsyncGenerator[World]:
    """Make all parts of the cloud, ready to run."""
    outside = seams.real()
    place = machine.Machine.read(cloud)
    if place is None:
        raise FileNotFoundError(cloud.machine)
    async with open_api(cloud, outside) as (api, client):
        await bootstrap.apply(client, cloud.cloud)
        ledger = images.Ledger(cloud.images)
        held = store.ImageStore(
            cloud.images,
            progress=ledger.hear,
            patience=processes.Patience.of_environment(),
        )
        node = make_node(cloud, place, client, held, outside)
        api.pod_logs = node.logs
        api.awaited = first_look.NAME
        runner = controller.ControllerRunner(client, all_controllers(), outside)
        api.asgi.token = cloud.token.read_text(encoding="utf-8").strip()
        listener, server = _door(cloud, place, api)
        fetch = images.Prefetch(
            held, ledger, place.release, cloud.cloud, node_name(cloud), client, outside
        )
        yield World(api, node, runner, fetch, server, listener, outside.clock)
        await held.close()


def all_controllers() -> list[controller.Controller]:
    """Every controller of solo, the engine's and ours."""
    return [
        *workloads.controllers(),
        *services.controllers(),
        *backing.controllers(),
        *compute.controllers(),
    ]


def listening(address: str, port: int) -> socket.socket:
    """A socket at an address that need not exist yet."""
    # asyncio turns Nagle's algorithm off only where it is told that the protocol is TCP; an answer
    # in two pieces else waits 40 ms for the caller's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    listener.bind((address, port))
    return listener


def _door(
    cloud: paths.Paths, place: machine.Machine, api: apiserver.ApiServer
) -> tuple[socket.socket, uvicorn.Server]:
    """TLS on the host's address of the private bridge, and nowhere else."""
    files = tls.ensure(cloud.tls, str(place.host_address))
    listener = listening(str(place.host_address), door.API_PORT)
    config = uvicorn.Config(
        api.asgi,
        log_config=None,
        access_log=False,
        date_header=False,
        lifespan="off",
        ssl_certfile=files.certificate,
        ssl_keyfile=files.key,
        timeout_graceful_shutdown=1,
    )
    return listener, _Door(config)


async def stop_everything(cloud: paths.Paths, place: machine.Machine, *, destroy: bool) -> None:
    """End every container, guest, mount and link of the cloud; with `destroy` its data too."""
    outside = seams.real()
    async with open_api(cloud, outside) as (_, client):
        held = store.ImageStore(cloud.images)
        node = make_node(cloud, place, client, held, outside)
        await (node.destroy() if destroy else node.shutdown())
    await asyncio.sleep(0)
