"""What can be asked of a MariaDB server, and in which words? The only module that knows pymysql.

Every method opens a connection of its own, does one thing, and closes it: a caller that dies
between two methods leaves nothing open, and what one method did is either there or not.
"""

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, Protocol

import pymysql
import pymysql.err
from pymysql.constants import CR, ER

from ouranos.kit import conditions, effects, errors, seams

Arguments = ParamSpec("Arguments")

CONNECT_SECONDS: Final = 3
ANSWER_SECONDS: Final = 15

DATABASE: Final = "database"
USER: Final = "user"

MAKING: Final = "making"
"""The mark of a thing that is about to exist: it may be made, or made again."""
MADE: Final = "made"
"""The mark of a thing that has existed: if it is gone, data may be gone with it."""

_TABLE: Final = "`ouranos`.`ownership`"
_UNKNOWN_USER: Final = 1698  # what MariaDB answers to the login of a user that it does not have
_REFUSED: Final = frozenset(
    {
        _UNKNOWN_USER,
        ER.ACCESS_DENIED_ERROR,
        ER.DBACCESS_DENIED_ERROR,
    }
)
_LOST: Final = frozenset({CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST})
_ABSENT: Final = frozenset(
    {
        ER.BAD_DB_ERROR,
        ER.NO_SUCH_TABLE,
        ER.NONEXISTING_GRANT,
    }
)


@dataclass(frozen=True, slots=True)
class Login:
    """Where a server is, and as whom to speak to it.

    `encrypted` lets pymysql use TLS where the server offers it, for 25 ms of CPU per connection.
    """

    host: str
    port: int
    username: str
    password: str
    encrypted: bool = True

    def __repr__(self) -> str:
        return f"Login({self.username}@{self.host}:{self.port})"


@dataclass(frozen=True, slots=True)
class Mark:
    """Who a database or a user belongs to; kept in the table `ouranos.ownership` of the server."""

    owner: str
    state: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What one look at a server tells about a database and its user."""

    database: bool
    user: bool
    granted: bool
    database_mark: Mark | None
    user_mark: Mark | None


class Server(Protocol):
    """A server that holds databases. Every method MUST be safe to call twice."""

    async def version(self) -> str:
        """Return the server's version; proves that it answers and admits us."""
        ...

    async def look(self, database: str, username: str) -> Facts:
        """Return what exists under these two names, and whose it is."""
        ...

    async def mark(self, thing: str, name: str, mark: Mark) -> None:
        """Record whose a thing is. MUST be called before the thing is made."""
        ...

    async def unmark(self, thing: str, name: str) -> None:
        """Forget whose a thing is. MUST be called after the thing is gone."""
        ...

    async def create_database(self, name: str) -> None:
        """Make an empty database, unless it is there."""
        ...

    async def set_user(self, username: str, password: str) -> None:
        """Make a user, or give the present one this password."""
        ...

    async def grant(self, database: str, username: str) -> None:
        """Allow a user everything in one database."""
        ...

    async def admits(self, database: str, username: str, password: str) -> bool:
        """Whether the server lets this user into this database with this password."""
        ...

    async def drop_database(self, name: str) -> None:
        """Destroy a database, if it is there."""
        ...

    async def drop_user(self, username: str) -> None:
        """Remove a user, if it is there."""
        ...


Connect = Callable[[Login, seams.Blocking], Server]


def hashed(password: str) -> str:
    """Return a password as MariaDB keeps it (its documentation, "mysql_native_password")."""
    once = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(once, usedforsecurity=False).hexdigest().upper()


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return "`" + name.replace("`", "``") + "`"


class _Cursor(Protocol):
    def execute(self, query: str, args: object = None) -> int: ...
    def fetchone(self) -> tuple[Any, ...] | None: ...
    def fetchall(self) -> tuple[tuple[Any, ...], ...]: ...


class _Connection(Protocol):
    def cursor(self) -> contextlib.AbstractContextManager[_Cursor]: ...
    def commit(self) -> None: ...
    def ping(self, reconnect: bool) -> None: ...  # noqa: FBT001 - pymysql's own
    def close(self) -> None: ...
    @property
    def open(self) -> bool: ...


