"""Are kubelets and Prometheus answered, and others put off?"""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from ouranos.cluster import endpoints

pytestmark = pytest.mark.enable_socket


@pytest.fixture
async def opened() -> AsyncIterator[endpoints.Endpoints]:
    known = {
        "/good": lambda: endpoints.Answer(good=True, text="ok: ü\n"),
        "/bad": lambda: endpoints.Answer(good=False, text="no\n"),
    }
    made = endpoints.Endpoints(known)
    assert made.port == 0
    made.close()
    await made.open("127.0.0.1", 0)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/good", 200, "ok: ü\n"),
        ("GET", "/good?verbose", 200, "ok: ü\n"),
        ("HEAD", "/good", 200, ""),
        ("GET", "/bad", 503, "no\n"),
        ("GET", "/other", 404, "/good\n/bad\n"),
        ("POST", "/good", 405, "only GET\n"),
    ],
)
async def test_paths_are_answered(
    opened: endpoints.Endpoints, method: str, path: str, status: int, text: str
) -> None:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{opened.port}") as http:
        answer = await http.request(method, path)
    assert (answer.status_code, answer.text) == (status, text)


@pytest.mark.parametrize("sent", [b"", b"GET /good HTTP/1.1\r\n", b"x" * 100_000])
async def test_who_goes_away_or_talks_too_much_harms_nobody(
    opened: endpoints.Endpoints, sent: bytes
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
    writer.write(sent)
    writer.close()
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{opened.port}") as http:
        assert (await http.get("/good")).status_code == 200
