"""Is a claim on a database fulfilled, and nothing of a stranger's touched?"""

import asyncio
import base64

import backing_worlds as worlds
import fake_servers
import pytest

from ouranos.backing import claim, sql
from ouranos.kit import kinds

DATABASE = kinds.DATABASE
OURS = "ouranos:home/nova-api"
NO_TEXT = base64.b64encode(b"\xfe\xed").decode()


async def made(world: worlds.World) -> None:
    await world.claim()
    assert (await world.pass_over(DATABASE, "nova-api")).done
    world.databases.fate = fake_servers.Fate()


async def keep(world: worlds.World, secret: str, **data: str) -> None:
    """Put something into a Secret as it is."""
    await world.source.patch(kinds.SECRET, secret, "home", {"data": data})


async def test_a_claim_makes_one_database_and_one_user_and_says_where(
    world: worlds.World,
) -> None:
    await made(world)
    server = world.databases
    assert server.databases == {"nova_api"}
    assert server.users == {"nova": "first"}
    assert server.grants == {("nova_api", "nova")}
    assert server.marks[sql.DATABASE, "nova_api"].owner == OURS
    assert server.marks[sql.USER, "nova"].owner == "ouranos:home"
    found = await world.source.get(DATABASE, "nova-api", "home")
    assert found is not None
    told = found["status"]
    assert (told["host"], told["port"], told["tls"]) == ("mariadb", 3306, "Disabled")


async def test_a_second_pass_writes_nothing(world: worlds.World) -> None:
    await made(world)
    before = await world.source.get(DATABASE, "nova-api", "home")
    assert (await world.pass_over(DATABASE, "nova-api")).done
    assert world.databases.fate.writes == []
    assert await world.source.get(DATABASE, "nova-api", "home") == before


async def test_the_servers_own_account_is_used_and_not_encrypted_inside_the_cloud(
    world: worlds.World,
) -> None:
    await made(world)
    login = world.databases.logins[0]
    assert (login.host, login.port, login.username) == ("172.31.0.2", 3306, "ouranos")
    assert login.password == "of-the-server"
    assert not login.encrypted
    assert "of-the-server" not in repr(login)


@pytest.mark.parametrize(
    ("what", "mark", "said"),
    [
        ("database", None, "was not made by Ouranos"),
        ("database", "ouranos:home/other", "belongs to ouranos:home/other"),
        ("user", None, "was not made by Ouranos"),
        ("user", "ouranos:away", "belongs to ouranos:away"),
    ],
    ids=str,
)
async def test_a_strangers_thing_of_that_name_stops_the_claim_and_is_not_touched(
    world: worlds.World, what: str, mark: str | None, said: str
) -> None:
    server = world.databases
    if what == "database":
        server.databases.add("nova_api")
        name = "nova_api"
    else:
        server.users["nova"] = "theirs"
        name = "nova"
    if mark:
        server.marks[what, name] = sql.Mark(mark, sql.MADE)
    await world.claim()
    result = await world.pass_over(DATABASE, "nova-api")
    assert result.terminal
    assert said in result.sentence
    assert "ouranos.cloud/adopt=nova_api" in result.sentence
    assert server.users.get("nova") in {None, "theirs"}
    assert [one for one in server.fate.writes if what in one] == []


async def test_a_strangers_thing_is_taken_where_a_person_says_so(
    world: worlds.World,
) -> None:
    world.databases.databases.add("nova_api")
    world.databases.users["nova"] = "theirs"
    await world.claim()
    await world.annotate(DATABASE, "nova-api", adopt="nova_api")
    assert (await world.pass_over(DATABASE, "nova-api")).done
    assert world.databases.users == {"nova": "first"}
    assert world.databases.marks[sql.DATABASE, "nova_api"].owner == OURS


async def test_the_same_claim_of_another_cluster_in_a_shared_server_is_a_stranger(
    world: worlds.World,
) -> None:
    await world.external()
    await made(world)
    async with world.other_cluster() as other:
        await other.claim()
        result = await other.pass_over(DATABASE, "nova-api")
        assert result.terminal
        assert "(of another cluster)" in result.sentence
        await other.annotate(DATABASE, "nova-api", delete_data="nova_api")
        await other.source.delete(DATABASE, "nova-api", "home")
        await other.pass_over(DATABASE, "nova-api")
        assert await other.source.get(DATABASE, "nova-api", "home") is None
    assert world.databases.fate.writes == []


async def test_a_user_of_another_cluster_in_a_shared_server_is_a_stranger(
    world: worlds.World,
) -> None:
    await world.external()
    await made(world)
    async with world.other_cluster() as other:
        await other.claim("billing", "billing")
        result = await other.pass_over(DATABASE, "billing")
    assert result.terminal
    assert "the user nova" in result.sentence
    assert not [one for one in world.databases.fate.writes if "user" in one]


