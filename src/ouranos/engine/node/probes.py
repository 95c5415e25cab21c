"""Is a container well? A connection costs no process, a command one `runc exec`.

As a kubelet's, with two differences. Until a startup or readiness probe has succeeded for the
first time it is tried more often than its period, so that a pod is seen to be ready soon after it
is; failures are counted by the period. And a liveness probe that asks the same as the readiness
probe takes a success of that for its own, so that an idle machine idles.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final

from ouranos.engine.node import lifecycle
from ouranos.kit import errors, objects, seams

_QUICK: Final = 0.1
_QUICK_COMMAND: Final = 0.5
_SLOWEST_QUICK: Final = 1.0
_GROWTH: Final = 1.5
_LINE_LIMIT: Final = 8192
_OK: Final = range(200, 400)
_SORTS: Final = ("httpGet", "tcpSocket", "exec")
_LEAST_PARTS: Final = 2


@dataclass(frozen=True, slots=True)
class Result:
    """What one probe found."""

    passed: bool
    text: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """How a container is reached.

    Attributes:
        address: where its ports are. ports: the container's named ports. connect: opens a TCP
        connection from inside the node; used for a probe's own `host` on loopback. execute: runs
        a command in the container: command and seconds in, exit code and output out.
    """

    address: str
    ports: dict[str, int]
    connect: Callable[[str, int], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
    execute: Callable[[list[str], float], Awaitable[tuple[int, str]]]

    def port(self, value: int | str) -> int:
        """Return a port's number."""
        return self.ports.get(str(value)) or int(value)


def is_supported(probe: objects.Object) -> bool:
    """Whether the node can do what the probe asks for."""
    return any(sort in probe for sort in _SORTS)


async def check(probe: objects.Object, target: Target) -> Result:
    """Do once what a probe (or a hook) asks for, within its `timeoutSeconds`."""
    seconds = float(probe.get("timeoutSeconds") or 1)
    if not is_supported(probe):
        return Result(passed=False, text="this node has only httpGet, tcpSocket and exec probes")
    try:
        if "exec" in probe:
            code, output = await target.execute(list(probe["exec"].get("command") or ()), seconds)
            return Result(code == 0, output.strip() or f"command exited with {code}")
        async with asyncio.timeout(seconds):
            if "httpGet" in probe:
                return await _http(probe["httpGet"], target)
            told = probe["tcpSocket"]
            _, writer = await _open(told.get("host") or "", target.port(told["port"]), target)
            await _close(writer)
            return Result(passed=True)
    except TimeoutError:
        return Result(passed=False, text=f"no answer within {seconds:g} s")
    except (errors.Transient, OSError, ValueError, asyncio.IncompleteReadError) as error:
        return Result(passed=False, text=str(error) or type(error).__name__)


async def _open(
    host: str, port: int, target: Target, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if host in {"localhost", "127.0.0.1", "::1"}:
        return await target.connect("127.0.0.1", port)
    return await asyncio.open_connection(host or target.address, port, ssl=tls)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _http(told: objects.Object, target: Target) -> Result:
    tls = None
    if str(told.get("scheme") or "HTTP").upper() == "HTTPS":
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = (
            ssl.CERT_NONE
        )  # as a kubelet: a probe asks whether it lives, not who it is
    port = target.port(told["port"])
    host: str = told.get("host") or ""
    reader, writer = await _open(host, port, target, tls)
    try:
        headers = {"Host": f"{host or target.address}:{port}", "User-Agent": "kube-probe/1.34"}
        headers |= {"Accept": "*/*", "Connection": "close"}
        headers |= {one["name"]: one["value"] for one in objects.entries(told, "httpHeaders")}
        lines = [f"GET {told.get('path') or '/'} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await writer.drain()
        line = (await reader.readline())[:_LINE_LIMIT].decode("latin-1")
    finally:
        await _close(writer)
    parts = line.split()
    if len(parts) < _LEAST_PARTS or not parts[1].isdigit():
        return Result(passed=False, text="the answer is not HTTP")
    code = int(parts[1])
    return Result(code in _OK, "" if code in _OK else f"HTTP probe failed with statuscode: {code}")


@dataclass
class Prober:
    """Watches one running container by its probes, and says when its health changes."""

    container: objects.Object
    health: lifecycle.Health
    target: Target
    clock: seams.Clock
    changed: Callable[[lifecycle.Health], None]
    failed: Callable[[str], None]
    _told: dict[str, float] = field(default_factory=dict[str, float])

    async def run(self) -> None:
        """Probe until cancelled."""
        startup = self.container.get("startupProbe")
        if startup and not self.health.started:
            await self._watch("Startup", startup)
        if not self.health.started:
            self._set(replace(self.health, started=True))
        others = [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe")]
        async with asyncio.TaskGroup() as group:
            for name, field in others:
                if self.container.get(field):
                    group.create_task(self._watch(name, self.container[field]))

    def _set(self, health: lifecycle.Health) -> None:
        if health != self.health:
            self.health = health
            self.changed(health)

    async def _watch(self, name: str, probe: objects.Object) -> None:
        """Probe for ever; a startup probe ends with its first success."""
        period = float(probe.get("periodSeconds") or 10)
        wait = _QUICK_COMMAND if "exec" in probe else _QUICK
        settled = name == "Liveness" or (name == "Readiness" and self.health.ready)
        successes = failures = 0
        counted = float("-inf")
        await self.clock.sleep(float(probe.get("initialDelaySeconds") or 0))
        while True:
            found = await self._look(name, probe, period)
            if found.passed:
                successes, failures, settled = successes + 1, 0, True
                if successes >= int(probe.get("successThreshold") or 1):
                    self._passed(name)
                    if name == "Startup":
                        return
            else:
                successes = 0
                moment = self.clock.monotonic()
                if settled or moment - counted >= period:
                    failures, counted = failures + 1, moment
                    self.failed(f"{name} probe failed: {found.text}")
                if failures >= int(probe.get("failureThreshold") or 3):
                    self._refused(name, found.text)
            await self.clock.sleep(period if settled else min(period, wait))
            wait = min(wait * _GROWTH, _SLOWEST_QUICK)

    async def _look(self, name: str, probe: objects.Object, period: float) -> Result:
        """Do what a probe asks for; who is alive has just been told by the same being ready."""
        action = str([probe.get(sort) for sort in _SORTS])
        told = self._told.get(action, float("-inf"))
        if name == "Liveness" and self.clock.monotonic() - told < period:
            return Result(passed=True)
        found = await check(probe, self.target)
        if found.passed:
            self._told[action] = self.clock.monotonic()
        return found

    def _passed(self, name: str) -> None:
        if name == "Readiness":
            self._set(replace(self.health, ready=True))
        elif name == "Startup":
            self._set(replace(self.health, started=True))

    def _refused(self, name: str, text: str) -> None:
        if name == "Readiness":
            self._set(replace(self.health, ready=False))
        else:
            self._set(replace(self.health, failing=f"{name} probe failed: {text}"))


def first_health(
    container: objects.Object, status: objects.Object | None, identity: str
) -> lifecycle.Health:
    """Return what to believe of a container before its probes have said anything.

    A container that an earlier supervisor knew to be ready is believed to be, until a probe fails;
    one without a readiness probe is ready as soon as it has started.
    """
    started, ready = not container.get("startupProbe"), not container.get("readinessProbe")
    if status and status.get("containerID") == identity:
        return lifecycle.Health(bool(status.get("started")), ready or bool(status.get("ready")))
    return lifecycle.Health(started, ready)
