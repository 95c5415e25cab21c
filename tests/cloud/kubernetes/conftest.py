"""One lab for all stories of this folder; they follow each other, and the last removes it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tests_lab

from ouranos.lab import settings


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tests_lab.Lab]:
    # What is compiled is shared by all labs of this machine.
    cache = settings.of_environment().cache
    made = tests_lab.Lab(tmp_path_factory.mktemp("root"), cache)
    made.build()
    yield made
    made.down()
