"""How do other processes reach the server? By an ASGI application behind a bearer token."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from ouranos.engine.apiserver import body, exchange, failure
from ouranos.engine.apiserver.exchange import Request, Response
from ouranos.engine.apiserver.handler import Handler

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_OPEN_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/version"})


class Door:
    """The ASGI application; without a token it lets nobody in."""

    def __init__(self, handler: Handler) -> None:
        """Lead to a handler."""
        self._handler = handler
        self.token: str | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection's request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "no upgrades here"})

    def _known(self, headers: dict[str, str], path: str) -> bool:
        if path in _OPEN_PATHS:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if self.token is None or scheme.lower() != "bearer":
            return False
        return hmac.compare_digest(given.strip().encode(), self.token.encode())

    async def _serve(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        if not self._known(headers, scope["path"]):
            await _send(exchange.refusal(failure.unauthorized()), send, scope["method"])
            return
        content = await _body(receive)
        if content is None:
            return
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        request = Request(
            scope["method"],
            raw.partition(b"?")[0].decode("latin-1"),
            parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers,
            content,
        )
        response = await self._handler.handle(request)
        if isinstance(response.body, bytes):
            await _send(response, send, scope["method"])
        else:
            await _stream(response, receive, send)


async def _body(receive: Receive) -> bytes | None:
    """Read the whole body; None when the caller has gone."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part: bytes = message.get("body", b"")
        size += len(part)
        # More than this is refused later, by its size; it need not be kept for that.
        if size <= body.MAX_BYTES + 1:
            parts.append(part[: body.MAX_BYTES + 1])
        if not message.get("more_body"):
            return b"".join(parts) if size <= body.MAX_BYTES else b"x" * (body.MAX_BYTES + 1)


async def _begin(response: Response, send: Send, extra: list[tuple[str, str]]) -> None:
    pairs = [("content-type", response.content_type), *response.headers, *extra]
    headers = [(name.lower().encode("latin-1"), value.encode()) for name, value in pairs]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})


async def _send(response: Response, send: Send, method: str) -> None:
    content = response.body if isinstance(response.body, bytes) else b""
    await _begin(response, send, [("content-length", str(len(content)))])
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else content})


async def _stream(response: Response, receive: Receive, send: Send) -> None:
    """Send chunks until they end or the caller goes."""
    chunks = response.body
    await _begin(response, send, [])

    async def forward() -> None:
        if not isinstance(chunks, bytes):
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

    sending = asyncio.create_task(forward())
    leaving = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        leaving.cancel()
        sending.cancel()
        results = await asyncio.gather(sending, leaving, return_exceptions=True)
        if not isinstance(chunks, bytes):
            await exchange.end(chunks)
    if isinstance(results[0], Exception):
        raise results[0]
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
