"""An embedded API behind TLS and a token in a process of its own, as long as its input is open.

Run as `python -m ouranos.bench.served FOLDER`; says its port and its token in one line.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path

from ouranos.engine.apiserver import server as apiserver
from ouranos.engine.apiserver import tls, web
from ouranos.kit import seams


async def serve(folder: Path) -> None:
    """Serve until the input ends."""
    api = await apiserver.ApiServer.open(folder / "served.db", seams.real())
    api.asgi.token = secrets.token_urlsafe(32)
    files = tls.ensure(folder / "tls", "127.0.0.1")
    listener = web.listen("127.0.0.1", 0)
    serving = asyncio.create_task(web.server(api.asgi, files).serve(sockets=[listener]))
    sys.stdout.write(f"{listener.getsockname()[1]} {api.asgi.token}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await api.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
