"""A MariaDB in memory that speaks its wire protocol, as far as `ouranos.backing.sql` does.

Logins are checked as the real one checks them (mysql_native_password), so that a password that is
sent wrongly, or in a statement as anything but its hash, does not get in.
"""

from __future__ import annotations

import hashlib
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

ADMIN = "ouranos"
SALT = b"twenty-bytes-of-salt"
LOST = -1
"""The trouble by which the server ends in the middle of a statement."""
_PLUGIN = b"mysql_native_password"
_CAPABILITIES = 0x0008_A20D  # of 4.1, with databases, secure connections and plugins; no TLS
_QUIT, _QUERY, _PING = 1, 3, 14
_NO_DATABASE, _DENIED, _DENIED_DATABASE, _NO_TABLE, _NO_GRANT = 1049, 1045, 1044, 1146, 1141

Rows = list[tuple[str, ...]]


class Refused(Exception):
    """What the server answers with an error's number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def stored(password: str) -> str:
    once = hashlib.sha1(password.encode()).digest()
    return "*" + hashlib.sha1(once).hexdigest().upper()


@dataclass
class MariaDb:
    """What is in the server, and each statement that it was told."""

    users: dict[str, str] = field(default_factory=lambda: {ADMIN: stored("secret")})
    databases: set[str] = field(default_factory=set)
    grants: set[tuple[str, str]] = field(default_factory=set)
    marks: dict[tuple[str, str], tuple[str, ...]] | None = None
    trouble: int = 0
    trouble_with: str = ""
    said: list[str] = field(default_factory=list)
    logins: int = 0
    port: int = 0

    def admit(self, username: str, token: bytes, database: str) -> None:
        self.logins += 1
        kept = bytes.fromhex(self.users.get(username, "*")[1:])
        mask = hashlib.sha1(SALT + kept).digest()
        once = bytes(one ^ other for one, other in zip(token, mask, strict=False))
        if not kept or hashlib.sha1(once).digest() != kept:
            raise Refused(_DENIED, f"Access denied for user '{username}'")
        if database and username != ADMIN and (database, username) not in self.grants:
            raise Refused(_DENIED_DATABASE, f"Access denied to database '{database}'")

    def answer(self, statement: str) -> Rows | None:
        """Return rows, or None where there are none to return."""
        self.said.append(statement)
        if self.trouble == LOST:
            raise EOFError
        if self.trouble and self.trouble_with in statement:
            raise Refused(self.trouble, "trouble")
        for pattern, method in _STATEMENTS.items():
            if found := re.fullmatch(pattern, statement, re.DOTALL):
                return method(self, *found.groups())
        raise Refused(1064, f"You have an error in your SQL syntax: {statement}")

    def nothing(self) -> None:
        return None

    def version(self) -> Rows:
        return [("11.8.6-MariaDB-0+deb13u1",)]

    def schemata(self, name: str) -> Rows:
        return [("1",)] if name in self.databases else []

    def show_grants(self, username: str) -> Rows:
        if username not in self.users:
            raise Refused(_NO_GRANT, f"There is no such grant defined for user '{username}'")
        granted = [name for name, user in self.grants if user == username]
        escaped = [name.replace("_", "\\_") for name in granted]
        return [
            (f"GRANT USAGE ON *.* TO `{username}`@`%`",),
            *((f"GRANT ALL PRIVILEGES ON `{one}`.* TO `{username}`@`%`",) for one in escaped),
        ]

    def read_marks(self, database: str, username: str) -> Rows:
        if self.marks is None:
            raise Refused(_NO_TABLE, "Table 'ouranos.ownership' doesn't exist")
        wanted = {("database", database), ("user", username)}
        return [(*key, *values) for key, values in self.marks.items() if key in wanted]

    def make_table(self) -> None:
        self.marks = self.marks or {}

    def put_mark(self, *values: str) -> None:
        assert self.marks is not None
        self.marks[values[0], values[1]] = values[2:]

    def forget_mark(self, thing: str, name: str) -> None:
        if self.marks is None:
            raise Refused(_NO_TABLE, "Table 'ouranos.ownership' doesn't exist")
        self.marks.pop((thing, name), None)

    def create_database(self, name: str) -> None:
        self.databases.add(name)

    def drop_database(self, name: str) -> None:
        self.databases.discard(name)

    def create_user(self, username: str, kept: str) -> None:
        self.users.setdefault(username, kept)

    def alter_user(self, username: str, kept: str) -> None:
        self.users[username] = kept

    def create_user_by(self, username: str, password: str) -> None:
        self.create_user(username, stored(password))

    def alter_user_by(self, username: str, password: str) -> None:
        self.alter_user(username, stored(password))

    def drop_user(self, username: str) -> None:
        self.users.pop(username, None)

    def grant(self, pattern: str, username: str) -> None:
        self.grants.add((pattern.replace("\\_", "_"), username))


_STATEMENTS: dict[str, Callable[..., Rows | None]] = {
    r"SET (?:NAMES|AUTOCOMMIT|CHARACTER).*|COMMIT|CREATE DATABASE IF NOT EXISTS `ouranos`": (
        MariaDb.nothing
    ),
    r"SELECT VERSION\(\)": MariaDb.version,
    r"SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = '(.*)'": MariaDb.schemata,
    r"SHOW GRANTS FOR '(.*)'@'%'": MariaDb.show_grants,
    r"SELECT thing, .* name = '(.*)'\) OR .* name = '(.*)'\)": MariaDb.read_marks,
    r"CREATE TABLE IF NOT EXISTS `ouranos`\.`ownership` .*": MariaDb.make_table,
    r"INSERT INTO .* VALUES \('(.*)', '(.*)', '(.*)', '(.*)'\) ON .*": MariaDb.put_mark,
    r"DELETE FROM .* thing = '(.*)' AND name = '(.*)'": MariaDb.forget_mark,
    r"CREATE DATABASE IF NOT EXISTS `(.*)` CHARACTER SET utf8mb3 .*": MariaDb.create_database,
    r"DROP DATABASE IF EXISTS `(.*)`": MariaDb.drop_database,
    r"CREATE USER IF NOT EXISTS '(.*)'@'%' IDENTIFIED BY PASSWORD '(.*)'": MariaDb.create_user,
    r"ALTER USER '(.*)'@'%' IDENTIFIED BY PASSWORD '(.*)'": MariaDb.alter_user,
    r"CREATE USER IF NOT EXISTS '(.*)'@'%' IDENTIFIED BY '(.*)'": MariaDb.create_user_by,
    r"ALTER USER '(.*)'@'%' IDENTIFIED BY '(.*)'": MariaDb.alter_user_by,
    r"DROP USER IF EXISTS '(.*)'@'%'": MariaDb.drop_user,
    r"GRANT ALL PRIVILEGES ON `(.*)`\.\* TO '(.*)'@'%'": MariaDb.grant,
}


class _Session(socketserver.BaseRequestHandler):
    """One connection."""

    model: MariaDb
    sequence = 0

    def handle(self) -> None:
        try:
            self._serve()
        except (ConnectionError, EOFError):
            return

    def _serve(self) -> None:
        self._send(
            b"\x0a11.8.6-MariaDB\0" + struct.pack("<I", 1) + SALT[:8] + b"\0"
            + struct.pack("<HBHH", _CAPABILITIES & 0xFFFF, 45, 2, _CAPABILITIES >> 16)
            + bytes([21]) + bytes(10) + SALT[8:] + b"\0" + _PLUGIN + b"\0"
        )  # fmt: skip
        try:
            self.model.admit(*self._login(self._receive()))
        except Refused as error:
            self._refuse(error)
            return
        self._done()
        while (command := self._receive())[0] != _QUIT:
            if command[0] == _PING:
                self._done()
                continue
            assert command[0] == _QUERY
            try:
                rows = self.model.answer(command[1:].decode())
            except Refused as error:
                self._refuse(error)
                continue
            self._rows(rows) if rows is not None else self._done()

    @staticmethod
    def _login(packet: bytes) -> tuple[str, bytes, str]:
        username, _, rest = packet[32:].partition(b"\0")
        token, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
        has_database = struct.unpack("<I", packet[:4])[0] & 8
        database = rest.partition(b"\0")[0] if has_database else b""
        return username.decode(), token, database.decode()

    def _receive(self) -> bytes:
        head = self._read(4)
        self.sequence = head[3] + 1
        return self._read(int.from_bytes(head[:3], "little"))

    def _read(self, wanted: int) -> bytes:
        connection: socket.socket = self.request
        read = b""
        while len(read) < wanted:
            chunk = connection.recv(wanted - len(read))
            if not chunk:
                raise EOFError
            read += chunk
        return read

    def _send(self, body: bytes) -> None:
        self.request.sendall(len(body).to_bytes(3, "little") + bytes([self.sequence % 256]) + body)
        self.sequence += 1

    def _done(self) -> None:
        self._send(b"\0\0\0\x02\0\0\0")

    def _refuse(self, error: Refused) -> None:
        self._send(b"\xff" + struct.pack("<H", error.code) + b"#HY000" + str(error).encode())

    def _rows(self, rows: Rows) -> None:
        width = len(rows[0]) if rows else 1
        end = b"\xfe\0\0\x02\0"
        self._send(bytes([width]))
        for _ in range(width):
            names = b"".join(_text(one) for one in ("def", "", "", "", "c", "c"))
            self._send(names + struct.pack("<BHIBHBH", 12, 45, 1024, 0xFD, 0, 0, 0))
        self._send(end)
        for row in rows:
            self._send(b"".join(map(_text, row)))
        self._send(end)


def _text(value: str) -> bytes:
    return bytes([len(value)]) + value.encode()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def serving() -> Generator[MariaDb]:
    """Serve on a port of this machine's own address."""
    model = MariaDb()
    session: Any = type("Session", (_Session,), {"model": model})
    with _Server(("127.0.0.1", 0), session) as server:
        model.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join()
