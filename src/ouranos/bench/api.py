"""The embedded API alone: latencies with a thousand objects and twenty watchers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2

from ouranos.bench import figures
from ouranos.engine.apiserver import server as apiserver
from ouranos.kit import cluster, kinds, seams

_OBJECTS = 1000
_WATCHERS = 20
_CALLS = 300
_PAUSE = 0.005  # seconds between calls, so that what is measured is a call and not a queue


async def measure() -> list[figures.Figure]:
    """Get, apply and a watch event's delay, through the in-process door."""
    api = await apiserver.ApiServer.open(None, seams.real())
    try:
        async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
            return await _measure(cluster.Cluster(http, manager="bench"))
    finally:
        await api.close()


def _object(number: int, text: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"object-{number}", "namespace": "default"},
        "data": {"text": text, "filling": "x" * 1000},
    }


async def _measure(client: cluster.Cluster) -> list[figures.Figure]:
    for number in range(_OBJECTS):
        await client.apply(_object(number, "first"))
    version = (await client.list(kinds.CONFIG_MAP, "default")).resource_version
    sent: dict[str, float] = {}
    delays: list[float] = []

    async def watch() -> None:
        async for event in client.watch(kinds.CONFIG_MAP, "default", resource_version=version):
            begun = sent.get(event.object.get("data", {}).get("text", ""))
            if begun is not None:
                delays.append(time.perf_counter() - begun)

    watchers = [asyncio.create_task(watch()) for _ in range(_WATCHERS)]
    await asyncio.sleep(0.2)
    gets: list[float] = []
    applies: list[float] = []
    for number in range(_CALLS):
        begun = time.perf_counter()
        await client.get(kinds.CONFIG_MAP, f"object-{number}", "default")
        gets.append(time.perf_counter() - begun)
        text = f"call-{number}"
        sent[text] = begun = time.perf_counter()
        await client.apply(_object(number, text))
        applies.append(time.perf_counter() - begun)
        await asyncio.sleep(_PAUSE)
    await asyncio.sleep(0.5)
    for task in watchers:
        task.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    return [
        _row("embedded API: get", gets),
        _row("embedded API: apply", applies),
        _row("embedded API: delay of a watch event", delays),
    ]


def _row(what: str, seconds: list[float]) -> figures.Figure:
    p95 = figures.percentile(seconds, 0.95) * 1000
    return figures.Figure(f"{what}, p95", "≤ 10 ms", "≤ 3 ms", f"{p95:.1f} ms")
