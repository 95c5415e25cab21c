"""A kube-apiserver with etcd, and an embedded API beside it."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "laws"))

from ouranos.bench import controlplane


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The administrator's way to a control plane that runs as long as the stories do."""
    started, ended = threading.Event(), threading.Event()
    found: list[Path] = []

    async def live() -> None:
        programs = await controlplane.programs_of_this_machine()
        folder = tmp_path_factory.mktemp("plane")
        async with controlplane.running(programs, folder, aged=True) as plane:
            found.append(plane.kubeconfig)
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: _until_started(live, started), name="plane")
    thread.start()
    started.wait()
    try:
        assert found, "the control plane did not start"
        yield found[0]
    finally:
        ended.set()
        thread.join()


def _until_started(live: Callable[[], Coroutine[Any, Any, None]], started: threading.Event) -> None:
    try:
        asyncio.run(live())
    finally:
        started.set()


class Sides:
    """Both servers, and the loop in which they are called."""

    def __init__(
        self, runner: asyncio.Runner, embedded: httpx2.AsyncClient, real: httpx2.AsyncClient
    ) -> None:
        self._runner = runner
        self.embedded = embedded
        self.real = real

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)


@pytest.fixture(scope="session")
def sides(kubeconfig: Path) -> Iterator[Sides]:
    """An embedded API and the kube-apiserver, each with the custom kind of the sequences."""
    os.environ["OURANOS_LAWS_KUBECONFIG"] = str(kubeconfig)
    import laws_servers  # noqa: PLC0415 - it reads the variable
    import laws_sides  # noqa: PLC0415

    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()

        async def opened() -> Sides:
            names = (laws_servers.EMBEDDED, laws_servers.KUBERNETES)
            clients = [await stack.enter_async_context(laws_servers.opened(name)) for name in names]
            for client in clients:
                await laws_sides.prepare(client)
            return Sides(runner, *clients)

        try:
            yield runner.run(opened())
        finally:
            runner.run(stack.aclose())
            del os.environ["OURANOS_LAWS_KUBECONFIG"]
