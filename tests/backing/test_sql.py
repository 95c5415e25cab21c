"""Are MariaDB's words and errors understood, over its own protocol?"""

from collections.abc import Iterator

import fake_mariadb
import pytest

from ouranos.backing import sql
from ouranos.kit import effects, errors, seams

pytestmark = pytest.mark.enable_socket
MADE = sql.Mark("ouranos:home/nova-api", sql.MADE)


@pytest.fixture
def model() -> Iterator[fake_mariadb.MariaDb]:
    with fake_mariadb.serving() as found:
        yield found


def server(
    model: fake_mariadb.MariaDb, password: str = "secret", *, encrypted: bool = False
) -> sql.MariaDb:
    login = sql.Login("127.0.0.1", model.port, fake_mariadb.ADMIN, password, encrypted=encrypted)
    return sql.MariaDb(login, seams.inline)


async def test_the_version_is_told_without_its_builder(model: fake_mariadb.MariaDb) -> None:
    assert await server(model).version() == "11.8.6"


async def test_a_wrong_password_is_terminal_and_a_lost_server_is_not(
    model: fake_mariadb.MariaDb,
) -> None:
    with pytest.raises(errors.Terminal, match="refuses the user ouranos") as refusal:
        await server(model, "wrong").version()
    assert "wrong" not in str(refusal.value)
    model.trouble = 1205
    with pytest.raises(errors.Transient, match="trouble"):
        await server(model).version()


async def test_a_right_that_is_missing_is_told(model: fake_mariadb.MariaDb) -> None:
    model.trouble, model.trouble_with = 1044, "CREATE DATABASE"
    with pytest.raises(errors.Terminal, match="refuses the user ouranos: trouble"):
        await server(model).mark(sql.DATABASE, "nova_api", MADE)


class _Fence:
    """Shut while somebody waits for the server to let him in."""

    def __init__(self, model: fake_mariadb.MariaDb) -> None:
        self._model = model

    def prove(self) -> None:
        if self._model.logins:
            raise effects.FencedError("the Lease is another's")


async def test_who_was_replaced_while_connecting_changes_nothing(
    model: fake_mariadb.MariaDb,
) -> None:
    it = server(model)
    with effects.fenced(_Fence(model)):
        for change in (
            it.mark(sql.DATABASE, "nova_api", MADE),
            it.set_user("nova", "first"),
            it.drop_database("glance"),
        ):
            model.logins = 0
            with pytest.raises(effects.FencedError):
                await change
            assert model.logins == 1
    assert not [one for one in model.said if not one.startswith("SET ")]


async def test_a_server_that_ends_in_the_middle_is_unreachable_and_says_why(
    model: fake_mariadb.MariaDb,
) -> None:
    model.trouble = fake_mariadb.LOST
    with pytest.raises(errors.Unreachable, match="Lost connection"):
        await server(model).look("nova_api", "nova")


async def test_an_empty_server_has_nothing_and_no_marks(model: fake_mariadb.MariaDb) -> None:
    nothing = sql.Facts(
        database=False, user=False, granted=False, database_mark=None, user_mark=None
    )
    assert await server(model).look("nova_api", "nova") == nothing


async def test_what_is_made_is_found_and_what_is_dropped_is_gone(
    model: fake_mariadb.MariaDb,
) -> None:
    it = server(model)
    await it.mark(sql.DATABASE, "nova_api", MADE)
    await it.mark(sql.USER, "nova", sql.Mark("ouranos:home", sql.MADE))
    await it.create_database("nova_api")
    await it.set_user("nova", "first'\\`")
    assert not (await it.look("nova_api", "nova")).granted
    await it.grant("nova_api", "nova")
    facts = await it.look("nova_api", "nova")
    assert facts.database
    assert facts.user
    assert facts.granted
    assert facts.database_mark == MADE
    assert facts.user_mark == sql.Mark("ouranos:home", sql.MADE)
    await it.drop_user("nova")
    await it.drop_database("nova_api")
    await it.unmark(sql.USER, "nova")
    await it.unmark(sql.DATABASE, "nova_api")
    gone = await it.look("nova_api", "nova")
    assert (gone.database, gone.user, gone.database_mark, gone.user_mark) == (0, 0, None, None)


async def test_a_database_whose_name_only_looks_alike_is_not_granted(
    model: fake_mariadb.MariaDb,
) -> None:
    model.users["nova"] = fake_mariadb.stored("x")
    model.grants.add(("novaXapi", "nova"))
    assert not (await server(model).look("nova_api", "nova")).granted
    await server(model).grant("nova_api", "nova")
    assert "GRANT ALL PRIVILEGES ON `nova\\_api`.* TO 'nova'@'%'" in model.said


@pytest.mark.parametrize("where", ["inside", "elsewhere"])
async def test_a_user_gets_in_by_the_last_password_alone(
    model: fake_mariadb.MariaDb, where: str
) -> None:
    it = server(model, encrypted=where == "elsewhere")
    await it.set_user("nova", "first")
    await it.set_user("nova", "second")
    await it.grant("nova_api", "nova")
    assert await it.admits("nova_api", "nova", "second")
    assert not await it.admits("nova_api", "nova", "first")
    assert not await it.admits("glance", "nova", "second")


async def test_a_name_cannot_end_its_statement(model: fake_mariadb.MariaDb) -> None:
    await server(model).create_database("no`va")
    await server(model).set_user("no'va", "x")
    assert "CREATE DATABASE IF NOT EXISTS `no``va` CHARACTER" in str(model.said)
    assert list(model.users) == [fake_mariadb.ADMIN, "no\\'va"]


async def test_inside_the_cloud_no_password_is_sent(model: fake_mariadb.MariaDb) -> None:
    await server(model).set_user("nova", "the-password")
    assert model.said
    assert "the-password" not in str(model.said)


async def test_what_is_gone_already_need_not_be_forgotten_twice(
    model: fake_mariadb.MariaDb,
) -> None:
    await server(model).unmark(sql.DATABASE, "nova_api")
    model.trouble = 1290
    with pytest.raises(errors.Transient, match="trouble"):
        await server(model).unmark(sql.DATABASE, "nova_api")


@pytest.mark.parametrize("statement", ["SHOW GRANTS", "SELECT thing"])
async def test_a_look_that_fails_halfway_is_told(
    model: fake_mariadb.MariaDb, statement: str
) -> None:
    model.trouble, model.trouble_with = 1205, statement
    with pytest.raises(errors.Transient, match="trouble"):
        await server(model).look("nova_api", "nova")


def test_a_password_is_kept_as_mariadb_keeps_it() -> None:
    # What SELECT PASSWORD('mariadb') returns, by MariaDB's documentation.
    assert sql.hashed("mariadb") == "*54958E764CE10E50764C2EECBB71D01F08549980"
