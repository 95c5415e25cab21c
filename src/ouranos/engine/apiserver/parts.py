"""Of what is one embedded API made? The parts that verbs and engines share."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ouranos.engine.apiserver.deleting import Deleter
from ouranos.engine.apiserver.resources import Registry
from ouranos.engine.apiserver.store import Store
from ouranos.engine.apiserver.watching import Watcher
from ouranos.engine.apiserver.writing import Writer
from ouranos.kit import seams


@dataclass(frozen=True, slots=True)
class LogRequest:
    """Which lines of which container's output somebody wants."""

    namespace: str
    pod: str
    container: str
    follow: bool = False
    tail_lines: int | None = None
    since: datetime | None = None
    timestamps: bool = False
    previous: bool = False


class PodLogs(Protocol):
    """Where the output of containers is."""

    def __call__(self, request: LogRequest, /) -> AsyncIterator[bytes]:
        """Give whole or partial lines as they come.

        MUST end by itself without `follow`, and soon after the container has ended with it. MUST
        raise LookupError, before the first chunk, where there is no such container's output.
        """
        ...


@dataclass(slots=True)
class Parts:
    """One embedded API's parts."""

    store: Store
    registry: Registry
    writer: Writer
    deleter: Deleter
    watcher: Watcher
    seams: seams.Seams
    pod_logs: PodLogs | None = None
    awaited: str = ""

    def now(self) -> datetime:
        """Give the time of day."""
        return self.seams.clock.now()
