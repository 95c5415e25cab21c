"""Is a pass that changes nothing told from one that acts?"""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from ouranos.kit import cluster, controller, effects, kinds, metrics, outcome, seams

virtual = pytest.mark.virtual_time
Make = Callable[..., Any]


def test_outside_a_pass_nobody_counts() -> None:
    effects.note()
    with effects.counted() as counted:
        pass
    effects.note()
    assert counted.count == 0


@virtual
async def test_tasks_and_threads_of_a_pass_count_for_it() -> None:
    async def task() -> None:
        effects.note()
        await asyncio.to_thread(effects.note)

    with effects.counted() as counted:
        await asyncio.gather(task(), task())
        with effects.counted() as another:
            effects.note()
    assert (counted.count, another.count) == (4, 1)


@virtual
async def test_reading_and_trying_dry_is_no_change(source: cluster.Cluster, config: Make) -> None:
    namespaced = {**config(), "metadata": {"name": "config", "namespace": "home"}}
    with effects.counted() as counted:
        await source.list(kinds.CONFIG_MAP)
        await source.apply(namespaced, dry_run=True)
        assert counted.count == 0
        await source.apply(namespaced)
        assert counted.count == 1
        await source.delete(kinds.CONFIG_MAP, "config", "home")
        assert counted.count == 2


@virtual
async def test_only_passes_that_change_nothing_are_timed_as_such(
    source: cluster.Cluster,
    given: seams.Seams,
    running: Make,
    controlling: Make,
    keystone: Make,
    config: Make,
) -> None:
    def acted() -> int:
        passes = metrics.RECONCILE_SECONDS.count("keystone", "")
        return passes - metrics.UNCHANGED_SECONDS.count("keystone")

    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.apply(config())
        return outcome.DONE

    before = acted()
    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
        assert acted() == before + 1
        unchanged = metrics.UNCHANGED_SECONDS.count("keystone")
        annotations = {"metadata": {"annotations": {"touched": "1"}}}
        await source.patch(kinds.KEYSTONE, "keystone", "home", annotations)
        await given.clock.sleep(1)
    assert metrics.UNCHANGED_SECONDS.count("keystone") > unchanged
    assert acted() == before + 1


class Door:
    """A fence that a test opens and shuts."""

    def __init__(self) -> None:
        self.shut = False

    def prove(self) -> None:
        if self.shut:
            raise effects.FencedError("shut")


@virtual
async def test_behind_a_shut_fence_nothing_is_changed(
    source: cluster.Cluster, config: Make
) -> None:
    door = Door()
    namespaced = {**config(), "metadata": {"name": "config", "namespace": "home"}}
    with effects.fenced(door):
        await source.apply(namespaced)
        door.shut = True
        with pytest.raises(effects.FencedError):
            await source.delete(kinds.CONFIG_MAP, "config", "home")
        with pytest.raises(effects.FencedError):
            await asyncio.gather(asyncio.to_thread(effects.note))
        await source.apply(namespaced, dry_run=True)
    assert await source.get(kinds.CONFIG_MAP, "config", "home")
    await source.delete(kinds.CONFIG_MAP, "config", "home")


@pytest.mark.enable_socket
async def test_the_proof_is_asked_for_again_when_the_first_byte_is_sent() -> None:
    """A request may wait for its connection; what was true before that says nothing."""
    door, asked = Door(), list[bytes]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        writer.close()

    async def shut(event: str, info: Any) -> None:
        door.shut = event == "connection.connect_tcp.complete" or door.shut
        await effects.when_sent(event, info)

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        source = cluster.Cluster(http, manager="test")
        with effects.fenced(door):
            await source.delete(kinds.NODE, "one")
            with pytest.raises(effects.FencedError):
                await http.delete("/", extensions={"trace": shut})
            assert await source.get(kinds.NODE, "one") == {}
    assert [one.split()[0] for one in asked] == [b"DELETE", b"GET"]
