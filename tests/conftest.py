"""Fixtures that several rooms share: virtual time."""

import asyncio
from collections.abc import Callable, Mapping

import pytest

from ouranos.engine.simulation import virtual
from ouranos.kit import seams


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_time: the test's event loop jumps through time")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual_time"):
        return {"virtual": virtual.VirtualLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def given() -> seams.Seams:
    """The seams of a world in virtual time; for tests marked `virtual_time`."""
    return virtual.virtual_seams()
