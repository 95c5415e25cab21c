"""Do programs start lightly, as one process, and end when they should?"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ouranos_runtime import start

SOURCE = Path(start.__file__).parents[1]


@pytest.fixture
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    usual = gc.get_threshold()
    monkeypatch.delenv("EVENTLET_NO_GREENDNS", raising=False)
    yield
    sys.modules.pop("mako.ext.pygmentplugin", None)
    sys.meta_path[:] = [each for each in sys.meta_path if each is not start.Later]
    os.environ.pop("EVENTLET_NO_GREENDNS", None)
    gc.unfreeze()
    gc.set_threshold(*usual)


@pytest.mark.usefixtures("as_before")
def test_a_start_collects_rarely_and_imports_no_resolver_and_no_colours() -> None:
    usual = gc.get_threshold()
    start.lighten()
    assert gc.get_threshold() > usual
    assert os.environ["EVENTLET_NO_GREENDNS"] == "yes"
    with pytest.raises(ImportError):
        __import__("mako.ext.pygmentplugin")


def test_what_most_clouds_never_use_is_imported_when_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "saml2").mkdir()
    (tmp_path / "saml2" / "__init__.py").write_text("print('imported')\nNAME = 'saml'\n")
    (tmp_path / "saml2" / "sigver.py").write_text("print('its part')\nfrom saml2 import NAME\n")
    (tmp_path / "other.py").write_text("print('at once')\n")
    done = run(
        tmp_path,
        "-c",
        "from ouranos_runtime import start; start.lighten()\n"
        "import other, saml2, saml2.sigver\nprint('used')\nprint(saml2.sigver.NAME)",
    )
    # To find a part, its package is looked into.
    assert done.stdout.split() == ["at", "once", "imported", "used", "its", "part", "saml"]


@pytest.mark.usefixtures("as_before")
def test_after_a_start_garbage_is_collected_as_ever() -> None:
    usual = gc.get_threshold()
    start.lighten()
    start.settle()
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count()


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({"workers": 1}, {"workers": 1, "no_fork": True}),
        ({"workers": None}, {"workers": 1, "no_fork": True}),
        ({}, {"workers": 1, "no_fork": True}),
        (
            {"restart_method": "mutate", "no_fork": False},
            {"restart_method": "mutate", "workers": 1, "no_fork": True},
        ),
        ({"workers": 4, "no_fork": False}, {"workers": 4, "no_fork": False}),
    ],
    ids=["one worker", "as many as usual", "nothing said", "its own words", "several workers"],
)
def test_one_worker_needs_no_parent(asked: dict[str, Any], given: dict[str, Any]) -> None:
    seen: dict[str, Any] = {}

    def launch(_conf: object, _service: object, **named: Any) -> str:
        seen.update(named)
        return "launcher"

    launched = start.alone(launch, rest=stop)
    if given["workers"] == 1:
        with pytest.raises(InterruptedError):
            launched("conf", "service", **asked)
    else:
        assert launched("conf", "service", **asked) == "launcher"
    assert seen == given


def stop() -> None:
    """A signal has come."""
    raise InterruptedError


def run(folder: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "PYTHONPATH": f"{SOURCE}:{folder}",
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}{path}",
    }
    return subprocess.run(
        [sys.executable, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


LAUNCH = "import signal; signal.alarm(1); from oslo_service import service; service.launch(1, 2)"


def service(folder: Path, body: str) -> None:
    """A program of the environment as installers write them, and an oslo.service for it."""
    backend = folder / "oslo_service" / "backend"
    backend.mkdir(parents=True)
    (backend.parent / "__init__.py").write_text("")
    (backend.parent / "service.py").write_text(
        "def launch(*told, **named): print(named, flush=True)\n"
    )
    (backend / "__init__.py").write_text(
        "class BackendType: THREADING = 'threads'\ndef init_backend(kind): print(kind)\n"
    )
    (folder / "program.py").write_text(f"import sys, threading, time\ndef main():\n    {body}\n")
    script = folder / "bin" / "a-program"
    script.parent.mkdir()
    script.write_text(
        "import sys\nfrom program import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("print(sys.argv[1:])", 0, "threads\n['--x', 'y']\n"),
        (LAUNCH, -signal.SIGALRM, "'no_fork': True"),
        ("return 3", 3, ""),
        ("sys.exit('it cannot be')", 1, "it cannot be"),
        ("raise LookupError('nothing there')", 1, "LookupError: nothing there"),
        ("threading.Thread(target=time.sleep, args=(60,)).start(); return 4", 4, ""),
    ],
    ids=["arguments", "one process", "a code", "a text", "an error", "a thread that goes on"],
)
def test_a_program_runs_as_it_is_and_ends_when_it_returns(
    tmp_path: Path, body: str, code: int, said: str
) -> None:
    service(tmp_path, body)
    done = run(tmp_path, "-m", "ouranos_runtime.start", "a-program", "--x", "y")
    assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done


@pytest.mark.parametrize("words", [(), ("no-such-program",)])
def test_without_a_program_nothing_is_started(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, "-m", "ouranos_runtime.start", *words)
    assert done.returncode == 1
    assert "program" in done.stderr.lower()


PRIVSEP = {
    "__init__": "",
    "comm": """
