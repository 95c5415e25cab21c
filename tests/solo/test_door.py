"""The door of the API answers at once, and may be opened before its address is there."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ouranos.solo import composition

pytestmark = pytest.mark.enable_socket


async def test_answers_do_not_wait_for_acknowledgements() -> None:
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken: socket.socket = writer.get_extra_info("socket")
        seen.set_result(taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listener = composition.listening("127.0.0.1", 0)
    server = await asyncio.start_server(answer, sock=listener)
    async with server:
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await seen
        writer.close()
        await writer.wait_closed()


def test_the_address_need_not_exist() -> None:
    with composition.listening("192.0.2.1", 0) as listener:
        assert listener.getsockname()[0] == "192.0.2.1"
