"""A real kube-apiserver that can be stopped, and the controllers' processes beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import httpx2

from ouranos.kit import cluster, errors, kinds, kubeconfig, objects
from ouranos.lab import authority, building, control, programs, settings

PATIENCE = 180.0
NAMESPACE = "ouranos-system"
LEASE = "ouranos-controllers"


@dataclass(frozen=True, slots=True)
class Alone(settings.Settings):
    """A lab without nodes: its API server is reached by loopback, so it needs no network."""

    @property
    def host(self) -> IPv4Address:
        return self.local

    @property
    def local(self) -> IPv4Address:
        return IPv4Address(f"127.30.{8 * self.number}.9")


class ControlPlane:
    """etcd and kube-apiserver."""

    def __init__(self, place: Alone) -> None:
        self.place = place
        self.source: cluster.Cluster | None = None
        self._etcd: subprocess.Popen[bytes] | None = None
        self._api: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        if self._etcd is None:
            self._etcd = self._started(control.etcd(self.place).argv)
        argv = control.api_server(self.place).argv
        self._api = self._started((*argv, "--endpoint-reconciler-type=none"))
        await eventually(self._answers)

    def stop_api(self) -> None:
        stop(self._api)
        self._api = None

    def stop(self) -> None:
        stop(self._api)
        stop(self._etcd)

    async def compact(self) -> None:
        """Have etcd forget everything but the present."""
        async with httpx2.AsyncClient(base_url=f"http://{self.place.local}:2379") as etcd:
            present = await etcd.post("/v3/kv/range", json={"key": "AA=="})
            revision = present.json()["header"]["revision"]
            body = {"revision": revision, "physical": True}
            (await etcd.post("/v3/kv/compaction", json=body)).raise_for_status()

    async def _answers(self) -> bool:
        with contextlib.suppress(errors.OuranosError):
            async with kubeconfig.connect(self.place.kubeconfig) as source:
                return await source.is_ready()
        return False

    def _started(self, argv: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with (self.place.folder / f"{Path(argv[0]).name}.log").open("ab") as log:
            return subprocess.Popen(argv, env=programs.ENVIRONMENT, stdout=log, stderr=log)


def stop(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None and process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[ControlPlane]:
    """Run a control plane for as long as the block lasts."""
    place = Alone(folder, settings.of_environment().cache, 6)
    place.folder.mkdir(parents=True)
    place.bin.symlink_to(await building.ensure(place.cache, print))
    authority.ensure(place, authority.control_plane(place))
    made = ControlPlane(place)
    try:
        await made.start()
        async with kubeconfig.connect(place.kubeconfig) as source:
            made.source = source
            yield made
    finally:
        made.stop()


class Controllers:
    """One process of the controllers."""

    def __init__(self, config: Path, log: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        words = ["--kubeconfig", str(config), "--namespace", NAMESPACE, "--address", "127.0.0.1"]
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ouranos.cluster", *words, "--port", str(self.port)],
                stdout=file,
                stderr=file,
                env={**os.environ, "OURANOS_LOG_LEVEL": "info"},
            )

    async def says(self, word: str, path: str = "/readyz") -> bool:
        with contextlib.suppress(httpx2.TransportError):
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
                return word in (await http.get(path, timeout=5)).text
        return False

    async def acts(self) -> bool:
        return await self.says("ok: acting")

    async def waits(self) -> bool:
        return await self.says(" acts")

    async def ended(self) -> int:
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    @property
    def runs(self) -> bool:
        return self.process.poll() is None


async def one_acts(processes: list[Controllers]) -> Controllers:
    """Wait until exactly one of the processes acts; return it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            acting = [one for one in processes if one.runs and await one.acts()]
            if len(acting) == 1:
                return acting[0]
            await asyncio.sleep(0.2)


async def holder(source: cluster.Cluster) -> str:
    found = await source.get(kinds.LEASE, LEASE, NAMESPACE)
    return str(objects.mapping(found or {}, "spec").get("holderIdentity") or "")


async def transitions(source: cluster.Cluster) -> int:
    found = await source.get(kinds.LEASE, LEASE, NAMESPACE)
    return int(objects.mapping(found or {}, "spec").get("leaseTransitions") or 0)
