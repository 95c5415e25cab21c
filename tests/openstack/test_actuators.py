"""Does every actuator keep the contract: once, ours, made again, never a stranger's?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import fake_openstack
import pytest

from ouranos.kit import errors
from ouranos.openstack import actuator, client, identity, inventory, resources

MARK = actuator.mark_of("home", "keystone")
USER = identity.User("nova", "first")
ENTRY = identity.Entry("compute", "nova")
URL = identity.Url("service-id", "public", "Düdingen Test", "http://a:8774/v2.1")
FLAVOR = resources.Flavor("m1.nano", 1, 128, 1)
TYPE = resources.VolumeType("nfs", "nfs")
NETWORK = resources.ProviderNetwork("public", "public", "172.24.4.0/24")


@dataclass(frozen=True)
class Case:
    """One kind of thing: how it is made sure of, in which table, and what names it."""

    table: str
    make: Callable[[client.Session], Any]
    wanted: Any
    name: str = "name"

    async def ensure(self, session: client.Session) -> actuator.Found:
        return await actuator.ensure(self.make(session), self.wanted, MARK)


CASES = {
    "project": Case("projects", identity.Projects, "service"),
    "user": Case("users", identity.Users, USER),
    "role": Case("roles", identity.Roles, "creator"),
    "domain": Case("domains", identity.Domains, "heat"),
    "region": Case("regions", identity.Regions, "Düdingen Test", name="id"),
    "entry": Case("services", identity.Entries, ENTRY, name="type"),
    "endpoint": Case("endpoints", identity.Urls, URL, name="interface"),
    "flavor": Case("flavors", lambda s: inventory.Flavors(s, "http://nova:8774"), FLAVOR),
    "type": Case("types", lambda s: inventory.VolumeTypes(s, "http://cinder:8776", "p"), TYPE),
    "network": Case("networks", lambda s: inventory.Networks(s, "http://neutron:9696"), NETWORK),
    "subnet": Case("subnets", lambda s: inventory.Subnets(s, "http://neutron:9696", "n"), NETWORK),
}
every = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
Cloud = fake_openstack.FakeOpenStack


def ours(cloud: Cloud, case: Case) -> list[dict[str, Any]]:
    return [row for row in cloud.tables[case.table].values() if row["description"] == MARK]


@every
async def test_a_thing_is_made_once_and_a_second_pass_writes_nothing(
    cloud: Cloud, session: client.Session, case: Case
) -> None:
    first = await case.ensure(session)
    written = len(cloud.writes)
    second = await case.ensure(session)
    assert first["id"] == second["id"]
    assert len(cloud.writes) == written
    assert len(ours(cloud, case)) == 1


@every
async def test_a_thing_deleted_behind_our_back_is_made_again(
    cloud: Cloud, session: client.Session, case: Case
) -> None:
    gone = await case.ensure(session)
    del cloud.tables[case.table][gone["id"]]
    await case.ensure(session)
    assert len(ours(cloud, case)) == 1


@every
async def test_a_lost_answer_leaves_one(cloud: Cloud, session: client.Session, case: Case) -> None:
    await session.token()
    cloud.loses = lambda method, _: method == "POST"
    with pytest.raises(errors.Transient):
        await case.ensure(session)
    cloud.loses = lambda *_: False
    await case.ensure(session)
    assert len(ours(cloud, case)) == 1


@every
async def test_a_strangers_thing_is_left_alone(
    cloud: Cloud, session: client.Session, case: Case
) -> None:
    made = await case.ensure(session)
    row = cloud.tables[case.table][made["id"]]
    row["description"] = "mine, says a stranger"
    before = dict(row)
    with pytest.raises(errors.Terminal, match="hint"):
        await case.ensure(session)
    assert cloud.tables[case.table][made["id"]] == before


@every
async def test_two_of_ours_are_for_a_person_to_sort_out(
    cloud: Cloud, session: client.Session, case: Case
) -> None:
    made = await case.ensure(session)
    if case.table == "regions":
        return  # a region's name is its ID: there are no two
    cloud.add(case.table, **{**made, "id": "second"})
    with pytest.raises(errors.Terminal, match="there are 2"):
        await case.ensure(session)


@every
async def test_a_name_that_only_begins_alike_is_somebody_elses(
    cloud: Cloud, session: client.Session, case: Case
) -> None:
    made = await case.ensure(session)
    row = cloud.tables[case.table].pop(made["id"])
    longer = {**row, "id": "decoy", case.name: f"{row[case.name]}-2", "description": "x"}
    longer["provider:physical_network"] = "other"
    cloud.tables[case.table]["decoy"] = longer
    await case.ensure(session)
    assert len(ours(cloud, case)) == 1


UPDATES: dict[str, tuple[str, dict[str, Any]]] = {
    "project": ("project", {"enabled": False}),
    "user": ("user", {"enabled": False}),
    "domain": ("domain", {"enabled": False}),
    "entry": ("entry", {"enabled": False, "name": "other"}),
    "endpoint": ("endpoint", {"url": "http://old"}),
    "type": ("type", {"extra_specs": {}}),
    "network": ("network", {"admin_state_up": False}),
    "subnet": ("subnet", {"gateway_ip": "172.24.4.9"}),
}


@pytest.mark.parametrize(("kind", "changed"), UPDATES.values(), ids=UPDATES.keys())
async def test_what_was_changed_behind_our_back_is_put_right(
    cloud: Cloud, session: client.Session, kind: str, changed: dict[str, Any]
) -> None:
    case = CASES[kind]
    made = await case.ensure(session)
    right = dict(cloud.tables[case.table][made["id"]])
    cloud.tables[case.table][made["id"]].update(changed)
    await case.ensure(session)
    assert cloud.tables[case.table][made["id"]] == right


async def test_a_new_password_reaches_the_user_without_being_kept_beside_it(
    cloud: Cloud, session: client.Session
) -> None:
    users = identity.Users(session)
    await actuator.ensure(users, USER, MARK)
    await actuator.ensure(users, identity.User("nova", "second"), MARK)
    assert [one for one in cloud.writes if one[0] == "PATCH"] != []
    assert "second" not in str(cloud.tables["users"])


async def test_a_clash_that_turns_out_ours_is_no_clash(
    cloud: Cloud, session: client.Session
) -> None:
    projects = identity.Projects(session)
    listing: list[Callable[[], Awaitable[Any]]] = []

    def faster(method: str, path: str) -> fake_openstack.Answer | None:
        if method == "POST" and path.endswith("/projects") and not listing:
            listing.append(session.token)
            cloud.add("projects", name="service", domain_id="default", description=MARK)
        return None

    cloud.broken = faster
    await actuator.ensure(projects, "service", MARK)
    assert len(cloud.named("projects", "service")) == 1


async def test_roles_are_granted_on_a_project_and_on_the_system(
    cloud: Cloud, session: client.Session
) -> None:
    roles = identity.Roles(session)
    await roles.grant("admin", "someone", "project")
    await roles.grant("service", "someone", None)
    assert await roles.granted("someone") == {("admin", "project"), ("service", None)}
    with pytest.raises(errors.Transient):
        await roles.grant("none", "someone", None)
    assert cloud.grants != set()


def test_a_public_network_gives_out_all_but_its_ends() -> None:
    assert NETWORK.gateway == "172.24.4.1"
    assert NETWORK.pool == ("172.24.4.2", "172.24.4.254")
