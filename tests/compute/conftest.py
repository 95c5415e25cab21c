"""Makes `compute_worlds` importable, and its worlds."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))

import compute_worlds as worlds
import pytest

from ouranos.kit import cluster, seams


@pytest.fixture
async def world(source: cluster.Cluster, given: seams.Seams) -> worlds.World:
    made = worlds.World(source, given)
    await made.prepare()
    return made


@pytest.fixture
async def running(world: worlds.World) -> worlds.World:
    """A world whose machine runs all agents."""
    await world.look_at_node()
    await world.look()
    await world.run_pods()
    return world
