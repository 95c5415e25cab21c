"""The small image, and a running engine, for the node's stories."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tests_node

CACHE = Path(__file__).parents[3] / ".cache" / "small-image"


@pytest.fixture(scope="session")
def images() -> tests_node.Images:
    return tests_node.Images(tests_node.small_root(CACHE))


@pytest.fixture
async def engine(images: tests_node.Images, tmp_path: Path) -> AsyncIterator[tests_node.Engine]:
    images.missing.clear()
    async with tests_node.running(tests_node.node_config(tmp_path / "cloud"), images) as found:
        yield found
