"""Brings a cloud up on this machine, or finds that it is up; every step is decided by looking."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from ouranos.engine.apiserver import tls
from ouranos.kit import cluster, errors, kinds
from ouranos.solo import (
    bootstrap,
    clients,
    doctor,
    door,
    images,
    lock,
    machine,
    paths,
    processes,
    state,
    supervisor,
)

Say = Callable[[str], None]
_DOOR_PATIENCE = 60.0  # seconds for the daemon to answer
_LOOK_AGAIN = 0.3  # seconds


class RefusedError(Exception):
    """The cloud cannot be brought up as it is asked for; nothing was changed."""

    def __init__(self, findings: list[doctor.Finding]) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.findings = findings


class DeadlineError(Exception):
    """The cloud was not Ready in time; it goes on without us."""


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
        DeadlineError: not Ready within the timeout.
    """
    cloud = order.cloud
    place = _place(order)
    findings = [] if _running(cloud) else await asyncio.to_thread(doctor.examine, cloud, place)
    if findings:
        raise RefusedError(findings)
    await asyncio.to_thread(cloud.make_folder)
    async with _operation(cloud, order.timeout, say):
        _write_keys(cloud, place)
        await _start(cloud, place, say)
        async with door.connect(cloud) as api:
            await _door_answers(api)
            for document in order.documents:
                await api.apply(document)
            if not order.wait:
                return None
            reached = await _wait_ready(api, order, say)
            await clients.write(api, cloud)
            return reached


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

    def __init__(self, cloud: paths.Paths, timeout: float, say: Say) -> None:
        self._held = lock.Lock(cloud.operation_lock, "up")
        self._timeout = timeout
        self._say = say

    async def __aenter__(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._timeout
        told = ""
        while True:
            try:
                self._held.acquire()
            except lock.LockHeldError as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise DeadlineError(str(error)) from error
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
        say("daemon: runs already")
        return
    place.write(cloud)
    await asyncio.to_thread(supervisor.spawn, cloud)
    say(f"daemon: started, its log is {cloud.log}")


async def _door_answers(api: cluster.Cluster) -> None:
    deadline = asyncio.get_running_loop().time() + _DOOR_PATIENCE
    while True:
        try:
            if await api.get(kinds.CUSTOM_RESOURCE_DEFINITION, bootstrap.LAST_CRD) is not None:
                return
        except (httpx2.HTTPError, errors.Transient, OSError):
            if asyncio.get_running_loop().time() > deadline:
                raise
        if asyncio.get_running_loop().time() > deadline:
            raise DeadlineError("the daemon's API did not answer within a minute")
        await asyncio.sleep(0.1)


async def _wait_ready(api: cluster.Cluster, order: Order, say: Say) -> state.State:
    """Say each change of what is awaited, until Ready, stopped or late."""
    told: set[str] = set()
    message = ""
    try:
        async with asyncio.timeout(order.timeout):
            while True:
                await _tell_images(api, order.cloud.cloud, told, say)
                cloud = await _look(api, order.cloud.cloud)
                now = state.of_cloud(cloud) if cloud is not None else None
                if now is not None and (now.ready or now.stopped):
                    return now
                if now is not None and now.message != message:
                    say(now.message)
                    message = now.message
                await asyncio.sleep(_LOOK_AGAIN)
    except TimeoutError as error:
        raise DeadlineError(
            f"not Ready after {order.timeout:.0f} s: {message or 'nothing was told yet'}"
        ) from error


async def _tell_images(api: cluster.Cluster, name: str, told: set[str], say: Say) -> None:
    """Say which images have become ready since the last look."""
    try:
        found = await api.list(kinds.EVENT, name, fields=f"reason={images.READY}")
    except errors.Transient:
        return
    for each in found.items:
        if each["metadata"]["name"] not in told:
            told.add(each["metadata"]["name"])
            say(each["message"])


async def _look(api: cluster.Cluster, name: str) -> dict[str, Any] | None:
    """The Cloud, or None while the daemon is being started again."""
    try:
        return await api.get(kinds.CLOUD, name, name)
    except (httpx2.TransportError, errors.Transient):
        return None


async def stop_daemon(cloud: paths.Paths, *, patience: float = 60.0) -> None:
    """End the supervisor and the daemon; containers go on.

    Raises:
        DeadlineError: one of them does not end.
    """
    for path in (cloud.supervisor_lock, cloud.daemon_lock):
        pid = lock.holder_of(path)
        process = processes.Process.find(pid) if pid is not None else None
        if process is not None:
            process.signal(signal.SIGTERM)
            if not await asyncio.to_thread(process.wait, patience):
                raise DeadlineError(f"process {process.pid} does not end")


def now() -> datetime:
    """The time of day, for ages."""
    return datetime.now(UTC)
