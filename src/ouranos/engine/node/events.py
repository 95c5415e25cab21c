"""What has happened to a pod? Told as a kubelet tells it.

A repetition counts up instead of piling up.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from ouranos.kit import cluster, conditions, errors, kinds, log, objects, seams

NORMAL: Final = "Normal"
WARNING: Final = "Warning"

_QUEUE: Final = 1000
_REMEMBERED: Final = 2000
_BURST: Final = 25
_REFILL: Final = 300.0
"""Seconds after which an object may say one thing more than its burst."""

_log = log.get(component="node-events")


@dataclass
class _Said:
    name: str
    count: int
    first: str
    tokens: float
    refilled: float


@dataclass(frozen=True, slots=True)
class _Entry:
    key: tuple[str, str, str, str]
    about: objects.Object
    moment: str


class Recorder:
    """Writes events, in the background: what happens never waits for its telling."""

    def __init__(self, api: cluster.Cluster, node: str, given: seams.Seams) -> None:
        self._api = api
        self._node = node
        self._seams = given
        self._queue: asyncio.Queue[_Entry] = asyncio.Queue(_QUEUE)
        self._said: dict[tuple[str, str, str, str], _Said] = {}

    def tell(self, about: objects.Object, sort: str, reason: str, message: str) -> None:
        """Say that something has happened to an object."""
        metadata = about["metadata"]
        reference: objects.Object = {
            "apiVersion": about.get("apiVersion", "v1"),
            "kind": about.get("kind", "Pod"),
            "name": metadata["name"],
            "namespace": metadata.get("namespace") or "default",
            "uid": metadata.get("uid", ""),
        }
        key = (reference["uid"], sort, reason, conditions.bounded(message))
        entry = _Entry(key, reference, conditions.timestamp(self._seams.clock.now()))
        if not self._queue.full():
            self._queue.put_nowait(entry)

    async def run(self) -> None:
        """Write what was told, until cancelled."""
        while True:
            entry = await self._queue.get()
            try:
                await self._write(entry)
            except errors.Transient as error:
                _log.debug("Losing an event", error=str(error))

    async def _write(self, entry: _Entry) -> None:
        said = self._said.pop(entry.key, None)
        moment = self._seams.clock.monotonic()
        if said is None:
            said = _Said("", 0, entry.moment, _BURST, moment)
        said.tokens = min(_BURST, said.tokens + (moment - said.refilled) / _REFILL)
        said.refilled = moment
        said.count += 1
        self._said[entry.key] = said
        if len(self._said) > _REMEMBERED:
            del self._said[next(iter(self._said))]
        if said.tokens < 1:
            return
        said.tokens -= 1
        if said.name and await self._repeat(entry, said):
            return
        said.name = f"{entry.about['name']}.{self._seams.random.getrandbits(64):016x}"
        await self._api.create(self._event(entry, said))

    async def _repeat(self, entry: _Entry, said: _Said) -> bool:
        patch: objects.Object = {"count": said.count, "lastTimestamp": entry.moment}
        try:
            await self._api.patch(kinds.EVENT, said.name, entry.about["namespace"], patch)
        except errors.NotFound:
            said.count, said.first = 1, entry.moment
            return False
        return True

    def _event(self, entry: _Entry, said: _Said) -> objects.Object:
        _, sort, reason, message = entry.key
        source = {"component": "kubelet", "host": self._node}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": said.name, "namespace": entry.about["namespace"]},
            "involvedObject": entry.about,
            "type": sort,
            "reason": reason,
            "message": message,
            "source": source,
            "reportingComponent": "kubelet",
            "reportingInstance": self._node,
            "firstTimestamp": said.first,
            "lastTimestamp": entry.moment,
            "count": said.count,
        }
