"""Of two processes on a real API server one acts, whatever happens to it or to the server."""

from __future__ import annotations

import asyncio
import random
import signal

import pytest
import tests_controllers

from ouranos.bench import controlplane
from ouranos.kit import (
    cache,
    cluster,
    conditions,
    kinds,
    metrics,
    objects,
    reflector,
    seams,
    selection,
)
from ouranos.lab import control

pytestmark = pytest.mark.enable_socket

MEMCACHED = {
    "apiVersion": kinds.MEMCACHED.api_version,
    "kind": "Memcached",
    "metadata": {"name": "memcached", "namespace": "home"},
    "spec": {"release": "2026.2", "external": {"host": "127.0.0.9", "port": 1}},
}


async def is_looked_at(source: cluster.Cluster) -> bool:
    """Whether a process has said how the Memcached is: not there, at the address that it has."""
    found = await source.get(kinds.MEMCACHED, "memcached", "home")
    ready = conditions.find(conditions.of(found or {}), "Ready")
    return (
        ready is not None and ready["observedGeneration"] == (found or {})["metadata"]["generation"]
    )


def other(two: list[tests_controllers.Controllers], one: object) -> tests_controllers.Controllers:
    return next(each for each in two if each is not one)


async def test_who_is_asked_to_end_hands_over(
    source: cluster.Cluster, two: list[tests_controllers.Controllers]
) -> None:
    first = await tests_controllers.one_acts(two)
    second = other(two, first)
    await tests_controllers.eventually(second.waits)
    assert await first.says("\nleader 1\n", "/metrics")
    assert await second.says("leader 0", "/metrics")
    assert await second.says("ok", "/healthz")
    first.send(signal.SIGTERM)
    assert await first.ended() == 0
    await tests_controllers.eventually(second.acts)
    assert await tests_controllers.transitions(source) == 1
    told = (await source.list(kinds.EVENT, tests_controllers.NAMESPACE)).items
    assert {one["reason"] for one in told} == {"LeaderElection"}
    assert len(told) == 2
    await source.apply(MEMCACHED)
    await tests_controllers.eventually(lambda: is_looked_at(source))


async def test_who_was_killed_or_stopped_is_replaced_and_does_not_come_back_to_act(
    source: cluster.Cluster, two: list[tests_controllers.Controllers]
) -> None:
    first = await tests_controllers.one_acts(two)
    second = other(two, first)
    await tests_controllers.eventually(second.waits)
    first.send(signal.SIGSTOP)
    await tests_controllers.eventually(second.acts)
    held = await tests_controllers.holder(source)
    first.send(signal.SIGCONT)
    await tests_controllers.eventually(first.waits)
    assert first.runs
    assert await tests_controllers.holder(source) == held
    await source.apply(MEMCACHED)
    await tests_controllers.eventually(lambda: is_looked_at(source))
    second.send(signal.SIGKILL)
    await tests_controllers.eventually(first.acts)
    assert await tests_controllers.transitions(source) == 2


async def test_an_api_server_that_is_away_ends_no_process(
    plane: controlplane.Plane,
    source: cluster.Cluster,
    two: list[tests_controllers.Controllers],
) -> None:
    first = await tests_controllers.one_acts(two)
    await tests_controllers.eventually(other(two, first).waits)
    await plane.end(control.API_SERVER)
    await tests_controllers.eventually(lambda: first.says("leader 0", "/metrics"))
    assert [one.runs for one in two] == [True, True]
    assert [await one.says("ok", "/healthz") for one in two] == [True, True]
    await asyncio.sleep(20)
    await plane.serve()
    await tests_controllers.one_acts(two)
    assert [one.runs for one in two] == [True, True]
    await source.apply(MEMCACHED)
    await tests_controllers.eventually(lambda: is_looked_at(source))


async def test_a_watch_that_etcd_has_forgotten_is_begun_with_a_list(
    plane: controlplane.Plane, source: cluster.Cluster
) -> None:
    def config(name: str) -> objects.Object:
        metadata = {"name": name, "namespace": "home"}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}

    async def names() -> set[str]:
        return {one["metadata"]["name"] for one in store.each("home")}

    given = seams.Seams(seams.WallClock(), random.Random(1), seams.threads)
    store = cache.Store(kinds.CONFIG_MAP)
    chosen = selection.Selection(kinds.CONFIG_MAP)
    heard: list[tuple[bool, bool]] = []

    def listener(_: object, before: object, after: object) -> None:
        heard.append((before is not None, after is not None))

    one = reflector.Reflector(source, chosen, store, given, listener)
    await source.create(config("a"))
    running = asyncio.ensure_future(one.run())
    await one.synced.wait()
    running.cancel()
    await asyncio.wait({running})
    assert "a" in await names()
    await source.delete(kinds.CONFIG_MAP, "a", "home")
    for number in range(5):
        await source.create(config(f"b{number}"))
    gone = metrics.WATCH_RESTARTS.value("configmaps", "gone")
    await tests_controllers.compact(plane)
    await plane.end(control.API_SERVER)
    await plane.serve()
    running = asyncio.ensure_future(one.run())

    async def knows() -> bool:
        return {"b0", "b4"} <= await names() and "a" not in await names()

    await tests_controllers.eventually(knows)
    running.cancel()
    await asyncio.wait({running})
    assert metrics.WATCH_RESTARTS.value("configmaps", "gone") > gone
    assert (True, False) in heard
