"""The small cloud of the stories of trouble: Keystone alone, below a root folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tests_trouble import Small, fill_shared, mount, unmount


@pytest.fixture(scope="session", autouse=True)
def _images() -> None:
    """What the stories share is made once, as any other cloud of this machine has it made."""
    fill_shared()


@pytest.fixture
def small(tmp_path: Path) -> Generator[Small]:
    """A cloud that does not exist yet, on a disk whose size the story sets."""
    mount(tmp_path)
    made = Small(tmp_path)
    try:
        made.share_images()
        yield made
    finally:
        try:
            made.remove()
        finally:
            unmount(tmp_path)
