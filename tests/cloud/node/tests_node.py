"""What the node's stories share: an API in memory, real nodes, one small image."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx2
import pyroute2
from pyroute2.nftables import main as nftables

from ouranos.engine.apiserver import server
from ouranos.engine.node import config, identity, node
from ouranos.images import apt, processes
from ouranos.kit import cluster, errors, kinds, seams

IMAGE = "ouranos.cloud/small:1"
PACKAGES = "catatonit,busybox,python3-minimal,libpython3-stdlib,iproute2"
SHELL = "/bin/sh"
TOKEN = "of-the-test"


@dataclass(frozen=True)
class Image:
    layers: tuple[Path, ...]
    digest: str = "sha256:small"
    env: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/bin:/bin", "FROM_IMAGE": "yes"}
    )


@dataclass
class Images:
    """An image source with one image; some references are missing until they are not."""

    root: Path
    missing: set[str] = field(default_factory=set)

    async def ensure(self, reference: str) -> Image:
        if reference in self.missing:
            raise errors.Transient(f"no such image: {reference}")
        return Image((self.root,))


def small_root(folder: Path) -> Path:
    """Extract the small image once; an interrupted extraction is done again."""
    root = folder / "root"
    if not (folder / "done").exists():
        shutil.rmtree(root, ignore_errors=True)
        archive = asyncio.run(apt.host_archive(processes.Patience()))
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                "mmdebstrap",
                "--variant=extract",
                "--mode=root",
                "--include=?essential",
                f"--include={PACKAGES}",
                "--format=directory",
                "trixie",
                str(root),
                f"deb [signed-by={apt.KEYRING}] {archive.main} trixie main",
            ],
            check=True,
            capture_output=True,
        )
        (root / "etc/passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\nsmall:x:5001:5002:small:/home/small:/bin/sh\n"
        )
        (root / "etc/group").write_text("root:x:0:\nsmall:x:5002:\nextra:x:5003:small\n")
        (folder / "done").touch()
    return root


def node_config(folder: Path, number: int = 1, **more: Any) -> config.NodeConfig:
    """Return the configuration of one of a cloud's nodes; the cloud is named by its folder."""
    tag = zlib.crc32(str(folder).encode())
    network = IPv4Network(f"172.29.{tag % 250}.0/24")
    return config.NodeConfig(
        name=f"node-{number}",
        directory=folder / f"node-{number}",
        bridge=f"on{tag:08x}",
        network=network,
        address=network[10 + number],
        host_address=network[1],
        labels={"ouranos.cloud/hypervisor": ""},
        public=more.pop("public", ()),
        longest_backoff=more.pop("longest_backoff", 0.2),
        **more,
    )


@dataclass
class Engine:
    """A running API and node, driven by objects."""

    client: cluster.Cluster
    server: server.ApiServer
    images: Images
    told: config.NodeConfig
    node: node.Node
    task: asyncio.Task[None]

    async def create(self, name: str, command: list[str] | str, **more: Any) -> dict[str, Any]:
        """Create a pod of one container; `c_…` are the container's fields, others the pod's."""
        words = [SHELL, "-c", command] if isinstance(command, str) else command
        own = {key[2:]: more.pop(key) for key in list(more) if key.startswith("c_")}
        container = {"name": "main", "image": IMAGE, "command": words, **own}
        spec = {
            "nodeName": self.told.name,
            "terminationGracePeriodSeconds": 2,
            "containers": [container],
            **more,
        }
        return await self.client.create(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
                "spec": spec,
            }
        )

    async def pod(self, name: str) -> dict[str, Any] | None:
        return await self.client.get(kinds.POD, name, "default")

    async def until(
        self, look: Callable[[], Awaitable[Any]], what: str, seconds: float = 20
    ) -> Any:
        try:
            async with asyncio.timeout(seconds):
                while not (found := await look()):
                    if self.task.done():
                        self.task.result()
                    await asyncio.sleep(0.02)
                return found
        except TimeoutError:
            pods = [one.get("status") for one in (await self.client.list(kinds.POD)).items]
            raise AssertionError(f"{what}: not within {seconds} s; {pods}") from None

    async def phase(self, name: str, phase: str, seconds: float = 20) -> dict[str, Any]:
        async def look() -> Any:
            found = await self.pod(name)
            return found if found and found.get("status", {}).get("phase") == phase else None

        return await self.until(look, f"{name} to be {phase}", seconds)

    async def ready(self, name: str, seconds: float = 20) -> dict[str, Any]:
        async def look() -> Any:
            found = await self.pod(name) or {}
            states = found.get("status", {}).get("conditions", [])
            return (
                found
                if {"Ready": "True"} in [{one["type"]: one["status"]} for one in states]
                else 0
            )

        return await self.until(look, f"{name} to be ready", seconds)

    async def gone(self, name: str, seconds: float = 20) -> None:
        async def look() -> bool:
            return await self.pod(name) is None

        await self.until(look, f"{name} to be gone", seconds)

    async def said(self, name: str, text: str = "", **more: Any) -> str:
        """Return what a container has said, once it contains `text`."""

        async def look() -> str:
            try:
                chunks = [chunk async for chunk in self.client.logs(name, "default", **more)]
            except (errors.ApiError, LookupError):
                return ""
            found = b"".join(chunks).decode()
            return found if text in found else ""

        return await self.until(look, f"{name} to say {text!r}")

    async def result(self, name: str, command: list[str] | str, **more: Any) -> str:
        """Run a pod to its end, and return what it said."""
        await self.create(name, command, restartPolicy="Never", **more)

        async def look() -> Any:
            found = await self.pod(name) or {}
            phase = found.get("status", {}).get("phase")
            return phase if phase in {"Succeeded", "Failed"} else None

        phase = await self.until(look, f"{name} to end")
        chunks = [chunk async for chunk in self.client.logs(name, "default")]
        text = b"".join(chunks).decode()
        assert phase == "Succeeded", (text, (await self.pod(name) or {}).get("status"))
        return text

    async def events(self, reason: str) -> list[str]:
        found = (await self.client.list(kinds.EVENT, "default")).items
        return [one["message"] for one in found if one["reason"] == reason]

    async def apply(self, kind: str, name: str, **content: Any) -> dict[str, Any]:
        return await self.client.apply(
            {
                "apiVersion": "v1",
                "kind": kind,
                "metadata": {"name": name, "namespace": "default"},
                **content,
            }
        )

    async def ready_node(self, name: str = "") -> dict[str, Any]:
        async def look() -> Any:
            found = await self.client.get(kinds.NODE, name or self.told.name) or {}
            states = found.get("status", {}).get("conditions", [])
            return (
                found
                if {"Ready": "True"} in [{one["type"]: one["status"]} for one in states]
                else 0
            )

        return await self.until(look, "the node to be ready")

    async def leave(self) -> None:
        """End the supervisor; containers go on."""
        await self.node.stop(keep_running=True)
        await asyncio.gather(self.task, return_exceptions=True)

    async def come_back(self) -> None:
        """Start a new supervisor on the same folder."""
        self.node = node.Node(self.told, self.client, self.images, seams.real())
        self.server.pod_logs = self.node.logs
        self.task = asyncio.create_task(self.node.run())


