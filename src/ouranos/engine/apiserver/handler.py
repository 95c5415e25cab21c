"""Which verb does a request mean? The one handler behind both doors."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

from ouranos.engine.apiserver import (
    body,
    deleting,
    discovery,
    exchange,
    failure,
    patching,
    reading,
    route,
    strategy,
    subresources,
    watching,
)
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.parts import Parts
from ouranos.engine.apiserver.reading import Reader
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.route import Route
from ouranos.engine.apiserver.schema import cause
from ouranos.engine.apiserver.tables import table
from ouranos.engine.apiserver.target import Target
from ouranos.kit.objects import Key, Object

_VALIDATIONS = ("", "Strict", "Warn", "Ignore")
_NO_VERSION = cause.Cause(
    "metadata.resourceVersion",
    "FieldValueInvalid",
    "Invalid value: 0: must be specified for an update",
)

Verb = Callable[[Request, Route, Resource], Awaitable[Response]]


@contextmanager
def _told(target: Target) -> Generator[None]:
    """Let a refusal bring the warnings that were collected before it."""
    try:
        yield
    except failure.Failure as refused:
        refused.warnings = target.warnings
        raise


class Handler:
    """Answers requests from one store."""

    def __init__(self, parts: Parts) -> None:
        """Answer with the given parts."""
        self._store = parts.store
        self._registry = parts.registry
        self._writer = parts.writer
        self._deleter = parts.deleter
        self._watcher = parts.watcher
        self._now = parts.now
        self._subresources = subresources.Subresources(parts)
        self._reader = Reader(parts.store)
        self._discovery = discovery.Discovery(parts)

    async def handle(self, request: Request) -> Response:
        """Answer one request; a refusal is an answer too."""
        try:
            found = self._discovery.answer(request)
            return found if found is not None else await self._dispatch(request)
        except failure.Failure as refused:
            return exchange.refusal(refused)

    async def _dispatch(self, request: Request) -> Response:
        path = route.parse(request.path)
        review = self._subresources.review(request, path)
        if review is not None:
            return review
        resource = self._registry.find(path.group, path.version, path.plural)
        if resource is None or (path.namespace and not resource.kind.namespaced):
            raise failure.no_such_path()
        if path.name and resource.kind.namespaced and not path.namespace:
            raise failure.no_such_path()
        if path.subresource and path.subresource not in {"status", "finalize"}:
            return await self._subresources.answer(request, path, resource)
        if path.rest or (path.subresource and path.subresource not in resource.subresources):
            raise failure.no_such_path()
        verb = self._verb(request.method, named=bool(path.name), sub=bool(path.subresource))
        return await verb(request, path, resource)

    def _verb(self, method: str, *, named: bool, sub: bool) -> Verb:
        verbs: dict[str, Verb] = {"GET": self._get, "PUT": self._update, "PATCH": self._patch}
        if not named:
            verbs = {
                "GET": self._list,
                "POST": self._create,
                "DELETE": self._delete_collection,
            }
        elif not sub:
            verbs["DELETE"] = self._delete
        verb = verbs.get(method)
        if verb is None:
            raise failure.method_not_allowed()
        return verb

    def _target(self, request: Request, path: Route, resource: Resource) -> Target:
        validation = request.text("fieldValidation")
        if validation not in _VALIDATIONS:
            raise failure.bad_request(
                f'fieldValidation: Unsupported value: "{validation}": '
                'supported values: "Ignore", "Strict", "Warn"'
            )
        if validation == "Strict":
            repeated = body.duplicates(request.body)
            if repeated:
                listed = ", ".join(f'duplicate field "{each}"' for each in repeated)
                raise failure.undecodable(resource.kind, f"strict decoding error: {listed}")
        return Target(
            resource,
            path.namespace,
            path.name,
            path.subresource,
            exchange.manager_of(request),
            exchange.is_dry(request),
            validation or "Warn",
        )

    # Reads.

    async def _get(self, request: Request, path: Route, resource: Resource) -> Response:
        record = self._reader.get(resource, path.namespace, path.name)
        shape = table.asked(request)
        if shape is not None:
            return table.of_record(resource, record, shape, self._now)
        return Response(200, resource.full(record))

    async def _list(self, request: Request, path: Route, resource: Resource) -> Response:
        if request.flag("watch"):
            return self._watch(request, path, resource)
        page = self._reader.page(resource, path.namespace, request)
        shape = table.asked(request)
        if shape is not None:
            metadata = reading.list_metadata(page)
            return table.of_page(resource, page.records, metadata, shape, self._now)
        return Response(200, reading.list_body(resource, page))

    def _watch(self, request: Request, path: Route, resource: Resource) -> Response:
        shape = table.asked(request)
        show = None if shape is None else table.for_watch(shape, self._now)
        wish = watching.wish(resource, path.namespace, request, show)
        content = exchange.JSON if shape is None else shape.content_type
        return Response(200, self._watcher.stream(wish), content)

    # Writes.

    async def _create(self, request: Request, path: Route, resource: Resource) -> Response:
        if resource.kind.namespaced and not path.namespace:
            raise failure.method_not_allowed()
        target = self._target(request, path, resource)
        with _told(target):
            made = await self._writer.create(target, body.decoded_object(request))
        return exchange.warn(Response(201, made), target.warnings)

    async def _update(self, request: Request, path: Route, resource: Resource) -> Response:
        target = self._target(request, path, resource)
        obj = body.decoded_object(request)
        record = self._store.latest(resource.storage, Key(path.namespace, path.name))
        with _told(target):
            if record is None and resource.storage in strategy.MADE_BY_UPDATE:
                made = await self._writer.create_by_update(target, obj)
                return exchange.warn(Response(201, made), target.warnings)
            if record is None:
                self._writer.admit_nothing(target, obj)
                raise failure.not_found(resource.name, path.name)
            if resource.custom:
                self._writer.admit_nothing(target, obj)
                self._require_version(resource, obj, path.name)
            changed = await self._writer.update(target, obj, record)
        return exchange.warn(Response(200, changed), target.warnings)

    @staticmethod
    def _require_version(resource: Resource, obj: Object, name: str) -> None:
        metadata: Any = obj.get("metadata")
        if isinstance(metadata, dict) and not cast("Object", metadata).get("resourceVersion"):
            raise failure.invalid(resource.name, name, [_NO_VERSION])

    async def _patch(self, request: Request, path: Route, resource: Resource) -> Response:
        target = self._target(request, path, resource)
        record = self._store.latest(resource.storage, Key(path.namespace, path.name))
        with _told(target):
            patched, made = await patching.patch(self._writer, target, request, record)
        return exchange.warn(Response(201 if made else 200, patched), target.warnings)

    # Deletes.

    def _delete_options(self, request: Request) -> deleting.Options:
        return deleting.options(request, body.decoded_object(request) if request.body else None)

    async def _delete(self, request: Request, path: Route, resource: Resource) -> Response:
        options = self._delete_options(request)
        record = self._store.latest(resource.storage, Key(path.namespace, path.name))
        if record is None:
            raise failure.not_found(resource.name, path.name)
        target = Target(resource, path.namespace, path.name)
        deletion = await self._deleter.delete(target, record, options)
        if deletion.gone and resource.storage not in strategy.RETURNS_DELETED:
            return exchange.answer(deleting.success(resource, path.name, deletion.uid))
        return Response(200, deletion.body)

    async def _delete_collection(
        self, request: Request, path: Route, resource: Resource
    ) -> Response:
        if resource.kind.namespaced and not path.namespace:
            raise failure.method_not_allowed()
        options = self._delete_options(request)
        page = self._reader.page(resource, path.namespace, request)
        for record in page.records:
            current = self._store.latest(resource.storage, record.key)
            if current is not None and current.uid == record.uid:
                target = Target(resource, *record.key)
                await self._deleter.delete(target, current, options)
        return Response(200, reading.list_body(resource, page))
