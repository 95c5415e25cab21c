"""One control plane for the stories of this folder, and two processes of the controllers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tests_controllers
import tests_planes

from ouranos import services
from ouranos.bench import controlplane
from ouranos.kit import cluster, kubeconfig


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncGenerator[controlplane.Plane]:
    async with tests_planes.running(tmp_path, controllers=False) as made:
        yield made


@pytest.fixture
async def source(plane: controlplane.Plane) -> AsyncGenerator[cluster.Cluster]:
    """A client of it; our kinds are there, and the namespaces."""
    async with kubeconfig.connect(plane.kubeconfig) as made:
        for obj in services.definitions():
            await made.apply(obj)
        for name in (tests_controllers.NAMESPACE, "home"):
            metadata = {"name": name}
            await made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        yield made


@pytest.fixture
async def two(
    plane: controlplane.Plane, source: cluster.Cluster, tmp_path: Path
) -> AsyncGenerator[list[tests_controllers.Controllers]]:
    made = [
        tests_controllers.Controllers(plane.kubeconfig, tmp_path / f"controllers-{number}.log")
        for number in (1, 2)
    ]
    yield made
    for one in made:
        await asyncio.to_thread(tests_controllers.stop, one.process)
