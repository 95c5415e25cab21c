"""What happens from now on? Watches of one kind, from any version that is still known."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from ouranos.engine.apiserver import exchange, failure, history, reading, records
from ouranos.engine.apiserver.exchange import Request
from ouranos.engine.apiserver.history import Change, History
from ouranos.engine.apiserver.records import Record
from ouranos.engine.apiserver.resources import Resource
from ouranos.engine.apiserver.selectors import Selection
from ouranos.engine.apiserver.store import Store
from ouranos.kit import seams
from ouranos.kit.objects import Object

_AT_ONCE = 128
_BOOKMARK_SECONDS = 60.0
_LONGEST_SECONDS = 3600
_END_OF_LIST = "k8s.io/initial-events-end"

Show = Callable[[Resource, Record], bytes]
"""Gives the JSON of an object as this watcher wants it; None means as it is kept."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a watcher asks for."""

    resource: Resource
    selection: Selection
    version: int | None
    initial: bool
    bookmarks: bool
    end_of_list: bool
    seconds: float
    show: Show | None = None


def wish(resource: Resource, namespace: str, request: Request, show: Show | None) -> Wish:
    """Read what a watch asks for.

    Raises:
        failure.Failure: it contradicts itself.
    """
    text = request.text("resourceVersion")
    match = request.text("resourceVersionMatch")
    streaming = "sendInitialEvents" in request.query
    bookmarks = request.flag("allowWatchBookmarks")
    if match and not streaming:
        raise _invalid(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )
    if streaming and match != "NotOlderThan":
        raise _invalid(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )
    initial = request.flag("sendInitialEvents") if streaming else text in {"", "0"}
    version = reading.version_of(text)
    return Wish(
        resource,
        reading.selection(resource, namespace, request.query),
        None if version == 0 or initial else version,
        initial,
        bookmarks,
        streaming and initial and bookmarks,
        float(request.number("timeoutSeconds") or _LONGEST_SECONDS),
        show,
    )


def _invalid(field: str, why: str) -> failure.Failure:
    message = f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {why}'
    causes = [{"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": field}]
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": causes}
    return failure.Failure(422, "Invalid", message, details)


def _kind_of(change: Change, selection: Selection) -> str | None:
    """Give the type of event that a change is to a watcher; None when it is none."""
    if selection.everything:
        chosen = not selection.namespace or change.record.key.namespace == selection.namespace
        return change.type if chosen else None
    before = change.previous is not None and selection.accepts(change.previous)
    after = change.type != history.DELETED and selection.accepts(change.record)
    if after:
        return history.MODIFIED if before else history.ADDED
    return history.DELETED if before else None


def _line(kind: str, body: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"


class Watcher:
    """Serves watches of one store."""

    def __init__(self, store: Store, given: seams.Seams) -> None:
        """Watch a store; time comes from the seams."""
        self._store = store
        self._clock = given.clock

    async def stream(self, asked: Wish) -> AsyncGenerator[bytes, None]:
        """Give lines until the time is over, the caller leaves, or the caller is too slow."""
        ring = self._store.history(asked.resource.storage)
        wake = ring.join()
        deadline = self._clock.monotonic() + asked.seconds
        timer = asyncio.create_task(self._ring_bell(wake, asked))
        try:
            if asked.initial or asked.version is None:
                position = ring.end
                if asked.initial:
                    for chunk in self._initial(asked):
                        yield chunk
            else:
                # A version from the future is one of another life of the database.
                ahead = asked.version > self._store.version
                found = None if ahead else ring.position(asked.version)
                if found is None:
                    yield self._too_old(asked.version, ring)
                    return
                position = found
            async for chunk in self._follow(asked, ring, wake, position, deadline=deadline):
                yield chunk
        finally:
            ring.leave(wake)
            timer.cancel()

    async def _ring_bell(self, wake: asyncio.Event, asked: Wish) -> None:
        """Wake a watcher for its bookmarks and for its end."""
        end = self._clock.monotonic() + asked.seconds
        while (left := end - self._clock.monotonic()) > 0:
            await self._clock.sleep(min(left, _BOOKMARK_SECONDS) if asked.bookmarks else left)
            wake.set()

    def _initial(self, asked: Wish) -> list[bytes]:
        """Give what is there already, as if it had been added now."""
        version = self._store.version
        show = asked.show or Resource.full
        present = self._store.sorted_records(asked.resource.storage, asked.selection.namespace)
        lines = [
            _line(history.ADDED, show(asked.resource, record))
            for record in present
            if asked.selection.accepts(record)
        ]
        if asked.end_of_list:
            lines.append(self._bookmark(asked, version, {_END_OF_LIST: "true"}))
        return [
            b"".join(lines[start : start + _AT_ONCE]) for start in range(0, len(lines), _AT_ONCE)
        ]

    async def _follow(
        self, asked: Wish, ring: History, wake: asyncio.Event, position: int, *, deadline: float
    ) -> AsyncGenerator[bytes, None]:
        told = self._clock.monotonic()
        while not ring.closed:
            wake.clear()
            changes = ring.since(position, _AT_ONCE)
            if changes is None:
                yield self._overtaken()
                return
            position += len(changes)
            lines = [line for change in changes if (line := self._seen(asked, change))]
            now = self._clock.monotonic()
            if asked.bookmarks and not changes and now - told >= _BOOKMARK_SECONDS:
                told = now
                lines.append(self._bookmark(asked, self._store.version))
            if lines:
                yield b"".join(lines)
            if now >= deadline:
                return
            if not changes:
                await wake.wait()

    def _seen(self, asked: Wish, change: Change) -> bytes | None:
        kind = _kind_of(change, asked.selection)
        if kind is None:
            return None
        record = change.record
        if kind == history.DELETED and change.type != history.DELETED and change.previous:
            # It has left the selection: shown as it was, at the version of the leaving.
            record = records.at_version(change.previous, record.version)
        if asked.show is not None:
            return _line(kind, asked.show(asked.resource, record))
        place = (kind, asked.resource.head)
        line = change.lines.get(place)
        if line is None:
            line = change.lines[place] = _line(kind, asked.resource.full(record))
        return line

    @staticmethod
    def _bookmark(asked: Wish, version: int, annotations: Object | None = None) -> bytes:
        metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        kind = asked.resource.kind
        obj = {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata}
        return _line("BOOKMARK", exchange.encode(obj))

    @staticmethod
    def _too_old(version: int, ring: History) -> bytes:
        gone = failure.expired(f"too old resource version: {version} ({ring.floor})")
        return _line("ERROR", exchange.encode(gone.status()))

    @staticmethod
    def _overtaken() -> bytes:
        gone = failure.expired("too old resource version: this watcher read too slowly; list again")
        return _line("ERROR", exchange.encode(gone.status()))
