"""Fixtures that several rooms share: virtual time, and an API in memory."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import httpx2
import hypothesis
import pytest
import structlog

from ouranos.engine.apiserver import server
from ouranos.engine.simulation import virtual
from ouranos.kit import cluster, log, seams

# What a test proves depends neither on how busy the machine is nor on chance; who looks for what no
# example has shown yet says `--hypothesis-profile=explore`.
hypothesis.settings.register_profile(
    "same every time",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile(
    "explore",
    deadline=None,
    derandomize=False,
    max_examples=1000,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("same every time")


def pytest_configure(config: pytest.Config) -> None:
    log.configure("warning", json=False)
    config.addinivalue_line("markers", "virtual_time: the test's event loop jumps through time")


def pytest_collection_finish() -> None:
    """What is there now stays: a tenth of the time went into looking through it for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def log_as_before() -> Iterator[None]:
    """For tests that decide anew how a process logs, which is decided once."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def pytest_sessionfinish() -> None:
    """Keep what was measured now: a worker that is slow to end is killed."""
    coverage = sys.modules.get("coverage")
    if coverage and (measuring := coverage.Coverage.current()):
        measuring.save()


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("virtual_time"):
        return {"virtual": virtual.VirtualLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture
def given() -> seams.Seams:
    """The seams of a world whose time is the event loop's: virtual where the test is marked so."""
    return virtual.virtual_seams()


@pytest.fixture
async def api(given: seams.Seams) -> AsyncIterator[server.ApiServer]:
    """An embedded API in memory."""
    opened = await server.ApiServer.open(None, given)
    yield opened
    await opened.close()


@pytest.fixture
async def source(api: server.ApiServer) -> AsyncIterator[cluster.Cluster]:
    """A client of the embedded API, with the namespace `home`."""
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
        client = cluster.Cluster(http, manager="test")
        await client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}})
        yield client
