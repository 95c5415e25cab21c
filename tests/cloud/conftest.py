"""Makes `tests_cloud`, what the stories share, importable from every story."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def _root() -> None:
    """Stories need root; a machine without it fails them, never skips them."""
    assert os.geteuid() == 0, "the stories need root"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the stories of one folder follow each other; those of two folders may run beside."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
