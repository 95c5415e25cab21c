"""Makes the worlds of this room, and what they stand on in other rooms' tests, importable."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))
sys.path.insert(0, str(Path(__file__).parents[1] / "backing"))
sys.path.insert(0, str(Path(__file__).parents[1] / "compute"))
sys.path.insert(0, str(Path(__file__).parent))

import cluster_worlds as worlds
import httpx2
import pytest

from ouranos.engine.apiserver import server
from ouranos.install import order
from ouranos.kit import cluster, seams


@pytest.fixture
async def world(api: server.ApiServer, given: seams.Seams) -> AsyncIterator[worlds.World]:
    """An empty cluster with nothing in the way."""
    door = worlds.Door(api.transport())
    async with httpx2.AsyncClient(transport=door, base_url="http://api") as http:
        yield worlds.World(cluster.Cluster(http, manager=order.MANAGER), door, given)
