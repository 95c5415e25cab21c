"""Does the door answer, sleep while nobody calls, and end with the daemon?"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import uvicorn

from ouranos.solo import composition


async def application(scope: Any, receive: Any, send: Any) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def test_the_door_answers_and_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "door"))
    listener.listen()
    config = uvicorn.Config(application, log_config=None, date_header=False, lifespan="off")
    serving = asyncio.create_task(composition._Door(config).serve(sockets=[listener]))
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "door"))
    writer.write(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 204")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert serving.cancelled()
    listener.close()
