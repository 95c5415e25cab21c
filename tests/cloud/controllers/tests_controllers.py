"""A real kube-apiserver that can be stopped, and the controllers' processes beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2

from ouranos.bench import controlplane
from ouranos.kit import cluster, kinds, objects

PATIENCE = 180.0
NAMESPACE = "ouranos-system"
LEASE = "ouranos-controllers"


async def compact(plane: controlplane.Plane) -> None:
    """Have etcd forget everything but the present."""
    async with httpx2.AsyncClient(base_url=plane.etcd) as etcd:
        present = await etcd.post("/v3/kv/range", json={"key": "AA=="})
        revision = present.json()["header"]["revision"]
        body = {"revision": revision, "physical": True}
        (await etcd.post("/v3/kv/compaction", json=body)).raise_for_status()


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
