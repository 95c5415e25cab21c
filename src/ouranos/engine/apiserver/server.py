"""How is an embedded API opened, reached and closed? Asked by solo, the twin and every test."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx2
import structlog

from ouranos.engine.apiserver import database, door, inprocess, kinds, records
from ouranos.engine.apiserver.collector import Collector
from ouranos.engine.apiserver.definitions import Definitions
from ouranos.engine.apiserver.deleting import Deleter
from ouranos.engine.apiserver.expiry import Expiry
from ouranos.engine.apiserver.handler import Handler
from ouranos.engine.apiserver.namespaces import Namespaces
from ouranos.engine.apiserver.parts import Parts, PodLogs
from ouranos.engine.apiserver.resources import Registry
from ouranos.engine.apiserver.store import Store
from ouranos.engine.apiserver.watching import Watcher
from ouranos.engine.apiserver.writing import Writer
from ouranos.kit import seams
from ouranos.kit.objects import Key

_log = structlog.stdlib.get_logger("ouranos.apiserver")


class ApiServer:
    """One embedded API: objects in a file or in memory, one handler, two doors.

    Attributes:
        asgi: the door for a web server; set its `token` first.
    """

    def __init__(self, parts: Parts) -> None:
        """Join the parts; use `open`."""
        self._parts = parts
        handler = Handler(parts)
        self._transport = inprocess.InProcess(handler)
        self.asgi = door.Door(handler)
        self._definitions = Definitions(parts)
        self._collector = Collector(parts)
        self._namespaces = Namespaces(parts)
        self._expiry = Expiry(parts)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, path: Path | None, given: seams.Seams) -> "ApiServer":
        """Open the API kept in a file, or a new one in memory.

        Args:
            path: the SQLite file, made when it is not there; None for memory.
            given: time and chance.

        Raises:
            database.DatabaseError: the file is in use, damaged, or not ours.
        """
        journal = None if path is None else database.Database(path)
        store = Store(journal)
        registry = Registry(kinds.RESOURCES)
        writer = Writer(store, registry, given)
        parts = Parts(store, registry, writer, Deleter(writer), Watcher(store, given), given)
        server = cls(parts)
        if journal is not None:
            server._restore(journal)
        await server._start()
        return server

    def _restore(self, journal: database.Database) -> None:
        store, registry = self._parts.store, self._parts.registry
        rows = sorted(journal.load(), key=lambda row: row[0] != kinds.DEFINITIONS)
        for resource, _, data in rows:
            obj = records.decode(data)
            stored = registry.stored(resource)
            version = int(obj["metadata"]["resourceVersion"])
            if stored is not None:
                store.restore(resource, records.record(obj, version, stored.fields))
            if resource == kinds.DEFINITIONS:
                self._definitions.serve(Key("", obj["metadata"]["name"]))

    async def _start(self) -> None:
        self._definitions.start()
        await self._namespaces.start()
        self._collector.start()
        for name, work in (
            ("definitions", self._definitions.run()),
            ("collector", self._collector.run()),
            ("namespaces", self._namespaces.run()),
            ("expiry", self._expiry.run()),
        ):
            self._tasks.append(_supervised(name, work))

    @property
    def pod_logs(self) -> PodLogs | None:
        """Where the output of containers comes from; without it, logs are answered with 501."""
        return self._parts.pod_logs

    @pod_logs.setter
    def pod_logs(self, source: PodLogs | None) -> None:
        self._parts.pod_logs = source

    @property
    def awaited(self) -> str:
        """What has to be done, in one word, before `/readyz` says that all is well."""
        return self._parts.awaited

    @awaited.setter
    def awaited(self, what: str) -> None:
        self._parts.awaited = what

    @property
    def version(self) -> int:
        """The resourceVersion of the last write."""
        return self._parts.store.version

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Give the door for clients in this process; who has it is the administrator."""
        return self._transport

    async def close(self) -> None:
        """End watches and engines, and let go of the file; what was answered is kept."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._parts.store.close()


def _supervised(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    def report(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("An engine of the embedded API has ended", engine=name, exc_info=error)

    task = asyncio.create_task(work, name=f"apiserver-{name}")
    task.add_done_callback(report)
    return task
