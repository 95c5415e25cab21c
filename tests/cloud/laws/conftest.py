"""A kube-apiserver with etcd, and an embedded API beside it."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tests_planes

sys.path.insert(0, str(Path(__file__).parents[2] / "laws"))


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The administrator's way to a control plane that runs as long as the stories do."""
    with tests_planes.beside(tmp_path_factory.mktemp("plane"), aged=True) as plane:
        yield plane.kubeconfig


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
