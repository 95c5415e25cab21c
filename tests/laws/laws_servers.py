"""The two servers that the laws are about, each as a client of an administrator."""

import base64
import functools
import os
import ssl
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx2
import yaml

from ouranos.engine.apiserver import server
from ouranos.kit import seams

EMBEDDED, KUBERNETES = "embedded", "kube-apiserver"
KUBECONFIG = os.environ.get("OURANOS_LAWS_KUBECONFIG", "")
SERVERS = (EMBEDDED, KUBERNETES) if KUBECONFIG else (EMBEDDED,)
AGENT = "laws/1"


@asynccontextmanager
async def _embedded() -> AsyncGenerator[httpx2.AsyncClient, None]:
    opened = await server.ApiServer.open(None, seams.real())
    async with httpx2.AsyncClient(transport=opened.transport(), base_url="http://api") as client:
        client.headers["User-Agent"] = AGENT
        yield client
    await opened.close()


@asynccontextmanager
async def _kubernetes() -> AsyncGenerator[httpx2.AsyncClient, None]:
    address, context = _door()
    async with httpx2.AsyncClient(base_url=address, verify=context) as client:
        client.headers["User-Agent"] = AGENT
        yield client


@functools.cache
def _door() -> tuple[str, ssl.SSLContext]:
    config = yaml.safe_load(Path(KUBECONFIG).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(
        cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
    )
    with tempfile.NamedTemporaryFile() as file:
        for part in ("client-certificate-data", "client-key-data"):
            file.write(base64.b64decode(user[part]))
        file.flush()
        context.load_cert_chain(file.name)
    return cluster["server"], context


def opened(name: str) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
    """Give a client of a server by its name; the embedded one is new and empty."""
    return _embedded() if name == EMBEDDED else _kubernetes()
