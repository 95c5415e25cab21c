"""Whether there is one of everything inside a cloud, whatever was killed while it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from openstack import connection

Sql = Callable[[str], Sequence[Any]]


def once(found: Iterable[Any]) -> list[Any]:
    """What is there more often than once."""
    return [each for each, count in Counter(found).items() if count > 1]


def in_the_database_server(sql: Sql, claimed: Sequence[str], root: str, hypervisors: int) -> None:
    """One database for each claim, one user for each service; Nova knows each machine once."""
    own = ("information_schema", "performance_schema", "mysql", "sys", "ouranos")
    made = [name for name in sql("SHOW DATABASES") if name not in own]
    assert sorted(made) == sorted(claimed)
    users = sql("SELECT user FROM mysql.user WHERE user NOT IN ('mysql', 'mariadb.sys')")
    services = {name.replace("nova_api", "nova").replace("nova_cell0", "nova") for name in claimed}
    assert not once(user for user in users if user != "root")
    assert set(users) - {"root"} == {*services, root}
    assert len(sql("SELECT name FROM nova_api.cell_mappings")) == 2
    assert len(sql("SELECT host FROM nova_api.host_mappings")) == hypervisors


def in_openstack(admin: connection.Connection, hypervisors: int) -> None:
    """One of each service, catalogue entry, user, agent, flavor, network, volume type, machine."""
    identity: Any = admin.identity
    entries = [(each.service_id, each.interface, each.region_id) for each in identity.endpoints()]
    services = [each.type for each in identity.services()]
    assert not once(services)
    assert not once(entries)
    assert len(entries) == 3 * len(services), "public, internal and admin"
    for found in (identity.users(), identity.projects(), identity.roles(), identity.regions()):
        assert not once(getattr(each, "name", None) or each.id for each in found)
    users = {each.name for each in identity.users()}
    assert users == {"admin", "glance", "placement", "nova", "neutron", "cinder"}
    compute, network, storage = (
        [(each.binary, each.host) for each in admin.compute.services()],
        [(each.agent_type, each.host) for each in admin.network.agents()],
        [(each.binary, each.host) for each in admin.block_storage.services()],
    )
    for found in (compute, network, storage):
        assert not once(found)
    assert not once(each.name for each in admin.compute.flavors())
    assert not once(each.name for each in admin.network.networks())
    assert not once(each.name for each in admin.block_storage.types())
    assert len(list(admin.compute.hypervisors())) == hypervisors
    found = admin.placement.get("/resource_providers").json()["resource_providers"]
    assert len(found) == hypervisors
