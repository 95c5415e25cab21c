"""An unmodified kubectl from Debian 13, and an embedded API behind TLS that it talks to."""

import asyncio
import contextlib
import os
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import tests_kubectl

from ouranos.engine.apiserver import server, tls, web
from ouranos.engine.apiserver.parts import LogRequest
from ouranos.kit import seams

Kubectl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def binary() -> Path:
    """Debian 13's kubectl."""
    return tests_kubectl.binary()


async def _said(request: LogRequest) -> AsyncIterator[bytes]:
    """What every container of this API has said, and says while it is listened to."""
    lines = [b"first\n", b"second\n", b"third\n"]
    for line in lines[-request.tail_lines :] if request.tail_lines else lines:
        yield line
    if request.follow:
        for number in range(3):
            await asyncio.sleep(0.2)
            yield f"later {number}\n".encode()


class Api:
    """An embedded API on a thread of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.kubeconfig = directory / "kubeconfig"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None

    async def _run(self) -> None:
        api = await server.ApiServer.open(self._directory / "api.db", seams.real())
        api.asgi.token = "a-token-of-the-tests"
        api.pod_logs = _said
        files = tls.ensure(self._directory / "tls", "127.0.0.1")
        listener = web.listen("127.0.0.1", 0)
        text = tls.kubeconfig(
            server=f"https://127.0.0.1:{listener.getsockname()[1]}",
            authority=files.authority.read_bytes(),
            token=api.asgi.token,
            name="test",
            namespace="default",
        )
        tls.write_kubeconfig(self.kubeconfig, text)
        serving = asyncio.create_task(web.server(api.asgi, files).serve([listener]))
        self._loop, self._serving = asyncio.get_running_loop(), serving
        self._ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        listener.close()
        await api.close()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        assert self._loop is not None
        assert self._serving is not None
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join(20)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """An embedded API behind TLS."""
    served = Api(tmp_path)
    served.start()
    yield served
    served.stop()


@pytest.fixture
def environment(api: Api, tmp_path: Path) -> dict[str, str]:
    """What kubectl is given."""
    return {
        "KUBECONFIG": str(api.kubeconfig),
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
    }


@pytest.fixture
def kubectl(binary: Path, environment: dict[str, str]) -> Kubectl:
    """Runs kubectl; it has to succeed unless told otherwise."""

    def run(
        *arguments: str, text: str = "", code: int = 0, **extra: str
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [binary, *arguments],
            input=text,
            env={**environment, **extra},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done

    return run
