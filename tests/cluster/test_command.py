"""Does the command start, answer and end as a pod's process must?"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest

from ouranos.cluster import settings
from ouranos.engine.apiserver import server, tls, web
from ouranos.kit import cluster, kinds, seams

pytestmark = pytest.mark.enable_socket


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[cluster.Cluster, Path]]:
    """An API behind its door, a client of it with our namespace, and a kubeconfig of another."""
    api = await server.ApiServer.open(None, seams.real())
    api.asgi.token = "let-me-in"
    files = tls.ensure(folder / "tls", "127.0.0.1")
    with web.listen("127.0.0.1", 0) as listener:
        door = asyncio.ensure_future(web.server(api.asgi, files).serve(sockets=[listener]))
        text = tls.kubeconfig(
            server=f"https://127.0.0.1:{listener.getsockname()[1]}",
            authority=files.authority.read_bytes(),
            token="let-me-in",
            name="home",
            namespace="home",
        )
        (folder / "config").write_text(text)
        async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
            source = cluster.Cluster(http, manager="test")
            metadata = {"name": settings.NAMESPACE}
            await source.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
            yield source, folder / "config"
        door.cancel()
        await asyncio.gather(door, return_exceptions=True)
    await api.close()


async def test_the_command_answers_and_gives_the_lease_back_at_sigterm(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    async with serving(tmp_path) as (source, config):
        words = ["-m", "ouranos.cluster", "--kubeconfig", str(config), "--port", port]
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, "--address", "127.0.0.1", stderr=-1
        )
        try:
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as ours:
                await _acts(ours)
                assert "not known yet: clouds" in (await ours.get("/readyz")).text
                assert (await ours.get("/healthz")).status_code == 200
            held = await source.get(kinds.LEASE, settings.LEASE, settings.NAMESPACE) or {}
            assert held["spec"]["holderIdentity"].startswith(socket.gethostname())
            process.send_signal(signal.SIGTERM)
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0
        assert b'"event": "Ending"' in said
        held = await source.get(kinds.LEASE, settings.LEASE, settings.NAMESPACE) or {}
        assert not held["spec"].get("holderIdentity")


async def _acts(ours: httpx2.AsyncClient) -> None:
    """Return once a process holds the Lease."""
    async with asyncio.timeout(120):
        while True:
            with contextlib.suppress(httpx2.TransportError):
                if "\nleader 1\n" in (await ours.get("/metrics")).text:
                    return
            await asyncio.sleep(0.1)
