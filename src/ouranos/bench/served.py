"""An embedded API behind TLS and a token in a process of its own, as long as its input is open.

`running` starts it as `python -m ouranos.bench.served FOLDER`; it says its port and its token in
one line.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from ouranos.bench import machine
from ouranos.engine.apiserver import server as apiserver
from ouranos.engine.apiserver import tls, web
from ouranos.kit import seams

_PATIENCE: Final = 120.0
_PAUSE: Final = 0.005
_HOST: Final = "127.0.0.1"
_TLS: Final = "tls"


@dataclass(frozen=True, slots=True)
class Served:
    """An embedded API that runs.

    Attributes:
        http: what calls it, with its token.
        process: its PID.
    """

    http: httpx2.AsyncClient
    process: int

    def cpu(self) -> float:
        """CPU seconds that it has used."""
        return machine.cpu_of(self.process).own


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncGenerator[Served]:
    """Hold a server open that is ready, and has ended when the block has.

    Args:
        folder: is there; its database and its certificates are put into it.

    Raises:
        TimeoutError: it was not ready in time.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ouranos.bench.served", str(folder)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            said = await process.stdout.readline() if process.stdout else b""
        port, token = said.decode().split()
        async with httpx2.AsyncClient(
            base_url=f"https://{_HOST}:{port}",
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=folder / _TLS / "ca.crt"),
            limits=httpx2.Limits(max_connections=None),
            trust_env=False,
        ) as http:
            async with asyncio.timeout(_PATIENCE):
                while not await _is_ready(http):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(_PAUSE)
            yield Served(http, process.pid)
    finally:
        try:
            async with asyncio.timeout(_PATIENCE):
                # The end of its input is the end of it; Python 3.11 ends none that it is not given.
                await process.communicate(b"")
        except TimeoutError:
            process.kill()
            await process.wait()


async def _is_ready(http: httpx2.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).is_success
    except httpx2.TransportError:
        return False


async def serve(folder: Path) -> None:
    """Serve until the input ends."""
    api = await apiserver.ApiServer.open(folder / "served.db", seams.real())
    api.asgi.token = secrets.token_urlsafe(32)
    files = tls.ensure(folder / _TLS, _HOST)
    listener = web.listen(_HOST, 0)
    serving = asyncio.create_task(web.server(api.asgi, files).serve(sockets=[listener]))
    sys.stdout.write(f"{listener.getsockname()[1]} {api.asgi.token}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await api.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