class MariaDb:
    """A MariaDB server that is reached over the network."""

    def __init__(self, login: Login, blocking: seams.Blocking) -> None:
        self._login = login
        self._blocking = blocking

    async def version(self) -> str:
        """Return the server's version; proves that it answers and admits us."""
        rows = await self._blocking(self._rows, "SELECT VERSION()")
        return str(rows[0][0]).split("-", 1)[0]

    async def look(self, database: str, username: str) -> Facts:
        """Return what exists under these two names, and whose it is."""
        return await self._blocking(self._look, database, username)

    async def mark(self, thing: str, name: str, mark: Mark) -> None:
        """Record whose a thing is."""
        await self._change(self._mark, thing, name, mark)

    async def unmark(self, thing: str, name: str) -> None:
        """Forget whose a thing is."""
        statement = f"DELETE FROM {_TABLE} WHERE thing = %s AND name = %s"  # noqa: S608 - a constant
        await self._change(self._do, statement, (thing, name))

    async def create_database(self, name: str) -> None:
        """Make an empty database, unless it is there."""
        words = "CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"
        await self._change(self._do, f"CREATE DATABASE IF NOT EXISTS {quoted(name)} {words}")

    async def set_user(self, username: str, password: str) -> None:
        """Make a user, or give the present one this password."""
        await self._change(self._set_user, username, password)

    async def grant(self, database: str, username: str) -> None:
        """Allow a user everything in one database."""
        statement = f"GRANT ALL PRIVILEGES ON {_pattern(database)}.* TO %s@'%%'"
        await self._change(self._do, statement, (username,))

    async def admits(self, database: str, username: str, password: str) -> bool:
        """Whether the server lets this user into this database with this password."""
        login = dataclasses.replace(self._login, username=username, password=password)
        return await self._blocking(_admits, login, database)

    async def drop_database(self, name: str) -> None:
        """Destroy a database, if it is there."""
        await self._change(self._do, f"DROP DATABASE IF EXISTS {quoted(name)}")

    async def drop_user(self, username: str) -> None:
        """Remove a user, if it is there."""
        await self._change(self._do, "DROP USER IF EXISTS %s@'%%'", (username,))

    async def _change(
        self, function: Callable[Arguments, None], *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> None:
        effects.note()
        await self._blocking(function, *args, **kwargs)

    def _look(self, database: str, username: str) -> Facts:
        with _connected(self._login) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", (database,)
            )
            has_database = cursor.fetchone() is not None
            grants = _grants(cursor, username)
            wanted = f"GRANT ALL PRIVILEGES ON {_pattern(database)}.* TO "
            marks = _marks(cursor, database, username)
            return Facts(
                database=has_database,
                user=grants is not None,
                granted=any(grant.startswith(wanted) for grant in grants or ()),
                database_mark=marks.get((DATABASE, database)),
                user_mark=marks.get((USER, username)),
            )

    def _mark(self, thing: str, name: str, mark: Mark) -> None:
        with _changing(self._login) as execute:
            execute("CREATE DATABASE IF NOT EXISTS `ouranos`", None)
            execute(
                f"CREATE TABLE IF NOT EXISTS {_TABLE} (thing VARCHAR(16), name VARCHAR(128), "
                "owner VARCHAR(320), state VARCHAR(16), since TIMESTAMP DEFAULT "
                "CURRENT_TIMESTAMP, PRIMARY KEY (thing, name)) CHARACTER SET utf8mb4 "
                "COLLATE utf8mb4_bin ENGINE InnoDB",
                None,
            )
            execute(
                f"INSERT INTO {_TABLE} (thing, name, owner, state) "  # noqa: S608 - a constant
                "VALUES (%s, %s, %s, %s) ON DUPLICATE KEY UPDATE "
                "owner = VALUES(owner), state = VALUES(state)",
                (thing, name, mark.owner, mark.state),
            )

    def _set_user(self, username: str, password: str) -> None:
        with _changing(self._login) as execute:
            # In the cloud's own network nothing is encrypted: there only the hash is sent. A server
            # elsewhere may be one that keeps passwords in another way.
            by, told = ("", password) if self._login.encrypted else ("PASSWORD ", hashed(password))
            for verb in ("CREATE USER IF NOT EXISTS", "ALTER USER"):
                execute(f"{verb} %s@'%%' IDENTIFIED BY {by}%s", (username, told))

    def _rows(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        with _connected(self._login) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def _do(self, statement: str, arguments: tuple[str, ...] = ()) -> None:
        with _changing(self._login) as execute:
            try:
                execute(statement, arguments or None)
            except pymysql.err.MySQLError as error:
                if _code(error) not in _ABSENT:
                    raise


def _pattern(database: str) -> str:
    """Return the database as GRANT wants it, where `_` and `%` would match any letters."""
    return quoted(database.replace("_", "\\_").replace("%", "\\%"))


def _grants(cursor: _Cursor, username: str) -> list[str] | None:
    """Return the user's grants, or None if there is no such user."""
    try:
        cursor.execute("SHOW GRANTS FOR %s@'%%'", (username,))
    except pymysql.err.MySQLError as error:
        if _code(error) in _ABSENT:
            return None
        raise
    return [str(row[0]) for row in cursor.fetchall()]


def _marks(cursor: _Cursor, database: str, username: str) -> dict[tuple[str, str], Mark]:
    try:
        cursor.execute(
            f"SELECT thing, name, owner, state FROM {_TABLE} "  # noqa: S608 - a constant
            "WHERE (thing = 'database' AND name = %s) OR (thing = 'user' AND name = %s)",
            (database, username),
        )
    except pymysql.err.MySQLError as error:
        if _code(error) in _ABSENT:
            return {}
        raise
    return {(thing, name): Mark(owner, state) for thing, name, owner, state in cursor.fetchall()}


def _admits(login: Login, database: str) -> bool:
    try:
        with _connected(login, database) as connection:
            connection.ping(reconnect=False)
    except errors.Terminal:
        return False
    return True


def _code(error: BaseException) -> int:
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


@contextlib.contextmanager
def _connected(login: Login, database: str | None = None) -> Generator["_Connection"]:
    """Hold a connection open, and translate what goes wrong on it.

    Raises:
        Terminal: the server refuses this login.
        Unreachable: the server is not there, or did not answer in time.
        Transient: it answered with another error.
    """
    where = f"MariaDB at {login.host}:{login.port}"
    try:
        connection: _Connection = pymysql.connect(
            host=login.host,
            port=login.port,
            user=login.username,
            password=login.password,
            database=database,
            charset="utf8mb4",
            ssl_disabled=not login.encrypted,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            write_timeout=ANSWER_SECONDS,
        )
        try:
            yield connection
        finally:
            if (
                connection.open
            ):  # pymysql has closed one that was lost, and hides why if asked again
                connection.close()
    except pymysql.err.MySQLError as error:
        if _code(error) in _REFUSED:
            # The server's own words tell a right that is missing from a wrong password.
            message = f"{where} refuses the user {login.username}: {_text(error)}"
            raise errors.Terminal(conditions.Reason.UNRECOVERABLE, message) from error
        sort = errors.Unreachable if _code(error) in _LOST else errors.Transient
        raise sort(f"{where}: {_text(error)}") from error


@contextlib.contextmanager
def _changing(login: Login) -> Generator[Callable[[str, object], None]]:
    """Hold a connection open for changes; each must pass the fence when it is sent.

    It may have waited for a thread, and for the connection.

    Raises:
        FencedError: it does not pass.
    """
    with _connected(login) as connection, connection.cursor() as cursor:

        def execute(statement: str, arguments: object) -> None:
            effects.prove()
            cursor.execute(statement, arguments)

        yield execute
        effects.prove()
        connection.commit()


def _text(error: BaseException) -> str:
    return str(error.args[-1]) if error.args else type(error).__name__
