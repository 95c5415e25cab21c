"""A registry that stops answering: said with a hint within a bound; over by itself."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socketserver
import threading
import urllib.parse
from collections.abc import Generator
from dataclasses import replace
from enum import Enum

import pytest
from tests_trouble import RELEASE, Small, held

from ouranos.images import catalog, processes, store

LACKING = "memcached"
SILENCE = 6
"""Seconds after which a registry of these stories counts as silent."""


class Mood(Enum):
    """What the registry in between does with a request."""

    HONEST = "passes on what the real one answers"
    SILENT = "says nothing"
    BROKEN = "answers 500"
    SHORT = "ends in the middle of an answer"
    WRONG = "answers with other bytes, as many as there should be"


class Between(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A proxy for HTTP between a machine and its registry."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.mood = Mood.HONEST
        self.asked: list[str] = []
        self.changed = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers one request as the server's mood says."""

    server: Between
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        mood = self.server.mood
        if mood is Mood.SILENT:
            self.server.changed.wait(120)
            self.close_connection = True
            return
        if mood is Mood.BROKEN:
            self.send_error(500)
            return
        wanted = urllib.parse.urlsplit(self.path)
        real = http.client.HTTPConnection(wanted.netloc, timeout=30)
        kept = {"if-modified-since", "range", "if-range", "user-agent"}
        real.request(
            "GET", wanted.path, headers={k: v for k, v in self.headers.items() if k.lower() in kept}
        )
        answer = real.getresponse()
        content = answer.read()
        real.close()
        self.send_response(answer.status)
        for name in ("Last-Modified", "ETag", "Content-Range", "Location"):
            if answer.headers[name]:
                self.send_header(name, answer.headers[name])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if wanted.path.endswith(".deb"):
            content = altered(content, mood)
            self.close_connection = mood is Mood.SHORT
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def altered(content: bytes, mood: Mood) -> bytes:
    if mood is Mood.SHORT:
        return content[: len(content) // 2]
    return content[::-1] if mood is Mood.WRONG else content


@contextlib.contextmanager
def between() -> Generator[Between]:
    with Between() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.changed.set()
            server.shutdown()


def forget_index(small: Small) -> None:
    """Have the index of packages asked for again."""
    for stamp in small.images.glob("apt/*/updated"):
        stamp.unlink()


def test_a_registry_that_falls_silent_during_up(small: Small) -> None:
    small.lack(LACKING)
    forget_index(small)
    with between() as registry:
        more = {"http_proxy": registry.url, "OURANOS_REGISTRY_TIMEOUT": str(SILENCE)}
        cloud = replace(small, more=more)
        with held(cloud.images / "lock"):
            up = cloud.begin("up", cloud.file)
            up.wait_for("waiting for the store")
            assert registry.asked, "the doctor asks first"
            registry.mood = Mood.SILENT
        line = up.wait_for("it is tried again")
        assert f"image {LACKING}: fetching the package index" in line
        assert "(hint: check the network, the proxy settings and /etc/apt/sources.list)" in line
        code, state, hint = cloud.status()
        assert code == 1
        assert f"image {LACKING}: fetching the package index" in state
        assert len(state.splitlines()) == 1
        assert hint == "hint: check the network, the proxy settings and /etc/apt/sources.list"
        late = cloud.run("up", "--timeout", "2")
        assert late.returncode == 3, late.stderr
        assert "waiting for up (process " in late.stderr, "the first one holds the lock"
        registry.mood = Mood.HONEST
        registry.changed.set()
        assert up.end() == 0, up.text
        assert up.text.count(line.partition("  ")[2]) == 1, "only changes are said"
        assert f"image {LACKING}: ready after" in up.text
        assert cloud.ready()


@pytest.mark.parametrize(
    ("mood", "said"),
    [
        (Mood.SILENT, "nothing has arrived|[Tt]imeout|timed out"),
        (Mood.BROKEN, "500"),
        (Mood.SHORT, "fetching 1 packages|[Cc]onnection|[Ss]ize"),
        (Mood.WRONG, "Hash Sum mismatch"),
    ],
)
async def test_what_a_registry_answers_is_said_and_the_next_try_succeeds(
    mood: Mood, said: str, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.lack(LACKING)
    with between() as registry:
        monkeypatch.setenv("http_proxy", registry.url)
        registry.mood = mood
        if mood in {Mood.SILENT, Mood.BROKEN}:
            forget_index(small)
        stall = SILENCE if mood is Mood.SILENT else 60
        images = store.ImageStore(small.images, patience=processes.Patience(step=120, stall=stall))
        with pytest.raises(processes.Failed, match=said):
            await images.ensure(catalog.reference(LACKING, RELEASE))
        assert not small.has(LACKING)
        registry.mood = Mood.HONEST
        assert (await images.ensure(catalog.reference(LACKING, RELEASE))).layers
        assert small.has(LACKING)
        await images.close()


@pytest.mark.parametrize(
    ("archive", "mood", "said"),
    [
        ("http://127.0.0.1:1", Mood.HONEST, "Connection refused"),
        ("", Mood.BROKEN, "500"),
        ("", Mood.SILENT, "does not answer"),
    ],
)
def test_up_refuses_at_once_where_no_registry_answers(
    archive: str, mood: Mood, said: str, small: Small
) -> None:
    small.lack(LACKING)
    with between() as registry:
        registry.mood = mood
        more = {"http_proxy": archive or registry.url, "OURANOS_REGISTRY_TIMEOUT": str(SILENCE)}
        done = replace(small, more=more).run("up", small.file)
    assert done.returncode == 1
    assert "error: registries: the registry of Debian's packages does not answer: " in done.stderr
    assert said in done.stderr
    assert "hint: check the network, the proxy settings and /etc/apt/sources.list" in done.stderr
    assert "Traceback" not in done.stderr
    assert not small.folder.exists()
