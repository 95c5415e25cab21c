"""Makes `tests_cloud`, what the stories share, importable from every story."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist import scheduler

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session", autouse=True)
def _root() -> None:
    """Stories need root; a machine without it fails them, never skips them."""
    assert os.geteuid() == 0, "the stories need root"


class ByFolder(scheduler.LoadScopeScheduling):
    """Lets the stories of one folder follow each other; those of two folders run beside."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> scheduler.LoadScopeScheduling:
    return ByFolder(config, log)
