"""Makes `fake_openstack` importable, and a session with it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fakes"))

import fake_openstack
import httpx2
import pytest

from ouranos.kit import seams
from ouranos.openstack import client


@pytest.fixture
def cloud() -> fake_openstack.FakeOpenStack:
    return fake_openstack.FakeOpenStack()


@pytest.fixture
def session(cloud: fake_openstack.FakeOpenStack) -> client.Session:
    http = httpx2.AsyncClient(transport=cloud)
    login = client.Login("admin", "secret", "admin")
    return client.Session(http, "http://keystone:5000", login, seams.WallClock())
