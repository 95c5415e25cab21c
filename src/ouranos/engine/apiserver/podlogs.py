"""What has a container said? Reads `pods/log` requests and streams the answer of whoever knows."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from ouranos.engine.apiserver import exchange, failure, fields
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.parts import LogRequest, PodLogs
from ouranos.engine.apiserver.tables import duration
from ouranos.kit.objects import Object

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_FIRST_SECONDS = 0.2
"""How long an answer waits for the first words, so that a missing log can be refused."""


class _Stream:
    """Chunks of which the first is being waited for already."""

    def __init__(self, chunks: AsyncIterator[bytes], limit: int | None) -> None:
        self._chunks = chunks
        self._left = limit
        self.first = asyncio.ensure_future(anext(chunks, b""))
        self._next: asyncio.Future[bytes] | None = self.first

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._left is not None and self._left <= 0:
            raise StopAsyncIteration
        if self._next is None:
            chunk = await anext(self._chunks)
        else:
            waited, self._next = self._next, None
            chunk = await waited
        if self._left is None:
            return chunk
        shown = chunk[: self._left]
        self._left -= len(shown)
        return shown

    async def aclose(self) -> None:
        """Stop reading; the source may let go of what it holds."""
        self.first.cancel()
        await asyncio.gather(self.first, return_exceptions=True)
        await exchange.end(self._chunks)


async def answer(source: PodLogs | None, request: Request, pod: Object, now: datetime) -> Response:
    """Stream the log that is asked for.

    Raises:
        failure.Failure: there is none, or nobody here knows logs.
    """
    wanted = _wanted(request, pod, now)
    if source is None:
        raise failure.not_implemented("pods/log without a node")
    _check_started(pod, wanted)
    stream = _Stream(source(wanted), request.number("limitBytes"))
    await asyncio.wait({stream.first}, timeout=_FIRST_SECONDS)
    if stream.first.done() and (error := stream.first.exception()) is not None:
        if isinstance(error, LookupError):
            raise failure.bad_request(str(error)) from None
        raise error
    return Response(200, stream, "text/plain")


def _wanted(request: Request, pod: Object, now: datetime) -> LogRequest:
    seconds = request.number("sinceSeconds")
    since = None if seconds is None else now - timedelta(seconds=seconds)
    if text := request.text("sinceTime"):
        try:
            since = duration.parsed(text)
        except ValueError:
            raise failure.bad_request(f'sinceTime: Invalid value: "{text}"') from None
    return LogRequest(
        namespace=pod["metadata"]["namespace"],
        pod=pod["metadata"]["name"],
        container=_container(pod, request.text("container")),
        follow=request.flag("follow"),
        tail_lines=request.number("tailLines"),
        since=since,
        timestamps=request.flag("timestamps"),
        previous=request.flag("previous"),
    )


def _container(pod: Object, asked: str) -> str:
    """Find the container whose log is meant.

    Raises:
        failure.Failure: the pod has none of that name, or several and none is named.
    """
    name: str = pod["metadata"]["name"]
    containers = [each["name"] for each in fields.listed(pod, "spec", "containers")]
    early = [each["name"] for each in fields.listed(pod, "spec", "initContainers")]
    default = fields.text(pod, "metadata", "annotations", _DEFAULT_CONTAINER)
    chosen = asked or (default if default in containers else "")
    if chosen:
        if chosen not in containers + early:
            raise failure.bad_request(f"container {chosen} is not valid for pod {name}")
        return chosen
    if len(containers) == 1:
        return containers[0]
    listed = f"[{' '.join(containers)}]"
    if early:
        listed += f" or one of the init containers: [{' '.join(early)}]"
    raise failure.bad_request(
        f"a container name must be specified for pod {name}, choose one of: {listed}"
    )


def _check_started(pod: Object, wanted: LogRequest) -> None:
    """Refuse the log of a container that has never run.

    Raises:
        failure.Failure: the container is still waiting.
    """
    reports: list[Object] = [
        *fields.listed(pod, "status", "containerStatuses"),
        *fields.listed(pod, "status", "initContainerStatuses"),
    ]
    named = [each for each in reports if each.get("name") == wanted.container]
    report = named[0] if named else Object()
    waiting = fields.part(report, "state", "waiting")
    if waiting and not report.get("restartCount") and not wanted.previous:
        raise failure.bad_request(
            f'container "{wanted.container}" in pod "{wanted.pod}" is waiting to start: '
            f"{waiting.get('reason', 'ContainerCreating')}"
        )
