"""Makes `tests_install` importable; one kube-apiserver for the stories of this folder."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tests_install import Place

from ouranos.bench import controlplane


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A control plane without nodes, and what commands need to reach it."""
    started, ended = threading.Event(), threading.Event()
    found: list[Place] = []

    async def live() -> None:
        programs = await controlplane.programs_of_this_machine()
        folder = tmp_path_factory.mktemp("plane")
        async with controlplane.running(programs, folder) as plane:
            found.append(Place(folder, plane.kubeconfig, programs / "kubectl"))
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