@pytest.mark.parametrize("whose", ["the cloud's own", "somebody else's"])
async def test_a_claim_made_again_finds_its_data(world: worlds.World, whose: str) -> None:
    if whose != "the cloud's own":
        await world.external()
    await made(world)
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert await world.source.get(DATABASE, "nova-api", "home") is None
    assert world.databases.databases == {"nova_api"}
    await world.claim()
    assert (await world.pass_over(DATABASE, "nova-api")).done
    assert not [one for one in world.databases.fate.writes if "create" in one]


@pytest.mark.parametrize(
    "damage",
    ["the user is dropped", "the password is changed", "the grant is revoked", "the Secret is new"],
)
async def test_what_can_be_made_again_is_made_again(world: worlds.World, damage: str) -> None:
    await made(world)
    server = world.databases
    if damage == "the user is dropped":
        server.users.clear()
        server.grants.clear()
    elif damage == "the password is changed":
        server.users["nova"] = "somebody else's"
    elif damage == "the grant is revoked":
        server.grants.clear()
    else:
        await world.secret("nova-database-1", "nova", "second")
    assert (await world.pass_over(DATABASE, "nova-api")).done
    assert server.users == {"nova": "second" if damage == "the Secret is new" else "first"}
    assert server.grants == {("nova_api", "nova")}


async def test_a_lost_database_is_not_made_again_unasked(world: worlds.World) -> None:
    await made(world)
    world.databases.databases.clear()
    result = await world.pass_over(DATABASE, "nova-api")
    assert result.terminal
    assert "ouranos.cloud/recreate-data=nova_api" in result.sentence
    assert world.databases.databases == set()
    status, reason, _ = await world.told(DATABASE, "nova-api", "DatabaseReady")
    assert (status, reason) == ("False", "Unrecoverable")


async def test_the_loss_of_the_whole_server_is_noticed_too(world: worlds.World) -> None:
    await made(world)
    world.databases.databases.clear()
    world.databases.marks.clear()
    world.databases.users.clear()
    assert (await world.pass_over(DATABASE, "nova-api")).terminal
    assert world.databases.databases == set()


async def test_a_lost_database_is_told_though_its_claim_was_made_again(
    world: worlds.World,
) -> None:
    await made(world)
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    world.databases.databases.clear()
    await world.claim()
    assert (await world.pass_over(DATABASE, "nova-api")).terminal
    assert world.databases.databases == set()


async def test_a_lost_database_is_made_again_once_when_a_person_says_so(
    world: worlds.World,
) -> None:
    await made(world)
    claim_ = await world.source.get(DATABASE, "nova-api", "home")
    assert claim_ is not None
    status = claim_["status"] | {"created": "2020-01-01T00:00:00Z"}
    await world.source.replace_status({**claim_, "status": status})
    world.databases.databases.clear()
    await world.annotate(DATABASE, "nova-api", recreate_data="nova_api")
    assert (await world.pass_over(DATABASE, "nova-api")).done
    assert world.databases.databases == {"nova_api"}
    found = await world.source.get(DATABASE, "nova-api", "home")
    assert found is not None
    assert found["status"]["created"] != status["created"]
    assert "ouranos.cloud/recreate-data" not in (found["metadata"].get("annotations") or {})
    world.databases.databases.clear()
    assert (await world.pass_over(DATABASE, "nova-api")).terminal


async def test_data_goes_with_the_claim_only_where_its_own_name_is_said(
    world: worlds.World,
) -> None:
    await made(world)
    await world.annotate(DATABASE, "nova-api", delete_data="nova")
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert world.databases.databases == {"nova_api"}
    await made(world)
    await world.annotate(DATABASE, "nova-api", delete_data="nova_api")
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert await world.source.get(DATABASE, "nova-api", "home") is None
    assert world.databases.databases == set()
    assert world.databases.users == {}
    assert world.databases.marks == {}


async def test_a_user_that_another_claim_needs_stays(world: worlds.World) -> None:
    await made(world)
    await world.claim("nova", "nova")
    assert (await world.pass_over(DATABASE, "nova")).done
    await world.annotate(DATABASE, "nova-api", delete_data="nova_api")
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert world.databases.databases == {"nova"}
    assert world.databases.users == {"nova": "first"}


async def test_claims_that_go_together_take_their_user_along(world: worlds.World) -> None:
    await made(world)
    await world.claim("nova", "nova")
    assert (await world.pass_over(DATABASE, "nova")).done
    going = {"nova-api": "nova_api", "nova": "nova"}
    for name, database in going.items():
        await world.annotate(DATABASE, name, delete_data=database)
        await world.source.delete(DATABASE, name, "home")
    await asyncio.gather(*(world.pass_over(DATABASE, name) for name in going))
    assert world.databases.databases == set()
    assert world.databases.users == {}
    assert world.databases.marks == {}