@asynccontextmanager
async def running(told: config.NodeConfig, images: Images) -> AsyncIterator[Engine]:
    """Run an API in memory and one node; afterwards nothing is left of either."""
    given = seams.real()
    api = await server.ApiServer.open(None, given)
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
        client = cluster.Cluster(http, manager="test")
        one = node.Node(told, client, images, given)
        api.pod_logs = one.logs
        engine = Engine(client, api, images, told, one, asyncio.create_task(one.run()))
        try:
            yield engine
        finally:
            await engine.node.destroy()
            await asyncio.gather(engine.task, return_exceptions=True)
            await api.close()


def container_processes(folder: Path) -> dict[int, str]:
    """Return the processes that name the folder in their arguments."""
    found: dict[int, str] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                text = Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, UnicodeDecodeError):
                continue
            if str(folder) in text:
                found[int(entry.name)] = text
    return found


def init_of(status: dict[str, Any], told: config.NodeConfig, index: int = 0) -> identity.Identity:
    """Return the first process of a running container."""
    identifier = status["containerStatuses"][index]["containerID"].partition("://")[2]
    pid = int((told.layout.container(identifier) / "init.pid").read_text())
    found = identity.of(pid)
    assert found is not None
    return found


def make_stranger(name: str, network: IPv4Network) -> None:
    """Make a bridge that is nobody's of ours, with an address of the network."""
    with pyroute2.IPRoute() as links:
        links.link("add", ifname=name, kind="bridge")
        index = links.link_lookup(ifname=name)[0]
        links.addr("add", index=index, address=str(network[7]), prefixlen=28)


def own_addresses() -> list[str]:
    """Return the host's addresses of version 4, without those of clouds."""
    with pyroute2.IPRoute() as kernel:
        links = {link["index"]: link.get("ifalias") or "" for link in kernel.get_links()}
        return [
            str(one.get("address"))
            for one in kernel.get_addr(family=2)
            if one["prefixlen"] < 32 and not links.get(one["index"], "").startswith("ouranos:")
        ]


def has_link(name: str) -> bool:
    with pyroute2.IPRoute() as links:
        return bool(links.link_lookup(ifname=name))


def remove_stranger(name: str) -> None:
    with pyroute2.IPRoute() as links:
        links.link("del", index=links.link_lookup(ifname=name)[0])


def host(folder: Path) -> dict[str, Any]:
    """Return everything of the host that a node below the folder could leave something in.

    What other clouds on this machine do meanwhile is left out, where it can be told apart.
    """
    marks = [node_config(folder / name).bridge for name in ("cloud", "other")]

    def ours(names: Iterable[Any]) -> list[str]:
        return sorted(str(name) for name in names if any(mark in str(name) for mark in marks))

    with pyroute2.IPRoute() as kernel:
        links = {link["index"]: link.get("ifname") for link in kernel.get_links()}
        routes = kernel.get_routes(family=2, table=254)
        ways = [f"{route.get('dst')} {links.get(route.get('oif'))}" for route in routes]
    with nftables.NFTables(nfgen_family=1) as kernel:
        tables = [one.get("name") for one in kernel.get_tables()]
    groups = [current for current, _, _ in os.walk("/sys/fs/cgroup") if "ouranos" in current]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    return {
        "links": ours(links.values()),
        "routes": ours(ways),
        "tables": ours(tables),
        "cgroups": ours(groups),
        "mounts": [line for line in mounts if str(folder) in line],
        "namespaces": _namespaces(folder),
        "processes": container_processes(folder),
    }


def _namespaces(folder: Path) -> list[str]:
    """Return the mount namespaces that have something of the folder mounted."""
    found: set[str] = set()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if str(folder) in Path(entry.path, "mountinfo").read_text():
                    found.add(str(Path(entry.path, "ns/mnt").readlink()))
            except OSError:
                continue
    return sorted(found)
