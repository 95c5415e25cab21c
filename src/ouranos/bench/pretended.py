"""What stands in for databases, Keystones and kubelets when only the controllers are measured?

Everything that controllers are given answers at once and as they wish. The API server is real.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from ouranos.backing import page, sql
from ouranos.kit import cluster, errors, kinds, objects, seams
from ouranos.kit.objects import Object

Row = dict[str, Any]


@dataclass
class _Held:
    databases: set[str] = field(default_factory=set[str])
    users: dict[str, str] = field(default_factory=dict[str, str])
    granted: set[str] = field(default_factory=set[str])
    marks: dict[str, sql.Mark] = field(default_factory=dict[str, sql.Mark])


class Database:
    """A server with the databases, users and marks of one namespace, kept in a file."""

    def __init__(self, file: Path) -> None:
        """Read what a file holds, if there is one."""
        self._file = file
        there = file.exists()
        self._held = msgspec.json.decode(file.read_bytes(), type=_Held) if there else _Held()

    def _keep(self) -> None:
        self._file.write_bytes(msgspec.json.encode(self._held))

    async def version(self) -> str:
        """See `sql.Server`, as all that follow."""
        return "11.8.3"

    async def look(self, database: str, username: str) -> sql.Facts:
        """Tell what is there."""
        held = self._held
        return sql.Facts(
            database=database in held.databases,
            user=username in held.users,
            granted=f"{database} {username}" in held.granted,
            database_mark=held.marks.get(f"{sql.DATABASE} {database}"),
            user_mark=held.marks.get(f"{sql.USER} {username}"),
        )

    async def mark(self, thing: str, name: str, mark: sql.Mark) -> None:
        """Keep a mark."""
        self._held.marks[f"{thing} {name}"] = mark
        self._keep()

    async def unmark(self, thing: str, name: str) -> None:
        """Drop a mark."""
        self._held.marks.pop(f"{thing} {name}", None)
        self._keep()

    async def create_database(self, name: str) -> None:
        """Keep a name."""
        self._held.databases.add(name)
        self._keep()

    async def set_user(self, username: str, password: str) -> None:
        """Keep a user."""
        self._held.users[username] = password
        self._keep()

    async def grant(self, database: str, username: str) -> None:
        """Keep a grant."""
        self._held.granted.add(f"{database} {username}")
        self._keep()

    async def admits(self, database: str, username: str, password: str) -> bool:
        """Compare the password."""
        granted = f"{database} {username}" in self._held.granted
        return granted and self._held.users.get(username) == password

    async def drop_database(self, name: str) -> None:
        """Forget a name."""
        self._held.databases.discard(name)
        self._keep()

    async def drop_user(self, username: str) -> None:
        """Forget a user."""
        self._held.users.pop(username, None)
        self._keep()


def means(folder: Path) -> page.Means:
    """By what backing servers are reached: one pretended server per host name, kept in a folder."""
    servers: dict[str, Database] = {}

    def connect(login: sql.Login, _blocking: seams.Blocking) -> sql.Server:
        if login.host not in servers:
            servers[login.host] = Database(folder / login.host)
        return servers[login.host]

    async def ask(host: str, port: int, question: bytes, until: bytes) -> bytes:
        del host, port, question, until
        return b"VERSION 1.6.38\r\n"

    return page.Means(databases=connect, ask=ask)


class Keystones(httpx2.AsyncBaseTransport):
    """A Keystone at every address; it knows what was put into it, and lets everybody in."""

    def __init__(self, folder: Path) -> None:
        """Keep everything in a folder, so that the next process finds it."""
        self._folder = folder
        self._rows: dict[str, dict[str, Row]] = {}

    def _held(self, place: str) -> dict[str, Row]:
        if place not in self._rows:
            file = self._folder / f"keystone {place}"
            self._rows[place] = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
        return self._rows[place]

    def _keep(self, place: str, row: Row) -> None:
        rows = self._held(place)
        rows[row["id"]] = row
        (self._folder / f"keystone {place}").write_bytes(msgspec.json.encode(rows))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as Keystone does to the few requests that its page makes."""
        plural, _, identity = request.url.path.removeprefix("/v3/").partition("/")
        if plural == "auth":
            token = {"project": {"id": "admin"}, "expires_at": "2199-01-01T00:00:00.000000Z"}
            return _answer(201, {"token": token}, {"X-Subject-Token": "pretended"})
        place = f"{request.url.host} {plural.replace('/', ' ')}"
        rows = self._held(place)
        singular = plural.removesuffix("s")
        if request.method == "POST":
            given = msgspec.json.decode(await request.aread())[singular]
            row: Row = {"id": secrets.token_hex(8), "enabled": True, **given}
            self._keep(place, row)
            return _answer(201, {singular: row})
        if identity:
            return (
                _answer(200, {singular: rows[identity]}) if identity in rows else _answer(404, {})
            )
        query = request.url.params
        found = [
            row for row in rows.values() if all(str(row.get(key)) == query[key] for key in query)
        ]
        return _answer(200, {plural: found})


def _answer(status: int, body: Any, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.Response(status, json=body, headers=headers)


async def kubelets(source: cluster.Cluster) -> None:
    """Have every Job complete and every Deployment ready as soon as they are there, for ever."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_follow(source, kinds.JOB))
        tasks.create_task(_follow(source, kinds.DEPLOYMENT))


async def _follow(source: cluster.Cluster, kind: objects.Kind) -> None:
    listing = await source.list(kind)
    for obj in listing.items:
        await _have_done(source, obj)
    version = listing.resource_version
    while True:
        with contextlib.suppress(errors.Unreachable):
            async for event in source.watch(kind, resource_version=version, timeout=300):
                version = str(event.object["metadata"]["resourceVersion"])
                if event.type in {"ADDED", "MODIFIED"}:
                    await _have_done(source, event.object)


async def _have_done(source: cluster.Cluster, obj: Object) -> None:
    held = objects.mapping(obj, "status")
    generation = obj["metadata"].get("generation", 1)
    if kinds.of(obj) == kinds.JOB:
        status: Object = {
            "startTime": held.get("startTime", "2026-01-01T00:00:00Z"),
            "completionTime": held.get("completionTime", "2199-01-01T00:00:01Z"),
            "succeeded": 1,
            "conditions": [
                {"type": one, "status": "True"} for one in ("SuccessCriteriaMet", "Complete")
            ],
        }
    else:
        count = obj["spec"].get("replicas", 1)
        names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        status = {"observedGeneration": generation, **dict.fromkeys(names, count)}
    if any(held.get(key) != value for key, value in status.items() if key != "conditions"):
        key = objects.key_of(obj)
        with contextlib.suppress(errors.NotFound, errors.Conflict):
            await source.patch(
                kinds.of(obj), key.name, key.namespace, {"status": status}, subresource="status"
            )
