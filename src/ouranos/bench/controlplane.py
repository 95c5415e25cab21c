"""A kube-apiserver with etcd on loopback, to be measured and compared with; no nodes, no network.

Asked by the ratios of the bench and by the stories that try the laws on both servers.
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
        kubeconfig: the administrator's.
        ready: seconds from the start of etcd until /readyz.
        ready_cpu: CPU seconds of both processes until then.
    """

    kubeconfig: Path
    ready: float = 0.0
    ready_cpu: float = 0.0
    _processes: dict[str, asyncio.subprocess.Process] = field(
        default_factory=dict[str, asyncio.subprocess.Process]
    )

    def cpu(self) -> float:
        """CPU seconds that kube-apiserver and etcd have used."""
        asked = (control.ETCD, control.API_SERVER)
        return sum(machine.cpu_of(self._processes[name].pid).own for name in asked)

    async def start(self, name: str, argv: Sequence[str], folder: Path) -> None:
        """Start one of its processes."""
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

    async def stop(self) -> None:
        """End all of them, the last one first."""
        for process in reversed(self._processes.values()):
            if process.returncode is None:
                process.terminate()
                try:
                    async with asyncio.timeout(_ENDING):
                        await process.wait()
                except TimeoutError:
                    process.kill()
                    await process.wait()


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
        plane = Plane(place.authority / "admin.kubeconfig")
        try:
            begun = time.monotonic()
            await plane.start(control.ETCD, _etcd(place, client, peer), place.folder)
            await _answers(plane, place, f"http://{_HOST}:{client}", "/health")
            if aged:
                await _age(client)
            await plane.start(control.API_SERVER, _server(place, client, server), place.folder)
            await _answers(plane, place, f"https://{_HOST}:{server}", "/readyz")
            plane.ready, plane.ready_cpu = time.monotonic() - begun, plane.cpu()
            if controllers:
                await plane.start("kube-controller-manager", _manager(place), place.folder)
            yield plane
        finally:
            await plane.stop()


def _instead(argv: Sequence[str], *flags: str) -> tuple[str, ...]:
    """Put flags in the place of those of the same name: a list given twice would be joined."""
    named = {flag.partition("=")[0] for flag in flags}
    return (*(one for one in argv if one.partition("=")[0] not in named), *flags)


def _etcd(place: Settings, client: int, peer: int) -> tuple[str, ...]:
    own, theirs = f"http://{_HOST}:{client}", f"http://{_HOST}:{peer}"
    return _instead(
        control.etcd(place).argv,
        f"--listen-client-urls={own}",
        f"--advertise-client-urls={own}",
        f"--listen-peer-urls={theirs}",
        f"--initial-advertise-peer-urls={theirs}",
        f"--initial-cluster=lab={theirs}",
        "--log-level=warn",
    )


def _server(place: Settings, client: int, port: int) -> tuple[str, ...]:
    return _instead(
        control.api_server(place).argv,
        f"--etcd-servers=http://{_HOST}:{client}",
        f"--bind-address={_HOST}",
        f"--advertise-address={_HOST}",
        f"--secure-port={port}",
        "--endpoint-reconciler-type=none",
        # Pods need no account here: nobody runs them.
        "--disable-admission-plugins=ServiceAccount",
    )


def _manager(place: Settings) -> tuple[str, ...]:
    more = (f"--controllers={_CONTROLLERS}", f"--bind-address={_HOST}", "--secure-port=0")
    return _instead(control.controller_manager(place).argv, *more)


async def _age(port: int) -> None:
    entry = {"key": "cGFzdA==", "value": ""}
    async with httpx2.AsyncClient(base_url=f"http://{_HOST}:{port}", trust_env=False) as etcd:
        for _ in range(_PAST):
            (await etcd.post("/v3/kv/put", json=entry)).raise_for_status()


async def _answers(plane: Plane, place: Settings, address: str, path: str) -> None:
    """Wait until the newest of the processes says that it is well."""
    trust = kubeconfig.read(plane.kubeconfig).trust
    deadline = time.monotonic() + _PATIENCE
    async with httpx2.AsyncClient(base_url=address, verify=trust, trust_env=False) as client:
        while time.monotonic() < deadline:
            if ended := plane.ended():
                raise PlaneError(f"{', '.join(ended)} ended; its log: {_tail(place, ended[0])}")
            try:
                if (await client.get(path)).is_success:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(_LOOK)
    raise PlaneError(f"{address} was not ready after {_PATIENCE:.0f} s")


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
