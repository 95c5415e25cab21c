"""Puts the engine and all controllers together into one solo world.

The only place that knows every room; nothing here decides anything about a cloud.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import httpx2

from ouranos import backing, compute, services
from ouranos.engine import workloads
from ouranos.engine.apiserver import server as apiserver
from ouranos.engine.apiserver import tls, web
from ouranos.engine.node import config as node_config
from ouranos.engine.node import node as engine_node
from ouranos.images import catalog, processes, store
from ouranos.kit import cluster, controller, seams
from ouranos.solo import bootstrap, door, first_look, images, machine, paths

ROLES = {
    "ouranos.cloud/control-plane": "",
    "ouranos.cloud/hypervisor": "",
    "ouranos.cloud/gateway": "",
}


@dataclass(frozen=True, slots=True)
class World:
    """A running solo cloud's parts."""

    api: apiserver.ApiServer
    node: engine_node.Node
    runner: controller.ControllerRunner
    images: images.Prefetch
    door: web.Server
    socket: socket.socket
    clock: seams.Clock

    async def run(self) -> None:
        """Run everything until cancelled; the first part that fails ends all."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.node.run)
            group.start_soon(controller.run_alone, self.runner)
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
        every = all_controllers()
        runner = controller.ControllerRunner(every, controller.Mirror(client, every, outside))
        api.asgi.token = cloud.token.read_text(encoding="utf-8").strip()
        listener, server = _door(cloud, place, api)
        fetch = images.Prefetch(
            held, ledger, place.release, cloud.cloud, node_name(cloud), client, outside
        )
        try:
            yield World(api, node, runner, fetch, server, listener, outside.clock)
        finally:
            await held.close()


def all_controllers() -> list[controller.Controller]:
    """Every controller of solo, the engine's and ours."""
    return [
        *workloads.controllers(),
        *services.controllers(),
        *backing.controllers(),
        *compute.controllers(),
    ]


def _door(
    cloud: paths.Paths, place: machine.Machine, api: apiserver.ApiServer
) -> tuple[socket.socket, web.Server]:
    """TLS on the host's address of the private bridge, and nowhere else."""
    files = tls.ensure(cloud.tls, str(place.host_address))
    return web.listen(str(place.host_address), door.API_PORT), web.server(api.asgi, files)


async def stop_everything(cloud: paths.Paths, place: machine.Machine, *, destroy: bool) -> None:
    """End every container, guest, mount and link of the cloud; with `destroy` its data too."""
    outside = seams.real()
    async with open_api(cloud, outside) as (_, client):
        held = store.ImageStore(cloud.images)
        node = make_node(cloud, place, client, held, outside)
        await (node.destroy() if destroy else node.shutdown())
    await asyncio.sleep(0)