async def test_an_annotated_claim_on_a_server_that_is_gone_lets_go_and_says_what_stays(
    world: worlds.World,
) -> None:
    await made(world)
    await world.annotate(DATABASE, "nova-api", delete_data="nova_api")
    await world.source.delete(kinds.MARIADB, "mariadb", "home")
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert await world.source.get(DATABASE, "nova-api", "home") is None
    told = [one["message"] for one in (await world.source.list(kinds.EVENT)).items]
    assert "The database nova_api is kept: MariaDB mariadb went before" in told


@pytest.mark.parametrize(
    ("missing", "condition", "said"),
    [
        ("the server", "ServerReady", "MariaDB mariadb to exist"),
        ("its readiness", "ServerReady", "MariaDB mariadb to be available: its pod is not ready"),
        ("the Secret", "CredentialsReady", "Secret nova-database-1 to exist"),
    ],
)
async def test_what_is_awaited_is_said(
    world: worlds.World, missing: str, condition: str, said: str
) -> None:
    await world.claim()
    if missing == "the server":
        await world.source.delete(kinds.MARIADB, "mariadb", "home")
    elif missing == "its readiness":
        await world.available(kinds.MARIADB, "mariadb", "False")
    else:
        await world.source.delete(kinds.SECRET, "nova-database-1", "home")
    result = await world.pass_over(DATABASE, "nova-api")
    assert not result.failures
    assert said in (await world.told(DATABASE, "nova-api", condition))[2]
    assert world.databases.fate.writes == []


async def test_a_strangers_thing_stays_whatever_is_said_of_a_claim_that_goes(
    world: worlds.World,
) -> None:
    await made(world)
    server = world.databases
    server.marks[sql.DATABASE, "nova_api"] = sql.Mark("ouranos:away/nova-api", sql.MADE)
    server.marks[sql.USER, "nova"] = sql.Mark("ouranos:away", sql.MADE)
    await world.annotate(DATABASE, "nova-api", delete_data="nova_api")
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert await world.source.get(DATABASE, "nova-api", "home") is None
    assert server.databases == {"nova_api"}
    assert server.users == {"nova": "first"}


async def test_a_user_whose_secret_is_gone_stays(world: worlds.World) -> None:
    await made(world)
    await world.annotate(DATABASE, "nova-api", delete_data="nova_api")
    await world.source.delete(kinds.SECRET, "nova-database-1", "home")
    await world.source.delete(DATABASE, "nova-api", "home")
    await world.pass_over(DATABASE, "nova-api")
    assert world.databases.databases == set()
    assert world.databases.users == {"nova": "first"}


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("the password", "Secret nova-database-1 has no key password"),
        ("its text", "Secret nova-database-1 has no text under the key password"),
        ("the address", "Service mariadb has no address"),
    ],
)
async def test_what_is_missing_for_the_moment_is_tried_again(
    world: worlds.World, missing: str, said: str
) -> None:
    await world.claim()
    if missing == "the password":
        await world.secret("nova-database-1", "nova", "")
    elif missing == "its text":
        await keep(world, "nova-database-1", password=NO_TEXT)
    else:
        await world.source.delete(kinds.SERVICE, "mariadb", "home")
    result = await world.pass_over(DATABASE, "nova-api")
    assert result.failures
    assert not result.terminal
    assert said in result.sentence


async def test_a_secret_may_hold_more_than_text(world: worlds.World) -> None:
    await world.claim()
    await keep(world, "mariadb-root-1", truststore=NO_TEXT)
    assert (await world.pass_over(DATABASE, "nova-api")).done


async def test_one_user_with_two_secrets_is_refused_to_the_claim_that_comes_second(
    world: worlds.World,
) -> None:
    await made(world)
    await world.claim("billing", "billing", "billing-1")
    await world.secret("billing-1", "nova", "another")
    result = await world.pass_over(DATABASE, "billing")
    assert result.terminal
    assert "Secret billing-1 here, and in Secret nova-database-1 for Database nova-api" in (
        result.sentence
    )
    assert world.databases.users == {"nova": "first"}
    assert (await world.pass_over(DATABASE, "nova-api")).done


async def test_a_user_whom_another_account_keeps_out_is_told(world: worlds.World) -> None:
    world.databases.kept_out.add("nova")
    await world.claim()
    result = await world.pass_over(DATABASE, "nova-api")
    assert result.terminal
    assert "does not let the user nova into the database nova_api" in result.sentence
    world.databases.kept_out.clear()
    assert (await world.pass_over(DATABASE, "nova-api")).done


async def test_a_server_that_is_away_is_asked_again_later(world: worlds.World) -> None:
    await world.claim()
    world.databases.is_away = True
    result = await world.pass_over(DATABASE, "nova-api")
    assert result.failures
    assert not result.terminal
    world.databases.is_away = False
    assert (await world.pass_over(DATABASE, "nova-api")).done


async def test_a_server_that_tells_nobody_is_looked_at_once_a_minute(world: worlds.World) -> None:
    await made(world)
    assert (await world.pass_over(DATABASE, "nova-api")).again_in == claim.AGAIN
