"""A real node with real images, and some rooms' controllers, for stories without a whole cloud."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx2
import tests_cloud

from ouranos import services
from ouranos.engine import workloads
from ouranos.engine.apiserver import server
from ouranos.engine.node import config, node
from ouranos.images import store
from ouranos.kit import cluster, conditions, controller, kinds, objects, seams
from ouranos.kit.objects import Kind

HOME = "home"
RELEASE = "2026.2"
ROLES = ("control-plane", "hypervisor", "gateway")


@dataclass
class Engine:
    """A running API and node, driven by objects."""

    client: cluster.Cluster
    told: config.NodeConfig
    task: asyncio.Task[Any]

    async def apply(self, kind: Kind, name: str, **content: Any) -> objects.Object:
        metadata = {"name": name, "namespace": HOME, **content.pop("metadata", {})}
        return await self.client.apply(
            {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **content}
        )

    async def secret(self, name: str, **values: str) -> None:
        data = {key: base64.b64encode(one.encode()).decode() for key, one in values.items()}
        await self.apply(kinds.SECRET, name, data=data)

    async def get(self, kind: Kind, name: str) -> objects.Object:
        found = await self.client.get(kind, name, HOME)
        assert found is not None, f"{kind.kind} {name}"
        return found

    async def secret_of(self, name: str) -> dict[str, str]:
        found = await self.get(kinds.SECRET, name)
        return {key: base64.b64decode(one).decode() for key, one in found["data"].items()}

    async def until(
        self, look: Callable[[], Awaitable[Any]], what: str, seconds: float = 60
    ) -> Any:
        try:
            async with asyncio.timeout(seconds):
                while not (found := await look()):
                    if self.task.done():
                        self.task.result()
                    await asyncio.sleep(0.1)
                return found
        except TimeoutError:
            raise AssertionError(f"{what}: not within {seconds} s") from None

    async def until_said(
        self, kind: Kind, name: str, condition: str, status: str, *said: str, seconds: float = 60
    ) -> None:
        async def look() -> bool:
            found = conditions.find(conditions.of(await self.get(kind, name)), condition) or {}
            told = str(found.get("message"))
            return found.get("status") == status and all(one in told for one in said)

        await self.until(look, f"{kind.kind} {name}: {condition} {status} {said}", seconds)

    async def ready(self, kind: Kind, name: str, seconds: float = 60) -> None:
        await self.until_said(kind, name, "Ready", "True", seconds=seconds)

    async def wake(self, kind: Kind, name: str) -> None:
        """Have an object looked at now, not at its next resync."""
        stamp = {"metadata": {"annotations": {f"{kinds.GROUP}/woken": os.urandom(4).hex()}}}
        await self.client.patch(kind, name, HOME, stamp)

    async def run(self, name: str, image: str, script: str, **spec: Any) -> str:
        """Run a script in a pod on the node to its end, and return what it said."""
        container = {
            "name": "main",
            "image": f"ouranos.cloud/{image}:{RELEASE}",
            "command": ["sh", "-c", script],
            "volumeMounts": spec.pop("mounts", []),
        }
        told = {"nodeName": self.told.name, "restartPolicy": "Never", "containers": [container]}
        await self.apply(kinds.POD, name, spec={**told, **spec})

        async def look() -> Any:
            found = await self.get(kinds.POD, name)
            phase = found.get("status", {}).get("phase")
            return phase if phase in {"Succeeded", "Failed"} else None

        phase = await self.until(look, f"{name} to end")
        text = b"".join([chunk async for chunk in self.client.logs(name, HOME)]).decode()
        await self.client.delete(kinds.POD, name, HOME, grace_seconds=0)
        assert phase == "Succeeded", text
        return text

    def processes(self, word: str, group: str = "pods") -> list[int]:
        """PIDs of the node's own processes whose command line holds a word; never another's."""
        found: list[int] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                mine = f"{self.told.cgroup_parent}/{group}" in (folder / "cgroup").read_text()
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if mine and word in words:
                found.append(int(folder.name))
        return sorted(found)

    def kill(self, word: str) -> None:
        """Kill -9 the first of the node's processes whose command line holds a word."""
        os.kill(self.processes(word)[0], signal.SIGKILL)


def node_of(folder: Path) -> config.NodeConfig:
    """Return a node that is named by its folder, so that no two share a bridge."""
    tag = zlib.crc32(str(folder).encode())
    network = IPv4Network(f"172.29.{tag % 250}.0/24")
    return config.NodeConfig(
        name="hv1",
        directory=folder / "node",
        bridge=f"on{tag:08x}",
        network=network,
        address=network[2],
        host_address=network[1],
        labels={f"ouranos.cloud/{one}": "" for one in ROLES},
    )


@asynccontextmanager
async def running(
    folder: Path, controllers: Sequence[controller.Controller]
) -> AsyncGenerator[Engine]:
    """Run a node of its own beside whatever else the machine runs, and leave nothing of it."""
    told = node_of(folder)
    given = seams.real()
    api = await server.ApiServer.open(None, given)
    images = store.ImageStore(tests_cloud.ROOT / "images")
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
        client = cluster.Cluster(http, manager="test")
        for needed in (*services.definitions(), *services.priority_classes()):
            await client.apply(needed)
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
        machine = node.Node(told, client, images, given)
        api.pod_logs = machine.logs
        every = [*workloads.controllers(), *controllers]
        runner = controller.ControllerRunner(every, controller.Mirror(client, every, given))
        running = (machine.run(), controller.run_alone(runner))
        work = [asyncio.create_task(one) for one in running]
        try:
            yield Engine(client, told, work[0])
        finally:
            work[1].cancel()
            await machine.destroy()
            await asyncio.gather(*work, return_exceptions=True)
            await images.close()
            await api.close()
