"""A kube-apiserver with etcd on loopback, to be measured and compared with; no nodes, no network.

Asked by the bench and by the stories that need an API server and no nodes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2

from ouranos.bench import machine
from ouranos.kit import kubeconfig
from ouranos.lab import authority, building, control, programs, settings
from ouranos.lab.settings import Settings

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 120.0
_LOOK: Final = 0.02
_ENDING: Final = 20.0
_PAST: Final = 20
_CONTROLLERS: Final = "garbage-collector-controller,namespace-controller"
"""What the embedded API does itself; others would write between the calls that are compared."""


class PlaneError(Exception):
    """The control plane did not start; the message says where its logs are."""


@dataclass(slots=True)
class Plane:
    """A control plane that runs.

    Attributes:
        place: where it is, as a lab without nodes.
        client: the port of etcd.
        server: the port of kube-apiserver.
        ready: seconds from the start of etcd until /readyz.
        ready_cpu: CPU seconds of both processes until then.
    """

    place: Settings
    client: int
    server: int
    ready: float = 0.0
    ready_cpu: float = 0.0
    _processes: dict[str, asyncio.subprocess.Process] = field(
        default_factory=dict[str, asyncio.subprocess.Process]
    )

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.place.authority / "admin.kubeconfig"

    @property
    def kubectl(self) -> Path:
        """The program."""
        return self.place.bin / "kubectl"

    @property
    def etcd(self) -> str:
        """Where etcd answers who has no certificate."""
        return f"http://{_HOST}:{self.client}"

    def cpu(self) -> float:
        """CPU seconds that kube-apiserver and etcd have used."""
        asked = (control.ETCD, control.API_SERVER)
        return sum(machine.cpu_of(self._processes[name].pid).own for name in asked)

    async def serve(self) -> None:
        """Start kube-apiserver, for the first time or again, and return when it is ready.

        Raises:
            PlaneError: it did not become ready.
        """
        await self.start(control.API_SERVER, _server(self))
        await self.answers(f"https://{_HOST}:{self.server}", "/readyz")

    async def answers(self, address: str, path: str) -> None:
        """Return when one of its processes says that it is well.

        Raises:
            PlaneError: it does not in time, or a process has ended.
        """
        trust = kubeconfig.read(self.kubeconfig).trust
        deadline = time.monotonic() + _PATIENCE
        async with httpx2.AsyncClient(base_url=address, verify=trust, trust_env=False) as client:
            while time.monotonic() < deadline:
                if ended := self.ended():
                    said = _tail(self.place, ended[0])
                    raise PlaneError(f"{', '.join(ended)} ended; its log: {said}")
                try:
                    if (await client.get(path)).is_success:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(_LOOK)
        raise PlaneError(f"{address} was not ready after {_PATIENCE:.0f} s")

    async def start(self, name: str, argv: Sequence[str]) -> None:
        """Start one of its processes."""
        folder = self.place.folder
        log = os.open(folder / f"{name}.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        try:
            self._processes[name] = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                env=programs.ENVIRONMENT,
            )
        finally:
            os.close(log)

    def ended(self) -> list[str]:
        """Name the processes that run no more."""
        return [name for name, one in self._processes.items() if one.returncode is not None]

    async def end(self, name: str) -> None:
        """End one of its processes."""
        process = self._processes.pop(name)
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_ENDING):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def stop(self) -> None:
        """End all of them, the last one first."""
        for name in reversed(tuple(self._processes)):
            await self.end(name)


@contextlib.asynccontextmanager
async def running(
    programs_folder: Path, folder: Path, *, controllers: bool = True, aged: bool = False
) -> AsyncGenerator[Plane]:
    """Hold a control plane open; everything of it is in a folder that goes with it.

    Args:
        programs_folder: where `building.ensure` has put the programs.
        folder: where to make it.
        controllers: whether the garbage collector and the namespace controller run too.
        aged: whether etcd has a past, so that its first versions are forgotten.

    Raises:
        PlaneError: it did not become ready.
    """
    with tempfile.TemporaryDirectory(dir=folder) as made:
        place = Settings(root=Path(made))
        place.folder.mkdir(parents=True)
        place.bin.symlink_to(programs_folder)
        authority.ensure(place, authority.control_plane(place))
        client, peer, server = _free_ports(3)
        for name in ("admin", "controller-manager"):
            text = authority.kubeconfig(f"https://{_HOST}:{server}", place.authority, name)
            (place.authority / f"{name}.kubeconfig").write_text(text, encoding="utf-8")
        plane = Plane(place, client, server)
        try:
            begun = time.monotonic()
            await plane.start(control.ETCD, _etcd(plane, peer))
            await plane.answers(plane.etcd, "/health")
            if aged:
                await _age(plane)
            await plane.serve()
            plane.ready, plane.ready_cpu = time.monotonic() - begun, plane.cpu()
            if controllers:
                await plane.start("kube-controller-manager", _manager(place))
            yield plane
        finally:
            await plane.stop()


def _instead(argv: Sequence[str], *flags: str) -> tuple[str, ...]:
    """Put flags in the place of those of the same name: a list given twice would be joined."""
    named = {flag.partition("=")[0] for flag in flags}
    return (*(one for one in argv if one.partition("=")[0] not in named), *flags)


def _etcd(plane: Plane, peer: int) -> tuple[str, ...]:
    theirs = f"http://{_HOST}:{peer}"
    return _instead(
        control.etcd(plane.place).argv,
        f"--listen-client-urls={plane.etcd}",
        f"--advertise-client-urls={plane.etcd}",
        f"--listen-peer-urls={theirs}",
        f"--initial-advertise-peer-urls={theirs}",
        f"--initial-cluster=lab={theirs}",
        "--log-level=warn",
    )


def _server(plane: Plane) -> tuple[str, ...]:
    return _instead(
        control.api_server(plane.place).argv,
        f"--etcd-servers={plane.etcd}",
        f"--bind-address={_HOST}",
        f"--advertise-address={_HOST}",
        f"--secure-port={plane.server}",
        "--endpoint-reconciler-type=none",
        # Pods need no account here: nobody runs them.
        "--disable-admission-plugins=ServiceAccount",
    )


def _manager(place: Settings) -> tuple[str, ...]:
    more = (f"--controllers={_CONTROLLERS}", f"--bind-address={_HOST}", "--secure-port=0")
    return _instead(control.controller_manager(place).argv, *more)


async def _age(plane: Plane) -> None:
    entry = {"key": "cGFzdA==", "value": ""}
    async with httpx2.AsyncClient(base_url=plane.etcd, trust_env=False) as etcd:
        for _ in range(_PAST):
            (await etcd.post("/v3/kv/put", json=entry)).raise_for_status()


def _tail(place: Settings, name: str) -> str:
    text = (place.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    return text[-1500:]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((_HOST, 0))
        return [one.getsockname()[1] for one in sockets]


async def programs_of_this_machine() -> Path:
    """Return the folder of Kubernetes' programs, compiled now if they are not there."""
    return await building.ensure(settings.of_environment().cache, lambda _: None)
