"""How is an embedded API served on a network? By TLS and a token; asked by solo and the bench."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import uvicorn

from ouranos.engine.apiserver import door, tls

_IP_FREEBIND: Final = 15
"""ip(7): bind before the address exists."""


class Server(uvicorn.Server):
    """Leaves signals to the process that it is a part of, and sleeps while nobody calls."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Wait to be cancelled; uvicorn looks ten times a second whether it should end."""
        await asyncio.Event().wait()


def listen(address: str, port: int) -> socket.socket:
    """Return a socket at an address that need not exist yet."""
    # asyncio turns Nagle's algorithm off only where it is told that the protocol is TCP; an answer
    # in two pieces else waits 40 ms for the caller's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
    listener.bind((address, port))
    return listener


def server(asgi: door.Door, files: tls.Files) -> Server:
    """Return a web server for an API's door; its `serve` takes a socket of `listen`."""
    config = uvicorn.Config(
        asgi,
        log_config=None,
        access_log=False,
        date_header=False,
        lifespan="off",
        ssl_certfile=files.certificate,
        ssl_keyfile=files.key,
        timeout_graceful_shutdown=1,
    )
    return Server(config)
