"""How does a controller in the same process reach the server? The door without a socket."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import httpx2

from ouranos.engine.apiserver import exchange
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.handler import Handler


class _Stream(httpx2.AsyncByteStream):
    """A body that comes in pieces; closing it ends what makes the pieces."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        """End the watch or the log."""
        await exchange.end(self._chunks)


class InProcess(httpx2.AsyncBaseTransport):
    """A transport of httpx2 that calls the handler; whoever holds it is the administrator."""

    def __init__(self, handler: Handler) -> None:
        """Lead to a handler."""
        self._handler = handler

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request, streaming where the answer streams."""
        query = request.url.query
        answer = await self._handler.handle(
            Request(
                request.method,
                request.url.path,
                parse_qs(query.decode(), keep_blank_values=True) if query else {},
                dict(request.headers),
                await request.aread(),
            )
        )
        return _response(answer)


def _response(answer: Response) -> httpx2.Response:
    headers = [("content-type", answer.content_type), *answer.headers]
    if isinstance(answer.body, bytes):
        headers.append(("content-length", str(len(answer.body))))
        return httpx2.Response(
            answer.status, headers=headers, stream=httpx2.ByteStream(answer.body)
        )
    return httpx2.Response(answer.status, headers=headers, stream=_Stream(answer.body))
