"""What is told to the reader of `kubectl describe`, and in which words? Asked by passes."""

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from ouranos.kit import cluster, conditions, errors, kinds, log, objects, seams
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Object

NORMAL: Final = "Normal"
WARNING: Final = "Warning"
_NAME_LIMIT: Final = 230
_MEMORY: Final = 512
_QUIET_SECONDS: Final = 60.0
_NOISE: Final = 10
_NOISE_SECONDS: Final = 600.0
_TERMINAL: Final = (Reason.INVALID_SPEC, Reason.UNRECOVERABLE)

_log = log.get()


class News(NamedTuple):
    """What has happened to an object: `Normal` or `Warning`, one word, and a sentence."""

    type: str
    reason: str
    message: str


def of_change(before: Object | None, after: Object | None) -> News | None:
    """Return what people would ask about when a condition Ready changes so, if anything."""
    if after is None:
        return None
    was, now = (before or {}).get("status"), after["status"]
    message = after.get("message") or ""
    if now == conditions.TRUE:
        return News(NORMAL, "Ready", message) if was != conditions.TRUE else None
    said = (after.get("reason"), message)
    if after.get("reason") in _TERMINAL and said != _said(before):
        return News(WARNING, str(after["reason"]), message)
    return News(WARNING, "NotReady", message) if was == conditions.TRUE else None


def _said(condition: Object | None) -> tuple[str | None, str]:
    found = condition or {}
    return found.get("reason"), found.get("message") or ""


def about(subject: Object, news: News, teller: str, moment: datetime) -> Object:
    """Return the Event that tells news of an object.

    Args:
        subject: the object, as the API has it.
        news: what has happened.
        teller: who says so.
        moment: when.
    """
    key = objects.key_of(subject)
    unique = objects.digest([objects.uid_of(subject), *news[1:], moment.timestamp()])
    stamp = conditions.timestamp(moment)
    return {
        "apiVersion": kinds.EVENT.api_version,
        "kind": kinds.EVENT.kind,
        "metadata": {
            "name": f"{key.name[:_NAME_LIMIT]}.{unique.hex()[:16]}",
            "namespace": key.namespace or "default",
        },
        "involvedObject": {
            "apiVersion": subject["apiVersion"],
            "kind": subject["kind"],
            "name": key.name,
            "namespace": key.namespace,
            "uid": objects.uid_of(subject),
            "resourceVersion": subject["metadata"].get("resourceVersion", ""),
        },
        "type": news.type,
        "reason": news.reason,
        "message": conditions.bounded(news.message),
        "source": {"component": teller},
        "reportingComponent": teller,
        "reportingInstance": teller,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }


@dataclass(slots=True)
class _Told:
    name: str
    count: int
    at: float


class Teller:
    """Tells news as Events: the same again is only counted, and what would be noise left out."""

    def __init__(self, source: cluster.Cluster, clock: seams.Clock) -> None:
        self._cluster = source
        self._clock = clock
        self._told: dict[tuple[str, str, str], _Told] = {}

    async def tell(self, subject: Object, news: News, teller: str) -> None:
        """Tell news of an object; losing them is logged, and nothing else.

        Args:
            subject: the object, as the API has it.
            news: what has happened.
            teller: who says so.
        """
        news = news._replace(message=conditions.bounded(news.message))
        identity = (objects.uid_of(subject), news.reason, news.message)
        try:
            if identity in self._told:
                with contextlib.suppress(errors.NotFound):
                    await self._again(subject, self._told[identity])
                    return
                self._told.pop(identity, None)  # A server keeps an Event for an hour or so.
            if self._is_noisy(identity):
                _log.debug("Leaving out an event", reason=news.reason, message=news.message)
            else:
                await self._first(subject, news, teller, identity)
        except errors.Transient as error:
            # An event is news, not state: losing one must not stop the pass. Where a namespace
            # ends, none can be told any more, and all that was in it would have some.
            say = _log.debug if errors.is_of_the_end(error) else _log.warning
            say("Losing an event", reason=news.reason, error=str(error))

    def _is_noisy(self, identity: tuple[str, str, str]) -> bool:
        """Whether so much was told of one object for one reason that more would help nobody."""
        now = self._clock.monotonic()
        same = (
            told
            for (uid, reason, _), told in self._told.items()
            if (uid, reason) == identity[:2] and now - told.at < _NOISE_SECONDS
        )
        return sum(1 for _ in same) >= _NOISE

    async def _first(
        self, subject: Object, news: News, teller: str, identity: tuple[str, str, str]
    ) -> None:
        at = self._clock.monotonic()
        event = about(subject, news, teller, self._clock.now())
        await self._cluster.create(event)
        self._told[identity] = _Told(event["metadata"]["name"], 1, at)
        while len(self._told) > _MEMORY:
            del self._told[next(iter(self._told))]

    async def _again(self, subject: Object, told: _Told) -> None:
        told.count += 1
        now = self._clock.monotonic()
        if now - told.at < _QUIET_SECONDS:
            return
        told.at = now
        where = objects.namespace_of(subject) or "default"
        stamp = conditions.timestamp(self._clock.now())
        patch = {"count": told.count, "lastTimestamp": stamp}
        await self._cluster.patch(kinds.EVENT, told.name, where, patch)
