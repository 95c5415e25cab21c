"""Is there a server of our own to measure, as long as it is held and no longer?"""

from pathlib import Path

import httpx2
import pytest

from ouranos.bench import machine, served

pytestmark = pytest.mark.enable_socket


async def test_a_server_serves_whom_it_knows_until_the_block_ends(tmp_path: Path) -> None:
    async with served.running(tmp_path) as server:
        assert (await server.http.get("/api/v1/namespaces")).is_success
        stranger = await server.http.get(
            "/api/v1/namespaces", headers={"Authorization": "Bearer x"}
        )
        assert stranger.status_code == httpx2.codes.UNAUTHORIZED
        assert server.cpu() > 0
    assert machine.cpu_of(server.process) == machine.Used(0.0, 0.0)
    assert (tmp_path / "served.db").exists()
