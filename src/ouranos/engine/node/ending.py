"""How does a container end in good order?

Its preStop hook, a request, and when its grace is over, the end.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from ouranos.engine.node import containers, logs, mountspace, network, probes, records
from ouranos.kit import objects

_MESSAGE_LIMIT = 4096
_LOG_LINES = 80
_LOG_BYTES = 2048
MINIMUM_GRACE = 2.0
"""Seconds that a container gets after a hook has used up all its grace, as a kubelet gives it."""


def target(
    held: containers.Containers,
    record: records.Record,
    container: objects.Object,
    address: str,
    inside: network.Namespace | None,
) -> probes.Target:
    """Return how a running container is reached by probes and hooks."""
    ports = {
        one["name"]: int(one["containerPort"])
        for one in objects.entries(container, "ports")
        if one.get("name")
    }

    async def connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if inside is None:
            raise OSError("the node's network is gone")
        return await _connect(held.space, inside, host, port)

    async def execute(command: list[str], seconds: float) -> tuple[int, str]:
        done = await held.execute(record, command, seconds)
        text = done.output if done.code >= 0 else f"command timed out after {seconds:g} s"
        return done.code, text

    return probes.Target(address, ports, connect, execute)


async def _connect(
    space: mountspace.MountSpace, inside: network.Namespace, host: str, port: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect from inside the node: a socket keeps the namespace that it was made in."""
    own = await space.run(inside.socket)
    own.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    try:
        await asyncio.get_running_loop().sock_connect(own, (host, port))
        return await asyncio.open_connection(sock=own)
    except BaseException:
        own.close()
        raise


def last_words(container: objects.Object, record: records.Record, path: Path) -> str:
    """Return what a container that has ended says of its end."""
    text = ""
    if path.exists():
        with path.open("rb") as file:
            text = file.read(_MESSAGE_LIMIT).decode(errors="replace")
    policy = container.get("terminationMessagePolicy")
    if not text and record.exit_code and policy == "FallbackToLogsOnError":
        text = logs.tail(Path(record.log), _LOG_LINES, _LOG_BYTES)
    return text


async def hook(told: objects.Object, reached: probes.Target, seconds: float) -> str:
    """Run a lifecycle hook; return why it failed, or nothing."""
    if "sleep" in told:
        await asyncio.sleep(min(float(told["sleep"].get("seconds") or 0), seconds))
        return ""
    found = await probes.check({**told, "timeoutSeconds": max(seconds, 1)}, reached)
    return "" if found.passed else found.text


async def end(
    held: containers.Containers,
    record: records.Record,
    container: objects.Object,
    grace: float,
    reached: probes.Target,
    failed: Callable[[str], None],
) -> None:
    """Ask a container to end, and end it after `grace` seconds."""
    before_stop = objects.mapping(container, "lifecycle").get("preStop")
    left = grace
    if before_stop and grace > 0:
        began = asyncio.get_running_loop().time()
        text = "it took longer than the grace period"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                text = await hook(before_stop, reached, grace)
        if text:
            failed(f"PreStopHook failed: {text}")
        left = max(MINIMUM_GRACE, grace - (asyncio.get_running_loop().time() - began))
    await held.stop(record, left)
