"""A Kubernetes API in a dictionary, as far as the kit's own tests need it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ouranos.kit import cluster, kinds

_PLURALS = {(k.group, k.plural): k for k in kinds.known()}


class _Stream(httpx2.AsyncByteStream):
    def __init__(self, api: "FakeApi", plural: str, after: int) -> None:
        self.api, self.plural, self.after = api, plural, after

    async def __aiter__(self) -> AsyncIterator[bytes]:
        index = 0
        while True:
            while index < len(self.api.log):
                version, plural, event = self.api.log[index]
                index += 1
                if version > self.after and plural == self.plural:
                    yield json.dumps(event).encode() + b"\n"
            async with self.api.changed:
                await self.api.changed.wait()
            if self.api.cut:
                return


class FakeApi(httpx2.AsyncBaseTransport):
    """Answers the verbs that the client speaks; keeps a log for watches."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.version = 0
        self.log: list[tuple[int, str, dict[str, Any]]] = []
        self.requests: list[tuple[str, str]] = []
        self.changed = asyncio.Condition()
        self.oldest = 0
        self.cut = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        parts = request.url.path.strip("/").split("/")
        group = "" if parts[0] == "api" else parts[1]
        rest = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        kind = _PLURALS[group, rest[0]]
        name = rest[1] if len(rest) > 1 else ""
        sub = rest[2] if len(rest) > 2 else ""
        body = json.loads(await request.aread() or b"null")
        if request.url.params.get("watch"):
            after = int(request.url.params.get("resourceVersion") or 0)
            if after < self.oldest:
                status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}
                line = json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
                return httpx2.Response(200, content=line)
            return httpx2.Response(200, stream=_Stream(self, kind.qualified, after))
        self.requests.append((request.method, request.url.path))
        code, answer = self.answer(request.method, kind, namespace, name, sub, body)
        async with self.changed:
            self.changed.notify_all()
        return httpx2.Response(code, json=answer)

    def put(self, kind: Any, obj: dict[str, Any], type: str) -> dict[str, Any]:
        self.version += 1
        obj = json.loads(json.dumps(obj))
        obj["metadata"]["resourceVersion"] = str(self.version)
        key = (kind.qualified, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if type == "DELETED":
            del self.objects[key]
        else:
            self.objects[key] = obj
        self.log.append((self.version, kind.qualified, {"type": type, "object": obj}))
        return obj

    def answer(self, method, kind, namespace, name, sub, body):
        key = (kind.qualified, namespace, name)
        present = self.objects.get(key)
        if method == "GET" and not name:
            items = [
                o
                for k, o in self.objects.items()
                if k[0] == kind.qualified and namespace in ("", k[1])
            ]
            return 200, {"items": items, "metadata": {"resourceVersion": str(self.version)}}
        if method == "POST":
            body["metadata"].setdefault("uid", f"uid-{self.version + 1}")
            body["metadata"]["generation"] = 1
            return 201, self.put(kind, body, "ADDED")
        if present is None and method == "PATCH" and "apiVersion" in body:
            return self.answer("POST", kind, namespace, "", "", body)
        if present is None:
            return 404, {"kind": "Status", "code": 404, "reason": "NotFound", "message": "no"}
        if method == "GET":
            return 200, present
        if method == "DELETE":
            self.put(kind, present, "DELETED")
            return 200, {"kind": "Status", "status": "Success"}
        if method == "PUT" and sub == "status":
            if body["metadata"]["resourceVersion"] != present["metadata"]["resourceVersion"]:
                return 409, {"kind": "Status", "code": 409, "reason": "Conflict", "message": "x"}
            return 200, self.put(kind, {**present, "status": body["status"]}, "MODIFIED")
        merged = {
            **present,
            **{k: v for k, v in body.items() if k != "metadata"},
            "metadata": {**present["metadata"], **body.get("metadata", {})},
        }
        if merged.get("spec") != present.get("spec"):
            merged["metadata"]["generation"] = present["metadata"]["generation"] + 1
        merged["metadata"]["resourceVersion"] = present["metadata"]["resourceVersion"]
        if merged == present:
            return 200, present
        return 200, self.put(kind, merged, "MODIFIED")


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def source(api: FakeApi) -> cluster.Cluster:
    return cluster.Cluster(httpx2.AsyncClient(transport=api, base_url="http://api"), manager="test")
