"""Does the API's web server answer at once, sleep while nobody calls, and end when cancelled?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from ouranos.engine.apiserver import web

pytestmark = pytest.mark.enable_socket


async def test_answers_do_not_wait_for_acknowledgements() -> None:
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken: socket.socket = writer.get_extra_info("socket")
        seen.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = web.listen("127.0.0.1", 0)
    server = await asyncio.start_server(answer, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await seen
        writer.close()
        await writer.wait_closed()


def test_the_address_need_not_exist() -> None:
    with web.listen("192.0.2.1", 0) as listener:
        assert listener.getsockname()[0] == "192.0.2.1"


async def _application(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_it_answers_and_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "door"))
        listener.listen()
        config = uvicorn.Config(_application, log_config=None, date_header=False, lifespan="off")
        serving = asyncio.create_task(web.Server(config).serve(sockets=[listener]))
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "door"))
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 204")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        assert serving.cancelled()
