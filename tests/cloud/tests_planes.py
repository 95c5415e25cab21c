"""A real kube-apiserver without nodes, for the stories of a folder or of one test."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

from ouranos.bench import controlplane


@contextlib.asynccontextmanager
async def running(
    folder: Path, *, controllers: bool = True, aged: bool = False
) -> AsyncGenerator[controlplane.Plane]:
    """Run a control plane for as long as the block lasts, its programs compiled where missing."""
    programs = await controlplane.programs_of_this_machine()
    async with controlplane.running(programs, folder, controllers=controllers, aged=aged) as plane:
        yield plane


@contextlib.contextmanager
def beside(folder: Path, *, aged: bool = False) -> Iterator[controlplane.Plane]:
    """Run a control plane in a thread of its own: stories of several event loops ask it."""
    started, ended = threading.Event(), threading.Event()
    found: list[controlplane.Plane] = []

    async def live() -> None:
        async with running(folder, aged=aged) as plane:
            found.append(plane)
            started.set()
            await asyncio.to_thread(ended.wait)

    def work() -> None:
        try:
            asyncio.run(live())
        finally:
            started.set()

    thread = threading.Thread(target=work, name="plane")
    thread.start()
    started.wait()
    try:
        assert found, "the control plane did not start"
        yield found[0]
    finally:
        ended.set()
        thread.join()