class ServerChannel:
    def __init__(self, end): self.end = end
""",
    "daemon": """
import os
def replace_logging(handler): pass
class PrivsepLogHandler:
    def __init__(self, channel, processName): pass
class Daemon:
    def __init__(self, channel, context): self.end = channel.end; self.context = context
    def run(self):
        while asked := self.end.recv(100):
            if asked == b"fail": raise RuntimeError
            self.end.sendall(f"{self.context.cfg_section} in {os.getpid()}".encode())
class _ClientChannel:
    def __init__(self, end, context): self.end = end
    def ask(self, what=b"?"):
        self.end.sendall(what)
        return self.end.recv(100).decode()
""",
    "priv_context": """
import types
def init(root_helper=None): print("init", root_helper)
one = types.SimpleNamespace(cfg_section="one", channel=None)
two = types.SimpleNamespace(cfg_section="two", channel=None)
""",
}
AGENT = """
import os
from oslo_privsep import priv_context as p
from ouranos_runtime import helpers
contexts = ("oslo_privsep.priv_context:one", "oslo_privsep.priv_context:two")
helpers.after(p.init, ("json",), contexts)(root_helper=["sudo"])
said = [c.channel.ask().split(" in ") for c in (p.one, p.two)]
print(*[name for name, _ in said], len({int(pid) for _, pid in said} - {os.getpid()}))
"""


@pytest.fixture
def privsep(tmp_path: Path) -> Path:
    (tmp_path / "oslo_privsep").mkdir()
    for name, text in PRIVSEP.items():
        (tmp_path / "oslo_privsep" / f"{name}.py").write_text(text)
    (tmp_path / "setproctitle.py").write_text(
        "def getproctitle(): return ''\ndef setproctitle(title): pass\n"
    )
    return tmp_path


def test_each_helper_is_a_process_and_answers_for_its_own_context(privsep: Path) -> None:
    done = run(privsep, "-c", AGENT)
    assert done.stdout == "init ['sudo']\none two 2\n", done.stderr


def test_helpers_end_with_their_agent(privsep: Path) -> None:
    waits = "os.close(p.one.channel.end.detach())\nprint(os.wait()[0] == int(said[0][1]))"
    done = run(privsep, "-c", f"{AGENT}{waits}")
    assert done.stdout.endswith("True\n"), done.stderr


def test_a_helper_that_fails_leaves_nothing_of_the_agent_running(privsep: Path) -> None:
    waits = "p.two.channel.ask(b'fail')\nprint('code', os.wait()[1] >> 8)"
    done = run(privsep, "-c", f"{AGENT}{waits}")
    assert done.stdout.endswith("code 1\n"), done.stdout
