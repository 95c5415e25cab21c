"""Makes `tests_install` importable; one kube-apiserver for the stories of this folder."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tests_planes
from tests_install import Place


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A control plane without nodes, and what commands need to reach it."""
    folder = tmp_path_factory.mktemp("plane")
    with tests_planes.beside(folder) as plane:
        yield Place(folder, plane.kubeconfig, plane.kubectl)
