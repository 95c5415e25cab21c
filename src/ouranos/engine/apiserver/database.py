"""Where do objects survive? One SQLite file; asked by the store, by nobody else.

The file is in WAL mode and every commit is synced, so what was answered is there after a kill or a
power loss. It is locked for as long as it is open: one writer process.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ouranos.kit.errors import OuranosError
from ouranos.kit.objects import Key

_APPLICATION = 0x4F55524E  # "OURN", so that file(1) and we know our own
_LAYOUT = 1
_TABLES = """
CREATE TABLE objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (resource, namespace, name)
);
CREATE TABLE version (only INTEGER PRIMARY KEY CHECK (only = 1), value INTEGER NOT NULL);
INSERT INTO version VALUES (1, 100);
"""
# Not REPLACE: that makes a new row, and writes three times the pages.
_PUT = (
    "INSERT INTO objects VALUES (?, ?, ?, ?) "
    "ON CONFLICT (resource, namespace, name) DO UPDATE SET data = excluded.data"
)


class DatabaseError(OuranosError):
    """The file cannot be used or written; the message says what a person can do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One object to write; without data, to remove."""

    resource: str
    key: Key
    data: bytes | None


class Database:
    """The SQLite file of one embedded API."""

    def __init__(self, path: Path) -> None:
        """Open or make the file and lock it.

        Raises:
            DatabaseError: another process has it, it is not ours, or it is damaged.
        """
        self._path = path
        self._closed = False
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def _open(self) -> sqlite3.Connection:
        path = self._path
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA cache_size = -1024")
            connection.execute("BEGIN EXCLUSIVE")
            self._lay_out(connection)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not tables:
            for statement in _TABLES.strip().split(";\n"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {_LAYOUT}")
        elif application != _APPLICATION:
            raise DatabaseError(f"{self._path} is a database of another program; not touching it")
        elif layout != _LAYOUT:
            raise DatabaseError(
                f"{self._path} has layout {layout}; this Ouranos reads {_LAYOUT}: use the "
                "version that wrote it"
            )

    def _translated(self, error: sqlite3.Error) -> DatabaseError:
        text = str(error)
        if "locked" in text:
            return DatabaseError(
                f"{self._path} is in use by another process; there may be one only"
            )
        return DatabaseError(f"{self._path} cannot be used: {text}")

    def load(self) -> Iterator[tuple[str, Key, bytes]]:
        """Give every object there is."""
        try:
            rows = self._connection.execute("SELECT resource, namespace, name, data FROM objects")
            for resource, namespace, name, data in rows:
                yield resource, Key(namespace, name), data
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def version(self) -> int:
        """Give the highest resourceVersion that was ever committed."""
        (value,) = self._connection.execute("SELECT value FROM version").fetchone()
        return int(value)

    def write(self, rows: Sequence[Row], version: int) -> None:
        """Write all rows, or none, and return once they are on the disk.

        Raises:
            DatabaseError: nothing was written; a later write may succeed.
        """
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            try:
                for row in rows:
                    if row.data is None:
                        execute(
                            "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?",
                            (row.resource, *row.key),
                        )
                    else:
                        execute(_PUT, (row.resource, *row.key, row.data))
                execute("UPDATE version SET value = ?", (version,))
                execute("COMMIT")
            except sqlite3.Error:
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Fold the log into the file and let go of it; twice is fine."""
        if not self._closed:
            self._closed = True
            self._connection.close()
