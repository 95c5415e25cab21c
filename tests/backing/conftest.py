"""Makes `backing_worlds` importable, and its worlds."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import backing_worlds as worlds
import pytest

from ouranos.kit import cluster, seams


@pytest.fixture
async def world(source: cluster.Cluster, given: seams.Seams) -> worlds.World:
    made = worlds.World(source, given)
    await made.prepare()
    return made
