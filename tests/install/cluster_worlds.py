"""Clusters to install Ouranos in: an embedded API, and what a test puts in the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ouranos.install import order, plan, work
from ouranos.kit import cluster, kinds, seams
from ouranos.kit.objects import Kind, Object

WANTED = order.Order(version="0.2.0")
NS = order.NAMESPACE
Resource = tuple[str, str]


@dataclass
class Door(httpx2.AsyncBaseTransport):
    """Passes requests on to the API, but for what a test has it answer itself."""

    api: httpx2.AsyncBaseTransport
    version: dict[str, str] | None = None
    denied: set[Resource] = field(default_factory=set[Resource])
    """Verb and resource that a review denies."""
    refused: dict[Resource, tuple[int, str]] = field(
        default_factory=dict[Resource, tuple[int, str]]
    )
    """Method and path's end: status and message of the answer."""
    answers: dict[str, Object] = field(default_factory=dict[str, Object])
    """Path's end: what is found there instead."""
    writes: list[str] = field(default_factory=list[str])

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == "/version" and self.version:
            return httpx2.Response(200, json=self.version)
        if path.endswith("/selfsubjectaccessreviews"):
            return self._review(json.loads(request.content))
        dry = request.url.params.get("dryRun")
        for (method, end), (status, message) in self.refused.items():
            if request.method == method and path.endswith(end):
                told = {"kind": "Status", "code": status, "message": message, "reason": "Said"}
                return httpx2.Response(status, json=told)
        for end, found in self.answers.items():
            if request.method == "GET" and path.endswith(end):
                return httpx2.Response(200, json=found)
        if request.method != "GET" and not dry:
            self.writes.append(f"{request.method} {path}")
        return await self.api.handle_async_request(request)

    def _review(self, review: Any) -> httpx2.Response:
        asked = review["spec"]["resourceAttributes"]
        allowed = (asked["verb"], asked["resource"]) not in self.denied
        return httpx2.Response(201, json={**review, "status": {"allowed": allowed}})


class World:
    """A cluster, as an installer sees it."""

    def __init__(self, source: cluster.Cluster, door: Door, given: seams.Seams) -> None:
        self.source = source
        self.door = door
        self.given = given
        self.said: list[str] = []

    async def plan(self, wanted: order.Order = WANTED, *, force: bool = False) -> plan.Plan:
        return await plan.made(self.source, wanted, force=force)

    async def install(self, wanted: order.Order = WANTED, *, force: bool = False) -> plan.Plan:
        made = await self.plan(wanted, force=force)
        await self.do(made, force=force)
        return made

    async def do(self, made: plan.Plan, *, force: bool = False) -> None:
        await work.carry_out(self.source, made, self.given, self.said.append, force=force)

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        return await self.source.get(kind, name, namespace)

    async def there(self, kind: Kind, name: str, namespace: str = "") -> Object:
        found = await self.get(kind, name, namespace)
        assert found is not None
        return found

    async def apply(self, kind: Kind, name: str, namespace: str = "", **content: Any) -> Object:
        """Apply an object as somebody else."""
        metadata = {"name": name, **content.pop("metadata", {})}
        if namespace:
            metadata["namespace"] = namespace
        head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}
        return await self.source.apply({**head, **content}, manager="somebody")

    async def annotate(self, kind: Kind, name: str, **metadata: Any) -> None:
        await self.source.patch(kind, name, "", {"metadata": metadata})


def actions(made: plan.Plan) -> dict[str, set[str]]:
    """The objects of a plan by what becomes of them."""
    found: dict[str, set[str]] = {}
    for row in made.rows:
        found.setdefault(row.action.value, set()).add(f"{row.kind.kind}/{row.key.name}")
    return found


def a_cloud(namespace: str = "home") -> Object:
    return {
        "apiVersion": kinds.CLOUD.api_version,
        "kind": "Cloud",
        "metadata": {"name": namespace, "namespace": namespace},
        "spec": {"release": "2026.2", "region": "here", "services": {"keystone": {}}},
    }


def said(error: Any) -> str:
    """Everything that a refusal says."""
    return "\n".join(f"{one.message} ({one.hint})" for one in error.value.troubles)
