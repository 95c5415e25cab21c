"""Does a page become a running service, and stay one, whatever happens to its parts?"""

import pytest

from ouranos import services
from ouranos.kit import kinds
from ouranos.services import keystone

pytestmark = pytest.mark.virtual_time


async def test_all_six_services_become_ready(house) -> None:
    async with house(*services.PAGES) as world:
        took = await world.until_ready(*(one.name for one in services.PAGES))
        assert took < 60
        assert len(world.cloud.tables["endpoints"]) == 18
        assert sorted(row["name"] for row in world.cloud.tables["users"].values()) == [
            "cinder", "glance", "neutron", "nova", "placement",
        ]
