"""How does an interrupted first schema begin anew? By a marker that is only there while it is made.

MariaDB commits each `CREATE TABLE` by itself, so a first migration that is killed leaves tables
that the next run stumbles over. A database that was empty gets a marker table before anything
else; the marker goes when the schema is whole. Found at the start, it proves that no service has
ever used the database, so that what is in it may go. A database with tables and no marker is never
emptied.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Generator, Sequence
from typing import Any

from ouranos_runtime import process

MARKER = "ouranos_schema_in_the_making"


def url(section: str = "database", *, database: str | None = None) -> str:
    """The URL of a section's `connection`, out of the environment.

    Args:
        section: The section of the configuration.
        database: Another database of the same server and user.
    """
    given = os.environ[f"OS_{section.upper()}__CONNECTION"]
    return (
        given
        if database is None
        else urllib.parse.urlsplit(given)._replace(path=f"/{database}").geturl()
    )


@contextlib.contextmanager
def guarded(*urls: str) -> Generator[None, None, None]:
    """Hold databases for oneself while their schemas are made or brought up to date.

    Raises:
        process.NotYetError: A database does not answer, or another process holds it.
    """
    with contextlib.ExitStack() as stack:
        for one in urls:
            stack.enter_context(_guarded(one))
        yield


@contextlib.contextmanager
def _guarded(where: str) -> Generator[None, None, None]:
    pymysql: Any = importlib.import_module("pymysql")
    parts = urllib.parse.urlsplit(where)
    database = parts.path.lstrip("/")
    try:
        connection = pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=urllib.parse.unquote(parts.username or ""),
            password=urllib.parse.unquote(parts.password or ""),
            database=database,
            connect_timeout=10,
            autocommit=True,
        )
    except pymysql.err.OperationalError as error:
        raise process.NotYetError(f"database {database}: {error.args[-1]}") from error
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, 0)", (f"ouranos:{database}",))
        if cursor.fetchone() != (1,):
            raise process.NotYetError(f"database {database}: another process makes its schema")
        prepare(cursor)
        yield
        # The session may have timed out during a long migration.
        connection.ping(reconnect=True)
        cursor.execute(f"DROP TABLE IF EXISTS `{MARKER}`")


def prepare(cursor: Any) -> None:
    """Mark an empty database, and empty one that is still marked; leave any other alone."""
    cursor.execute("SHOW TABLES")
    tables = {row[0] for row in cursor.fetchall()}
    if not tables:
        cursor.execute(f"CREATE TABLE `{MARKER}` (id INT PRIMARY KEY)")
    elif MARKER in tables:
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        for table in sorted(tables - {MARKER}):
            cursor.execute(f"DROP TABLE `{table}`")
        cursor.execute("SET FOREIGN_KEY_CHECKS = 1")


def split(command_line: Sequence[str]) -> tuple[list[str], list[str]]:
    """The sections and the command.

    Raises:
        SystemExit: One of them is missing.
    """
    words = list(command_line)
    at = words.index("--") if "--" in words else 0
    if not words[:at] or not words[at + 1 :]:
        raise SystemExit("usage: python3 -m ouranos_runtime.schema SECTION… -- COMMAND…")
    return words[:at], words[at + 1 :]


def main() -> None:
    """Run a command on databases that nobody else works on."""
    sections, command = split(sys.argv[1:])

    def work() -> None:
        with guarded(*(url(section) for section in sections)):
            subprocess.run(command, check=True)  # noqa: S603 - the page's own command

    process.run(f"The schema by {command[0]}", work)


if __name__ == "__main__":
    main()
