"""An OpenStack in a dictionary: it speaks the wire protocol of the calls that controllers make."""

from __future__ import annotations

import json
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any

import httpx2

Row = dict[str, Any]
Answer = tuple[int, Any]

KEYSTONE, NOVA, NEUTRON, CINDER, GLANCE, PLACEMENT = 5000, 8774, 9696, 8776, 9292, 8778
SINGULAR = {
    "projects": "project",
    "users": "user",
    "roles": "role",
    "domains": "domain",
    "regions": "region",
    "services": "service",
    "endpoints": "endpoint",
    "flavors": "flavor",
    "types": "volume_type",
    "networks": "network",
    "subnets": "subnet",
}
UNIQUE = {
    "projects": ("name", "domain_id"),
    "users": ("name", "domain_id"),
    "roles": ("name",),
    "domains": ("name",),
    "regions": ("id",),
    "flavors": ("name",),
    "types": ("name",),
    "networks": ("provider:physical_network",),
}
ADMIN = {"name": "admin", "password": "secret"}


class FakeOpenStack(httpx2.AsyncBaseTransport):
    """Answers as all six services, told apart by their ports."""

    def __init__(self, password: Callable[[], str] | None = None) -> None:
        self.tables: dict[str, dict[str, Row]] = {name: {} for name in SINGULAR}
        self.grants: set[tuple[str, str, str | None]] = set()
        self.requests: list[tuple[str, str]] = []
        self.password = password or (lambda: ADMIN["password"])
        self.tokens: set[str] = set()
        self.reports: dict[int, list[Row]] = {
            NOVA: [{"binary": f"nova-{one}", "state": "up"} for one in ("conductor", "scheduler")],
            CINDER: [{"binary": f"cinder-{one}", "state": "up"} for one in ("scheduler", "volume")],
        }
        self.pools: list[Row] = [{"name": "cinder@nfs#nfs"}]
        """What the volume scheduler has heard of."""
        self.broken: Callable[[str, str], Answer | None] = lambda _method, _path: None
        """Answers in the place of the service, when it does not answer None."""
        self.loses: Callable[[str, str], bool] = lambda _method, _path: False
        """Whether the answer is lost after the request was done."""
        for role in ("admin", "service", "member"):
            self.add("roles", name=role)

    def add(self, table: str, **fields: Any) -> Row:
        row = {"id": uuid.uuid4().hex, "description": "", "enabled": True, **fields}
        self.tables[table][row["id"]] = row
        return row

    def named(self, table: str, name: str) -> list[Row]:
        return [row for row in self.tables[table].values() if row.get("name") == name]

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.requests if one[0] != "GET" and "auth/tokens" not in one[1]]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = urllib.parse.unquote(request.url.path)
        self.requests.append((request.method, path))
        body = json.loads(await request.aread() or b"null")
        broken = self.broken(request.method, path)
        headers: dict[str, str] = {}
        if broken is not None:
            status, answer = broken
        elif path == "/v3/auth/tokens":
            status, answer, headers = self._token(body)
        elif request.headers.get("X-Auth-Token") not in self.tokens:
            status, answer = 401, {"error": {"message": "who are you?"}}
        else:
            query = dict(request.url.params)
            status, answer = self._answer(request.url.port or 0, request.method, path, query, body)
        if self.loses(request.method, path):
            raise httpx2.ReadError("connection lost", request=request)
        return httpx2.Response(status, json=answer, headers=headers, request=request)

    def revoke(self) -> None:
        self.tokens.clear()

    def _token(self, body: Any) -> tuple[int, Any, dict[str, str]]:
        user = body["auth"]["identity"]["password"]["user"]
        if (user["name"], user["password"]) != (ADMIN["name"], self.password()):
            return 401, {"error": {"message": "wrong password"}}, {}
        token = uuid.uuid4().hex
        self.tokens.add(token)
        known = {"project": {"id": "admin-project"}, "expires_at": "2199-01-01T00:00:00.000000Z"}
        return 201, {"token": known}, {"X-Subject-Token": token}

    def _answer(
        self, port: int, method: str, path: str, query: dict[str, str], body: Any
    ) -> Answer:
        if path == "/resource_providers":
            return 200, {"resource_providers": []}
        parts = path.strip("/").split("/")[1:]
        if port == CINDER:
            parts = parts[1:]
        listed = {
            "os-services": {"services": self.reports.get(port)},
            "scheduler-stats": {"pools": self.pools},
            "images": {"images": []},
            "secrets": {"secrets": []},
        }
        if parts[0] in listed:
            return 200, listed[parts[0]]
        if parts[0] == "role_assignments":
            return 200, {"role_assignments": self._assignments(query["user.id"])}
        if "users" in parts[1:] and method == "PUT":
            return self._grant(parts)
        return self._collection(method, parts, query, body)

    def _assignments(self, user: str) -> list[Row]:
        return [
            {
                "user": {"id": user},
                "role": {"name": self.tables["roles"][role]["name"]},
                "scope": {"project": {"id": project}} if project else {"system": {"all": True}},
            }
            for granted, role, project in self.grants
            if granted == user
        ]

    def _grant(self, parts: list[str]) -> Answer:
        project = parts[1] if parts[0] == "projects" else None
        user, role = parts[parts.index("users") + 1], parts[-1]
        self.grants.add((user, role, project))
        return 204, None

    def _collection(
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> Answer:
        table, rest = parts[0], parts[1:]
        rows, singular = self.tables[table], SINGULAR[table]
        if method == "POST" and rest[1:] == ["extra_specs"]:
            rows[rest[0]].setdefault("extra_specs", {}).update(body["extra_specs"])
            return 200, body
        if method == "POST":
            return self._create(table, body[singular])
        if not rest or rest == ["detail"]:
            plural = "volume_types" if table == "types" else table
            return 200, {plural: [row for row in rows.values() if _fits(row, query)]}
        row = rows.get(rest[0])
        if row is None:
            return 404, {"error": {"message": f"no {singular} {rest[0]}"}}
        if method == "DELETE":
            del rows[rest[0]]
            return 204, None
        if method in {"PATCH", "PUT"}:
            row.update({key: value for key, value in body[singular].items() if key != "password"})
        return 200, {singular: row}

    def _create(self, table: str, wanted: Row) -> Answer:
        unique = UNIQUE.get(table, ())
        key = [wanted.get(name) for name in unique]
        for row in self.tables[table].values():
            if unique and all(key) and [row.get(name) for name in unique] == key:
                return 409, {"error": {"message": f"{SINGULAR[table]} {key} exists"}}
        defaults: Row = {"admin_state_up": True} if table == "networks" else {}
        kept = {name: value for name, value in wanted.items() if name != "password"}
        return 201, {SINGULAR[table]: self.add(table, **{**defaults, **kept})}


def _fits(row: Row, query: dict[str, str]) -> bool:
    # As Neutron and Keystone do, a filter compares whole values.
    return all(
        str(row[name]).lower() == value.lower() for name, value in query.items() if name in row
    )
