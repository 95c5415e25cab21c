"""How is a Kubernetes API spoken to? A thin client; the same in-process and over TLS (ADR 0003)."""

import contextlib
import functools
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import httpx2
import msgspec

from ouranos.kit import answers, effects, errors, kinds, objects
from ouranos.kit.objects import Kind, Object, Objects

Propagation = Literal["Background", "Foreground", "Orphan"]

_JSON: Final = "application/json"
_APPLY: Final = "application/apply-patch+yaml"
_MERGE: Final = "application/merge-patch+json"
_JSON_PATCH: Final = "application/json-patch+json"
_PAGE: Final = 200
_ANSWER_TIMEOUT: Final = httpx2.Timeout(30.0)
_WATCH_GRACE: Final = 30.0
"""Seconds a watch may be silent beyond the time the server promised to end it."""
_URLS: Final = 1024
"""Addresses that are kept; making one anew took a third of a request."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a watch; the object of a BOOKMARK has a resource version and nothing else."""

    type: str
    object: Object


@dataclass(frozen=True, slots=True)
class Listing:
    """What a collection held at one moment."""

    items: list[Object]
    resource_version: str


class Cluster:
    """A Kubernetes API, seen by one client.

    Every method raises `errors.ApiError` when the server refuses, and `errors.Unreachable` when it
    does not answer.
    """

    def __init__(self, http: httpx2.AsyncClient, *, manager: str) -> None:
        """Speak through `http`, whose base URL is the server's, as field manager `manager`."""
        self._http = http
        self._url = functools.lru_cache(maxsize=_URLS)(self._made)
        self.manager = manager

    async def is_ready(self) -> bool:
        """Whether the server says that all is done that it does at its start."""
        with answers.translated():
            response = await self._http.get("/readyz", timeout=_ANSWER_TIMEOUT)
        return response.status_code < answers.FIRST_FAILURE

    async def version(self) -> Object:
        """Return what the server says of its version: `major`, `minor`, `gitVersion`."""
        return await self._call("GET", "/version")

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Object | None:
        """Return the object, or None where there is none."""
        try:
            return await self._call("GET", kind.path(namespace, name))
        except errors.NotFound:
            return None

    async def list(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        kept: Callable[[Object], Object] = lambda obj: obj,
    ) -> Listing:
        """Return all objects of a kind, in one namespace or in all.

        Args:
            kind: what to list.
            namespace: where; everywhere by default.
            labels: a label selector.
            fields: a field selector.
            kept: what is kept of an object, before the next page comes.

        Raises:
            errors.NotFound: the server does not know the kind.
        """
        query = _query(labelSelector=labels, fieldSelector=fields) | {"limit": str(_PAGE)}
        items: list[Object] = []
        while True:
            page = await self._call("GET", kind.path(namespace), query)
            for item in cast("list[Object]", page.get("items") or ()):
                # Lists leave out what the list's own head says.
                item.setdefault("apiVersion", kind.api_version)
                item.setdefault("kind", kind.kind)
                items.append(kept(item))
            metadata = objects.mapping(page, "metadata")
            if not (token := metadata.get("continue")):
                return Listing(items, str(metadata.get("resourceVersion") or ""))
            query["continue"] = token

    async def watch(  # noqa: PLR0913 - what can be said to a watch
        self,
        kind: Kind,
        namespace: str = "",
        *,
        resource_version: str,
        labels: str = "",
        fields: str = "",
        timeout: int | None = None,  # noqa: ASYNC109 - the server's, not ours
        opened: Callable[[], None] | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Yield what happens after a version, bookmarks included, until the server ends it.

        Args:
            kind: what to watch.
            namespace: where; everywhere by default.
            resource_version: the version after which to begin.
            labels: a label selector.
            fields: a field selector.
            timeout: seconds after which the server shall end the watch.
            opened: told once the server has begun to answer.

        Raises:
            errors.Gone: the version is too old; list again, and compare.
        """
        query = _query(
            labelSelector=labels,
            fieldSelector=fields,
            resourceVersion=resource_version,
            watch="true",
            allowWatchBookmarks="true",
            timeoutSeconds=str(timeout) if timeout else "",
        )
        quiet = None if timeout is None else timeout + _WATCH_GRACE
        lines = self._lines(kind.path(namespace), query, quiet, opened)
        async with contextlib.aclosing(lines):
            async for line in lines:
                event = answers.decode(line)
                if event["type"] == "ERROR":
                    status: Object = event["object"]
                    raise errors.api_error(int(status.get("code") or 0), status)
                yield Event(event["type"], event["object"])

    async def create(self, obj: Object) -> Object:
        """Create an object and return it as the server has it.

        Raises:
            errors.AlreadyExists: the name is taken.
        """
        kind = kinds.of(obj)
        path = kind.path(objects.namespace_of(obj))
        return await self._call("POST", path, {"fieldManager": self.manager}, obj)

    async def replace(self, obj: Object) -> Object:
        """Replace an object; its `resourceVersion`, where it has one, must be the present one.

        Raises:
            errors.Conflict: somebody else was faster.
        """
        return await self._call("PUT", _path(obj), {"fieldManager": self.manager}, obj)

    async def replace_status(self, obj: Object) -> Object:
        """Replace the status of an object, by the rules of `replace`."""
        return await self._call("PUT", _path(obj, "status"), {"fieldManager": self.manager}, obj)

    async def apply(
        self, obj: Object, *, manager: str | None = None, force: bool = True, dry_run: bool = False
    ) -> Object:
        """Apply an object on the server's side and return it as the server has it.

        Args:
            obj: the fields that the manager wants to own.
            manager: the field manager, instead of the client's.
            force: take fields over from other managers instead of raising `errors.Conflict`.
            dry_run: change nothing, return what would be.
        """
        query = {"fieldManager": manager or self.manager, "force": "true" if force else "false"}
        if dry_run:
            query["dryRun"] = "All"
        return await self._call("PATCH", _path(obj), query, obj, _APPLY)

    async def patch(
        self,
        kind: Kind,
        name: str,
        namespace: str,
        patch: Object | Objects,
        *,
        subresource: str = "",
    ) -> Object:
        """Patch an object: a dict is a merge patch, a list a JSON patch."""
        media = _JSON_PATCH if isinstance(patch, list) else _MERGE
        path = kind.path(namespace, name, subresource)
        return await self._call("PATCH", path, {"fieldManager": self.manager}, patch, media)

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        propagation: Propagation = "Background",
        grace_seconds: int | None = None,
    ) -> Object | None:
        """Delete an object; that there is none is fine.

        Args:
            kind: the object's kind.
            name: the object's name.
            namespace: where it is.
            uid: delete only this very object.
            propagation: what happens to what it owns.
            grace_seconds: time a pod gets, instead of its own.

        Returns:
            The object while it still exists (finalizers, grace), else None.

        Raises:
            errors.Conflict: another object has the name now.
        """
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        }
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            left = await self._call("DELETE", kind.path(namespace, name), None, options)
        except errors.NotFound:
            return None
        at_once = grace_seconds == 0
        is_left = left.get("kind") == kind.kind and not _is_gone(left, at_once=at_once)
        return left if is_left else None

    async def evict(self, name: str, namespace: str, *, uid: str | None = None) -> None:
        """Ask for a pod's eviction, which disruption budgets may hold back.

        Raises:
            errors.TooManyRequests: a budget does not allow it now.
        """
        eviction: Object = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": namespace},
        }
        if uid is not None:
            eviction["deleteOptions"] = {"preconditions": {"uid": uid}}
        with contextlib.suppress(errors.NotFound):
            await self._call("POST", kinds.POD.path(namespace, name, "eviction"), None, eviction)

    async def bind(self, name: str, namespace: str, node: str) -> None:
        """Give a pod to a node.

        Raises:
            errors.Conflict: it has been given to one already.
        """
        binding: Object = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": name, "namespace": namespace},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        }
        await self._call("POST", kinds.POD.path(namespace, name, "binding"), None, binding)

    async def logs(
        self,
        pod: str,
        namespace: str,
        *,
        container: str | None = None,
        follow: bool = False,
        tail: int | None = None,
        previous: bool = False,
    ) -> AsyncGenerator[bytes, None]:
        """Yield pieces of a container's log as they come."""
        query = _query(
            container=container or "",
            follow="true" if follow else "",
            tailLines="" if tail is None else str(tail),
            previous="true" if previous else "",
        )
        path = kinds.POD.path(namespace, pod, "log")
        async with self._stream(path, query, None) as response:
            with answers.translated():
                async for chunk in response.aiter_bytes():
                    yield chunk

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        media: str = _JSON,
    ) -> Object:
        extensions: dict[str, Any] = {}
        if method != "GET" and "dryRun" not in (query or ()):
            effects.note()
            extensions["trace"] = effects.when_sent
        headers = {"accept": _JSON}
        content: bytes | None = None
        if body is not None:
            headers["content-type"] = media
            content = msgspec.json.encode(body)
        with answers.translated():
            response = await self._http.request(
                method,
                self._url(path, *(query or {}).items()),
                content=content,
                headers=headers,
                timeout=_ANSWER_TIMEOUT,
                extensions=extensions,
            )
        if response.status_code >= answers.FIRST_FAILURE:
            raise answers.refusal(response)
        return answers.decode(response.content)

    def _made(self, path: str, *query: tuple[str, str]) -> httpx2.URL:
        return self._http.build_request("GET", path, params=query).url

    @contextlib.asynccontextmanager
    async def _stream(
        self, path: str, query: Mapping[str, str], quiet: float | None
    ) -> AsyncGenerator[httpx2.Response]:
        limits = httpx2.Timeout(_ANSWER_TIMEOUT.connect, read=quiet)
        url = self._url(path, *query.items())
        request = self._http.build_request("GET", url, headers={"accept": _JSON}, timeout=limits)
        with answers.translated():
            response = await self._http.send(request, stream=True)
        try:
            if response.status_code >= answers.FIRST_FAILURE:
                with answers.translated():
                    await response.aread()
                raise answers.refusal(response)
            yield response
        finally:
            await response.aclose()

    async def _lines(
        self,
        path: str,
        query: Mapping[str, str],
        quiet: float | None,
        opened: Callable[[], None] | None,
    ) -> AsyncGenerator[bytes, None]:
        rest = b""
        async with self._stream(path, query, quiet) as response:
            if opened is not None:
                opened()
            with answers.translated():
                async for chunk in response.aiter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        if line:
                            yield line


def _is_gone(left: Object, *, at_once: bool) -> bool:
    """Whether an object that a deletion was answered with is the last of it.

    What is deleted at once is told as it was kept, with the grace that it was in.
    """
    metadata = left["metadata"]
    grace = 0 if at_once else metadata.get("deletionGracePeriodSeconds")
    return not metadata.get("finalizers") and not grace


def _path(obj: Object, subresource: str = "") -> str:
    metadata = obj["metadata"]
    return kinds.of(obj).path(metadata.get("namespace"), metadata["name"], subresource)


def _query(**parameters: str) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if value}
