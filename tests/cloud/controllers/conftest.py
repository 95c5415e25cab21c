"""One control plane for the stories of this folder, and two processes of the controllers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tests_controllers

from ouranos import services
from ouranos.kit import cluster


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncGenerator[tests_controllers.ControlPlane]:
    async with tests_controllers.serving(tmp_path / "lab") as made:
        assert made.source is not None
        for obj in services.definitions():
            await made.source.apply(obj)
        for name in (tests_controllers.NAMESPACE, "home"):
            metadata = {"name": name}
            obj = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
            await made.source.apply(obj)
        yield made


@pytest.fixture
def source(plane: tests_controllers.ControlPlane) -> cluster.Cluster:
    assert plane.source is not None
    return plane.source


@pytest.fixture
async def two(
    plane: tests_controllers.ControlPlane, tmp_path: Path
) -> AsyncGenerator[list[tests_controllers.Controllers]]:
    made = [
        tests_controllers.Controllers(
            plane.place.kubeconfig, tmp_path / f"controllers-{number}.log"
        )
        for number in (1, 2)
    ]
    yield made
    for one in made:
        await asyncio.to_thread(tests_controllers.stop, one.process)
