"""The way of the command line to a cloud: over TLS through the API door, as kubectl goes."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2

from ouranos.kit import cluster, errors
from ouranos.look import place
from ouranos.solo import machine, paths

API_PORT = 6443
MANAGER = "ouranos-cli"
_TIMEOUT = 10.0  # seconds for an answer; watches and logs have none


class NotUpError(place.RefusedError):
    """The cloud has no running API."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the cloud {name} is not up on this machine", "bring it up: ouranos up")


@asynccontextmanager
async def connect(cloud: paths.Paths) -> AsyncGenerator[cluster.Cluster]:
    """A client of the cloud's API.

    Raises:
        NotUpError: the cloud was never brought up on this machine.
    """
    async with _http(cloud) as http:
        yield cluster.Cluster(http, manager=MANAGER)


async def metrics(cloud: paths.Paths) -> str:
    """The daemon's metrics in Prometheus' text format.

    Raises:
        NotUpError: the cloud was never brought up on this machine.
        errors.Unreachable: the daemon does not answer.
        errors.ApiError: it refuses.
    """
    async with _http(cloud) as http:
        try:
            response = await http.get("/metrics", timeout=_TIMEOUT)
        except httpx2.TransportError as error:
            raise errors.Unreachable(f"the API did not answer: {error!r}") from error
    if response.is_error:
        details = {"message": "the API shows no metrics", "reason": response.reason_phrase}
        raise errors.api_error(response.status_code, details)
    return response.text


def _http(cloud: paths.Paths) -> httpx2.AsyncClient:
    networks = machine.Machine.read(cloud)
    authority = cloud.tls / "ca.crt"
    if networks is None or not cloud.token.exists() or not authority.exists():
        raise NotUpError(cloud.cloud)
    return httpx2.AsyncClient(
        base_url=f"https://{networks.host_address}:{API_PORT}",
        headers={"Authorization": f"Bearer {cloud.token.read_text(encoding='utf-8').strip()}"},
        verify=ssl.create_default_context(cafile=authority),
        timeout=httpx2.Timeout(_TIMEOUT, read=None),
        trust_env=False,
    )
