"""Which statements does a MariaDB server get, and what is made of its answers and refusals?"""

import dataclasses
from typing import Any, Self

import pymysql
import pytest
from pymysql.constants import ER

from ouranos.backing import sql
from ouranos.kit import errors, seams

LOGIN = sql.Login("mariadb", 3306, "root", "rootpassword")
MARK = sql.Mark("home/keystone", "1234", sql.MAKING)


class Server:
    """A server's other end: answers by how a statement begins, and keeps what it was told."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[tuple[Any, ...], ...]] = {}
        self.fails: dict[str, int] = {}
        self.refuses: int | None = None
        self.said: list[tuple[str, Any]] = []
        self.logins: list[dict[str, Any]] = []
        self.commits = 0
        self.open = 0
        self._last: tuple[tuple[Any, ...], ...] = ()

    def connect(self, **given: Any) -> "Server":
        self.logins.append(given)
        if self.refuses == 0:
            raise TimeoutError("timed out")
        if self.refuses is not None:
            raise pymysql.err.OperationalError(self.refuses, "as the test wants")
        self.open += 1
        return self

    def cursor(self) -> "Server":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """A cursor holds nothing."""

    def execute(self, statement: str, given: Any = None) -> None:
        self.said.append((statement, given))
        for begins, code in self.fails.items():
            if statement.startswith(begins):
                raise pymysql.err.OperationalError(code, "as the test wants")
        self._last = next(
            (rows for begins, rows in self.rows.items() if statement.startswith(begins)), ()
        )

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self._last), None)

    def fetchall(self) -> tuple[tuple[Any, ...], ...]:
        return self._last

    def commit(self) -> None:
        self.commits += 1

    def ping(self, *, reconnect: bool) -> None:
        assert not reconnect

    def close(self) -> None:
        self.open -= 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(pymysql, "connect", made.connect)
    return made


@pytest.fixture
def mariadb() -> sql.MariaDb:
    return sql.MariaDb(LOGIN, seams.inline)


async def test_a_version_is_a_number(server: Server, mariadb: sql.MariaDb) -> None:
    server.rows["SELECT VERSION"] = (("11.8.3-MariaDB-0+deb13u1",),)
    assert await mariadb.version() == "11.8.3"
    assert server.open == 0


async def test_one_look_tells_what_is_there_and_whose_it_is(
    server: Server, mariadb: sql.MariaDb
) -> None:
    server.rows = {
        "SELECT 1 FROM": ((1,),),
        "SHOW GRANTS": (
            ("GRANT USAGE ON *.* TO `nova`@`%`",),
            (r"GRANT ALL PRIVILEGES ON `nova\_api`.* TO `nova`@`%`",),
        ),
        "SELECT thing": (
            ("database", "nova_api", "home/nova", "1", sql.MADE),
            ("user", "nova", "home/nova", "1", sql.MAKING),
        ),
    }
    assert await mariadb.look("nova_api", "nova") == sql.Facts(
        database=True,
        user=True,
        granted=True,
        database_mark=sql.Mark("home/nova", "1", sql.MADE),
        user_mark=sql.Mark("home/nova", "1", sql.MAKING),
    )
    other = await mariadb.look("novaXapi", "nova")
    assert not other.granted
    assert other.database_mark is None


async def test_what_nobody_has_made_yet_is_absent(server: Server, mariadb: sql.MariaDb) -> None:
    server.fails = {"SHOW GRANTS": ER.NONEXISTING_GRANT, "SELECT thing": ER.NO_SUCH_TABLE}
    assert await mariadb.look("nova", "nova") == sql.Facts(
        database=False, user=False, granted=False, database_mark=None, user_mark=None
    )


@pytest.mark.parametrize("begins", ["SHOW GRANTS", "SELECT thing"])
async def test_any_other_trouble_is_not_taken_for_absence(
    server: Server, mariadb: sql.MariaDb, begins: str
) -> None:
    server.fails = {begins: ER.LOCK_WAIT_TIMEOUT}
    with pytest.raises(errors.Transient):
        await mariadb.look("nova", "nova")
    assert server.open == 0


async def test_a_mark_is_kept_in_a_table_that_is_made_for_it(
    server: Server, mariadb: sql.MariaDb
) -> None:
    await mariadb.mark(sql.DATABASE, "nova", MARK)
    said = [statement for statement, _ in server.said]
    assert said[0] == "CREATE DATABASE IF NOT EXISTS `ouranos`"
    assert said[1].startswith("CREATE TABLE IF NOT EXISTS `ouranos`.`ownership`")
    assert server.said[2][1] == ("database", "nova", "home/keystone", "1234", "making")
    assert server.commits == 1
    await mariadb.unmark(sql.DATABASE, "nova")
    assert server.said[3] == (
        "DELETE FROM `ouranos`.`ownership` WHERE thing = %s AND name = %s",
        ("database", "nova"),
    )


async def test_names_cannot_become_statements(server: Server, mariadb: sql.MariaDb) -> None:
    await mariadb.create_database("a`; DROP DATABASE b")
    await mariadb.grant("nova_api%", "nova")
    await mariadb.drop_database("x`")
    await mariadb.drop_user("x'")
    assert [(one.partition(" CHARACTER")[0], given) for one, given in server.said] == [
        ("CREATE DATABASE IF NOT EXISTS `a``; DROP DATABASE b`", None),
        (r"GRANT ALL PRIVILEGES ON `nova\_api\%`.* TO %s@'%%'", ("nova",)),
        ("DROP DATABASE IF EXISTS `x```", None),
        ("DROP USER IF EXISTS %s@'%%'", ("x'",)),
    ]


async def test_where_nothing_is_encrypted_only_a_hash_is_sent(server: Server) -> None:
    bare = sql.MariaDb(dataclasses.replace(LOGIN, encrypted=False), seams.inline)
    await bare.set_user("nova", "secret")
    assert [statement for statement, _ in server.said] == [
        "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY PASSWORD %s",
        "ALTER USER %s@'%%' IDENTIFIED BY PASSWORD %s",
    ]
    # SELECT PASSWORD('secret')
    assert server.said[0][1] == ("nova", "*14E65567ABDB5135D0CFD9A70B3032C179A49EE7")
    assert server.logins[0]["ssl_disabled"]


async def test_where_it_is_encrypted_the_server_makes_the_hash(
    server: Server, mariadb: sql.MariaDb
) -> None:
    await mariadb.set_user("nova", "secret")
    assert server.said[1] == ("ALTER USER %s@'%%' IDENTIFIED BY %s", ("nova", "secret"))


async def test_to_remove_what_is_gone_already_is_no_trouble(
    server: Server, mariadb: sql.MariaDb
) -> None:
    server.fails = {"DELETE": ER.NO_SUCH_TABLE, "DROP": ER.LOCK_WAIT_TIMEOUT}
    await mariadb.unmark(sql.USER, "nova")
    with pytest.raises(errors.Transient):
        await mariadb.drop_database("nova")


async def test_a_user_is_admitted_or_not(server: Server, mariadb: sql.MariaDb) -> None:
    assert await mariadb.admits("nova", "nova", "right")
    login = server.logins[-1]
    assert (login["user"], login["password"], login["database"]) == ("nova", "right", "nova")
    server.refuses = ER.ACCESS_DENIED_ERROR
    assert not await mariadb.admits("nova", "nova", "wrong")
    server.refuses = 2003
    with pytest.raises(errors.Transient, match="MariaDB at mariadb:3306"):
        await mariadb.admits("nova", "nova", "right")


async def test_a_refused_login_is_for_a_person_and_names_no_password(
    server: Server, mariadb: sql.MariaDb
) -> None:
    server.refuses = ER.ACCESS_DENIED_ERROR
    with pytest.raises(errors.Terminal) as caught:
        await mariadb.version()
    assert "rootpassword" not in str(caught.value)
    assert "rootpassword" not in repr(LOGIN)


async def test_a_server_that_is_not_there_is_unreachable(
    server: Server, mariadb: sql.MariaDb
) -> None:
    server.refuses = 0
    with pytest.raises(errors.Unreachable, match="MariaDB at mariadb:3306: timed out"):
        await mariadb.version()
