"""Servers in memory that speak as MariaDB and RabbitMQ do, and break on request."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import unquote

import httpx2

from ouranos.backing import broker, sql
from ouranos.kit import errors, seams


class Crash(BaseException):
    """The process dies here; nothing after it is run."""


@dataclass
class Fate:
    """Counts what is done to a server, and lets the process die at one point of it."""

    crash_at: int | None = None
    after: bool = False
    calls: int = 0
    writes: list[str] = field(default_factory=list)

    def step(self, what: str, change: Callable[[], Any] | None = None) -> None:
        self.calls += 1
        dies = self.calls == self.crash_at
        if dies and not self.after:
            raise Crash(what)
        if change is not None:
            self.writes.append(what)
            change()
        if dies:
            raise Crash(what)


@dataclass
class Databases:
    """A MariaDB server: databases, users with a password, grants, and the marks."""

    admin: str = ""
    databases: set[str] = field(default_factory=set)
    users: dict[str, str] = field(default_factory=dict)
    grants: set[tuple[str, str]] = field(default_factory=set)
    marks: dict[tuple[str, str], sql.Mark] = field(default_factory=dict)
    is_away: bool = False
    kept_out: set[str] = field(default_factory=set)
    fate: Fate = field(default_factory=Fate)
    logins: list[sql.Login] = field(default_factory=list)

    def connect(self, login: sql.Login, _blocking: seams.Blocking) -> sql.Server:
        self.logins.append(login)
        return self

    def _do(self, what: str, change: Callable[[], Any] | None = None) -> None:
        if self.is_away:
            raise errors.Unreachable("MariaDB does not answer")
        self.fate.step(what, change)

    async def version(self) -> str:
        self._do("version")
        return "11.8.6"

    async def look(self, database: str, username: str) -> sql.Facts:
        self._do("look")
        return sql.Facts(
            database=database in self.databases,
            user=username in self.users,
            granted=(database, username) in self.grants,
            database_mark=self.marks.get((sql.DATABASE, database)),
            user_mark=self.marks.get((sql.USER, username)),
        )

    async def mark(self, thing: str, name: str, mark: sql.Mark) -> None:
        self._do(f"mark {thing} {name}", lambda: self.marks.__setitem__((thing, name), mark))

    async def unmark(self, thing: str, name: str) -> None:
        self._do(f"unmark {thing} {name}", lambda: self.marks.pop((thing, name), None))

    async def create_database(self, name: str) -> None:
        assert (sql.DATABASE, name) in self.marks, "the mark comes first"
        self._do(f"create database {name}", lambda: self.databases.add(name))

    async def set_user(self, username: str, password: str) -> None:
        assert (sql.USER, username) in self.marks, "the mark comes first"
        self._do(f"set user {username}", lambda: self.users.__setitem__(username, password))

    async def grant(self, database: str, username: str) -> None:
        assert username in self.users
        self._do(f"grant {database} to {username}", lambda: self.grants.add((database, username)))

    async def admits(self, database: str, username: str, password: str) -> bool:
        self._do("admits")
        granted = (database, username) in self.grants and username not in self.kept_out
        return granted and self.users.get(username) == password

    async def drop_database(self, name: str) -> None:
        self._do(f"drop database {name}", lambda: self.databases.discard(name))

    async def drop_user(self, username: str) -> None:
        def drop() -> None:
            self.users.pop(username, None)
            self.grants = {one for one in self.grants if one[1] != username}

        self._do(f"drop user {username}", drop)


@dataclass
class Broker(httpx2.AsyncBaseTransport):
    """A RabbitMQ server's management API, as far as it is used; answers as 4.0 does."""

    accounts: dict[str, str] = field(default_factory=dict)
    vhosts: dict[str, str] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    permissions: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    fate: Fate = field(default_factory=Fate)
    trouble: int = 0
    page: str = ""

    def connect(self, login: broker.Login) -> broker.Server:
        return broker.Management(login, lambda: self)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.trouble == -1:
            raise httpx2.ConnectError("connection refused")
        if self.trouble:
            return httpx2.Response(self.trouble, json={"error": "bad"})
        if self.page:
            return httpx2.Response(200, text=self.page)
        path = request.url.raw_path.decode().partition("?")[0]
        kind, *rest = [unquote(part) for part in path.removeprefix("/api/").split("/")]
        body = json.loads(await request.aread() or b"{}")
        if request.method == "GET":
            self.fate.step(f"GET {path}")
            return self._get(kind, rest)
        self.fate.step(
            f"{request.method} {path}", lambda: self._change(request.method, kind, rest, body)
        )
        return httpx2.Response(201)

    def _get(self, kind: str, rest: list[str]) -> httpx2.Response:
        found: Any = None
        if kind == "overview":
            found = {"rabbitmq_version": "4.0.5"}
        elif kind == "vhosts" and rest[0] in self.vhosts:
            found = {"name": rest[0], "description": self.vhosts[rest[0]]}
        elif kind == "users":
            found = self.users.get(rest[0])
        elif kind == "permissions":
            found = self.permissions.get((rest[0], rest[1]))
        return httpx2.Response(404, json={}) if found is None else httpx2.Response(200, json=found)

    def _change(self, method: str, kind: str, rest: list[str], body: dict[str, Any]) -> None:
        if method == "DELETE":
            (self.vhosts if kind == "vhosts" else self.users).pop(rest[0], None)
        elif kind == "vhosts":
            self.vhosts[rest[0]] = body["description"]
        elif kind == "users":
            kept = broker.salted(body["password"], Random(1))
            self.users[rest[0]] = {"tags": body["tags"], "password_hash": kept}
        else:
            self.permissions[rest[0], rest[1]] = body
