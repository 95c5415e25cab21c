"""Notes what a client asks of an API, in the words of roles."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2

from ouranos import services
from ouranos.install import calls
from ouranos.kit import kinds, objects

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
OF_SERVICES = {page.kind.plural for page in services.KNOWN.pages}

Refuse = Callable[[httpx2.Request], httpx2.Response | None]


def nothing(_request: httpx2.Request) -> httpx2.Response | None:
    """Refuse nothing."""
    return None


class Recorder(httpx2.AsyncBaseTransport):
    """Stands before an API and notes each call that it lets through."""

    def __init__(self, api: httpx2.AsyncBaseTransport, own: str) -> None:
        self.api = api
        self.own = own
        """The namespace in which the client itself runs."""
        self.refuse: Refuse = nothing
        self.calls: set[calls.Call] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        refused = self.refuse(request)
        response = refused or await self.api.handle_async_request(request)
        self.calls |= set(made(request, response.status_code, self.own))
        return response


def made(request: httpx2.Request, status: int, own: str) -> Iterator[calls.Call]:
    """What a role must allow for a request that was answered so."""
    where = place(request.url.path)
    if where is None:
        return
    group, namespace, resource, name = where
    is_own = bool(own) and namespace == own
    verb = VERBS.get(request.method) or ("get" if name else "list")
    if request.url.params.get("watch") == "true":
        verb = "watch"
    if verb == "delete" and not name:
        verb = "deletecollection"
    yield calls.Call(group, resource, verb, is_own)
    if verb == "patch" and status == 201:  # applied, and it was not there
        yield calls.Call(group, resource, "create", is_own)
    for owner in owners(request):
        # OwnerReferencesPermissionEnforcement asks for it, where a cluster has it.
        yield calls.Call(owner.group, f"{shared(owner.plural)}/finalizers", "update")


def place(path: str) -> tuple[str, str, str, str] | None:
    """Group, namespace, resource with its subresource, and name; None for what is no resource."""
    root, *parts = path.strip("/").split("/")
    if root not in {"api", "apis"} or len(parts) < 2:
        return None
    group = parts.pop(0) if root == "apis" else ""
    parts.pop(0)
    namespace = ""
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource = (*parts, "", "")[:3]
    resource = shared(plural) if group == kinds.GROUP else plural
    return group, namespace, f"{resource}/{subresource}" if subresource else resource, name


def shared(plural: str) -> str:
    """The kinds of services are one: adding a service is adding a page."""
    return calls.SERVICES if plural in OF_SERVICES else plural


def owners(request: httpx2.Request) -> Iterator[objects.Kind]:
    """The kinds of the owners whose deletion a written object holds back."""
    body: Any = json.loads(request.content or b"null")
    if not isinstance(body, dict):
        return
    for one in objects.entries(body, "metadata", "ownerReferences"):
        if one.get("blockOwnerDeletion"):
            yield kinds.of(one)
