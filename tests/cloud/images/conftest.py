"""What is made once for all tests of images: a filled store, and images for a cluster."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tests_clusters import SMALL, SOURCES, done
from tests_images import Filled

from ouranos.images import catalog, oci


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    made = Filled(tmp_path_factory.mktemp("store"))
    asyncio.run(made.fill())
    return made


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with two images, made from nothing."""
    root = tmp_path_factory.mktemp("story") / "root"
    source = Path(catalog.__file__).parents[1]
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source, root.parent / SOURCES / "ouranos", ignore=ignored)
    done(root, "build", *SMALL)
    return root


@pytest.fixture(scope="session")
def layout(root: Path) -> oci.Layout:
    return oci.Layout(root / "images/oci")
