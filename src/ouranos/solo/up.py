"""Brings a cloud up on this machine, or finds that it is up; every step is decided by looking."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ouranos.engine.apiserver import tls
from ouranos.look import state
from ouranos.solo import (
    clients,
    doctor,
    door,
    lock,
    machine,
    paths,
    processes,
    supervisor,
    waiting,
)

Say = Callable[[str], None]


class RefusedError(Exception):
    """The cloud cannot be brought up as it is asked for; nothing was changed."""

    def __init__(self, findings: list[doctor.Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked `up` for."""

    cloud: paths.Paths
    documents: list[dict[str, Any]]  # empty: bring up again what the state folder holds
    wait: bool
    timeout: float  # seconds


async def bring_up(order: Order, say: Say) -> state.State | None:
    """Run all steps; the state that was reached, or None when not waiting.

    Raises:
        RefusedError: a check found something; nothing was changed.
        waiting.DeadlineError: not Ready within the timeout.
    """
    cloud = order.cloud
    place, findings = await asyncio.to_thread(examine, order)
    if findings:
        raise RefusedError(findings)
    await asyncio.to_thread(cloud.make_folder)
    deadline = asyncio.get_running_loop().time() + order.timeout
    async with _operation(cloud, deadline, say):
        _write_keys(cloud, place)
        await _start(cloud, place, say)
        async with door.connect(cloud) as api:
            watch = waiting.Watch(cloud, place, api, say)
            await watch.door_answers(deadline)
            for document in order.documents:
                await api.apply(document)
            if not order.wait:
                return None
            reached = await watch.ready(deadline)
            await clients.write(api, cloud)
            return reached


def examine(order: Order) -> tuple[machine.Machine, list[doctor.Finding]]:
    """The cloud's place on this machine, and what keeps it from there; changes nothing.

    Raises:
        RefusedError: there is no such cloud, or its place cannot change as its file says.
    """
    place = _place(order)
    return place, [] if _running(order.cloud) else doctor.examine(order.cloud, place)


def _place(order: Order) -> machine.Machine:
    """The networks of the order; those of a cloud that exists cannot change."""
    known = machine.Machine.read(order.cloud)
    clouds = [each for each in order.documents if each["kind"] == "Cloud"]
    asked = machine.Machine.of_cloud(clouds[0]) if clouds else None
    if asked is None and known is None:
        message = f"there is no cloud {order.cloud.cloud} on this machine yet"
        hint = "name its file: ouranos up examples/solo.yaml"
        raise RefusedError([doctor.Finding("file", message, hint)])
    if known is None or not order.cloud.database.exists():
        return asked or known or machine.DEFAULT
    if asked is not None and (findings := list(_moved(order.cloud.cloud, known, asked))):
        raise RefusedError(findings)
    return known


def _moved(name: str, known: machine.Machine, asked: machine.Machine) -> Iterator[doctor.Finding]:
    """Each network of the cloud that the file would change."""
    for label in ("management", "public", "mtu"):
        was, would = getattr(known, label), getattr(asked, label)
        if was != would:
            yield doctor.Finding(
                "immutable",
                f"spec.network.{label} of {name} is {was} and cannot become {would}: "
                "running guests and agents depend on it",
                f"keep it, or start anew: ouranos down --destroy --cloud {name}",
            )


def _running(cloud: paths.Paths) -> bool:
    return lock.holder_of(cloud.daemon_lock) is not None


class _operation:  # noqa: N801 - reads as a statement: async with _operation(...)
    """Holds the cloud's operation lock; says who has it while waiting for it."""

    def __init__(self, cloud: paths.Paths, deadline: float, say: Say) -> None:
        self._held = lock.Lock(cloud.operation_lock, "up")
        self._deadline = deadline
        self._say = say

    async def __aenter__(self) -> None:
        told = ""
        while True:
            try:
                self._held.acquire()
            except lock.LockHeldError as error:
                if asyncio.get_running_loop().time() > self._deadline:
                    raise waiting.DeadlineError(str(error)) from error
                if error.holder != told:
                    self._say(f"waiting for {error.holder or 'another operation'} to finish")
                    told = error.holder
                await asyncio.sleep(0.5)
            else:
                return

    async def __aexit__(self, *exception: object) -> None:
        self._held.release()


def _write_keys(cloud: paths.Paths, place: machine.Machine) -> None:
    """The door's token, its certificate and the kubeconfig."""
    if not cloud.token.exists():
        paths.write_private(cloud.token, secrets.token_urlsafe(32) + "\n")
    files = tls.ensure(cloud.tls, str(place.host_address))
    text = tls.kubeconfig(
        server=f"https://{place.host_address}:{door.API_PORT}",
        authority=files.authority.read_bytes(),
        token=cloud.token.read_text(encoding="utf-8").strip(),
        name=cloud.cloud,
        namespace=cloud.cloud,
    )
    if not cloud.kubeconfig.exists() or cloud.kubeconfig.read_text(encoding="utf-8") != text:
        paths.write_private(cloud.kubeconfig, text)


async def _start(cloud: paths.Paths, place: machine.Machine, say: Say) -> None:
    """Start the supervisor, and with it the daemon, unless they run."""
    if _running(cloud):
        said = "daemon: runs already"
    else:
        place.write(cloud)
        said = f"daemon: started, its log is {cloud.log}"
    await asyncio.to_thread(supervisor.ensure, cloud)
    say(said)


async def stop_daemon(cloud: paths.Paths, *, patience: float = 60.0) -> None:
    """End the supervisor and the daemon; containers go on.

    Raises:
        waiting.DeadlineError: one of them does not end.
    """
    for path in (cloud.supervisor_lock, cloud.daemon_lock):
        pid = lock.holder_of(path)
        process = processes.Process.find(pid) if pid is not None else None
        if process is not None:
            process.signal(signal.SIGTERM)
            if not await asyncio.to_thread(process.wait, patience):
                raise waiting.DeadlineError(f"process {process.pid} does not end")


def now() -> datetime:
    """The time of day, for ages."""
    return datetime.now(UTC)
