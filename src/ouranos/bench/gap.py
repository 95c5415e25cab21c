"""How long does a guest not answer when an agent of its machine dies? Asked 20 times a second."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import secrets
import signal
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from ouranos.bench import figures, place
from ouranos.images import guest as guest_image
from ouranos.kit import kinds
from ouranos.solo import door
from ouranos.verify import stay, story, tenant

EVERY: Final = 0.05  # seconds between two questions
_ANSWER: Final = 1.0  # seconds that an answer may take: more than a retransmission of TCP
_BEFORE: Final = 2.0  # seconds of asking before anything is done
_AFTER: Final = 12.0  # seconds of asking from then on, and until the cloud is Ready
_PATIENCE: Final = 120.0
_KILLED: Final = {
    "gap-switch": "vswitchd",
    "gap-controller": "ovn-controller",
    "gap-libvirt": "libvirtd",
    "gap-compute": "nova-compute",
}
_SWITCH: Final = "app.kubernetes.io/component=openvswitch"

Say = Callable[[str], None]


@dataclass(slots=True)
class Asker:
    """Asks one guest over and over, each time by a connection of its own.

    Attributes:
        asked: when each question was asked, and whether it was answered.
    """

    address: str
    asked: list[tuple[float, bool]] = field(default_factory=list[tuple[float, bool]])

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as group:
            due = time.monotonic()
            while True:
                group.create_task(self._ask())
                due += EVERY
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ask(self) -> None:
        begun = time.monotonic()
        answered = False
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_ANSWER):
                answered = await self._answers()
        self.asked.append((begun, answered))

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_connection(self.address, 80)
        try:
            writer.write(f"GET /proof.txt HTTP/1.0\r\nHost: {self.address}\r\n\r\n".encode())
            return b" 200 " in await reader.readline()
        finally:
            writer.close()


def longest_gap(asked: Sequence[tuple[float, bool]], every: float = EVERY) -> float:
    """Seconds from the first to the last question of the longest row without an answer."""
    longest, since = 0.0, None
    for moment, answered in sorted(asked):
        if answered:
            since = None
            continue
        since = moment if since is None else since
        longest = max(longest, moment - since + every)
    return longest


async def measure(where: place.Place, table: figures.Table, say: Say) -> None:
    """Fill the rows of gaps, with one guest that stays for all of them."""
    async with _guest(where, say) as address:
        for name, container in _KILLED.items():
            act = functools.partial(_kill, where, container)
            table.measured[name] = await _seen(where, address, act)
        act = functools.partial(_delete_pod, where)
        table.measured["gap-switch-pod"] = await _seen(where, address, act)


async def _seen(
    where: place.Place, address: str, act: Callable[[], Awaitable[None]]
) -> figures.Measured:
    """What the guest's callers saw of an act; CPU seconds until all is well again."""
    asker = Asker(address)
    asking = asyncio.create_task(asker.run())
    try:
        await asyncio.sleep(_BEFORE)
        spent = where.cpu()
        await act()
        await asyncio.sleep(_AFTER)
        async with asyncio.timeout(_PATIENCE):
            while not (await where.is_ready() and asker.asked[-1][1]):  # noqa: ASYNC110 - as a person looks
                await asyncio.sleep(1.0)
        return figures.Measured(longest_gap(asker.asked), where.cpu() - spent)
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def _kill(where: place.Place, container: str) -> None:
    process = where.container(container)
    if process is None:
        raise LookupError(f"no container {container} runs")
    os.kill(process, signal.SIGKILL)


async def _delete_pod(where: place.Place) -> None:
    async with door.connect(where.paths) as api:
        for pod in (await api.list(kinds.POD, place.NAME, labels=_SWITCH)).items:
            await api.delete(kinds.POD, pod["metadata"]["name"], place.NAME)


@contextlib.asynccontextmanager
async def _guest(where: place.Place, say: Say) -> AsyncGenerator[str]:
    """A server of an ordinary tenant that stays for a while; its floating address."""
    built = await guest_image.build(where.paths.images)
    admin = await asyncio.to_thread(tenant.connect_admin, str(where.paths.clouds_yaml), place.NAME)
    run = story.Story(admin, secrets.token_hex(8), "public", "m1.nano", say)
    try:
        await asyncio.to_thread(stay.begin, run, built)
        yield run.made["address"]
    finally:
        await asyncio.to_thread(stay.end, run)
