"""What can be asked of the controllers' process over HTTP? Asked by kubelets and Prometheus.

Three answers that fit into one piece each; a web server would take a twentieth of the memory that
the whole process may have.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

_PATIENCE: Final = 10.0
"""Seconds that a caller has for his request, and for taking the answer."""


class Answer(NamedTuple):
    """What an endpoint says."""

    good: bool
    text: str


Endpoint = Callable[[], Answer]


class Endpoints:
    """A server of a few paths."""

    def __init__(self, known: Mapping[str, Endpoint]) -> None:
        """Prepare; nothing listens before `open`."""
        self._known = dict(known)
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where the server listens."""
        found: int = self._server.sockets[0].getsockname()[1] if self._server else 0
        return found

    async def open(self, address: str, port: int) -> None:
        """Begin to listen; an empty address is every one.

        Raises:
            OSError: somebody else listens there.
        """
        self._server = await asyncio.start_server(self._serve, address or None, port)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Whoever goes away in the middle, or sends something else, is told nothing.
        with suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(_PATIENCE):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._answer(request))
                await writer.drain()
        writer.close()

    def _answer(self, request: bytes) -> bytes:
        method, _, rest = request.decode("latin-1").partition(" ")
        endpoint = self._known.get(rest.partition(" ")[0].partition("?")[0])
        if method not in {"GET", "HEAD"}:
            return _response("405 Method Not Allowed", "only GET\n", method)
        if endpoint is None:
            return _response("404 Not Found", "\n".join([*self._known, ""]), method)
        said = endpoint()
        status = "200 OK" if said.good else "503 Service Unavailable"
        return _response(status, said.text, method)


def _response(status: str, text: str, method: str) -> bytes:
    body = text.encode()
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if method == "HEAD" else body)
