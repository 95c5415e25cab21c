"""How is a WSGI application served? By gunicorn: one worker of a few threads, and no other process.

    python3 -m ouranos_runtime.wsgi MODULE:OBJECT --name NAME --port PORT [--threads N] [--
    ARGUMENT…]

The applications parse `sys.argv` when they are imported, so it is replaced by what follows `--`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Any

from ouranos_runtime import start, temporary

WORKER_TIMEOUT = 120
GRACE = 30


def options(name: str, port: int, threads: int) -> dict[str, Any]:
    """Gunicorn's settings for one application.

    Args:
        name: What the processes call themselves.
        port: Where they listen, on every address of the pod.
        threads: Requests at the same time; 1 means a worker without threads.
    """
    return {
        "bind": [f"0.0.0.0:{port}"],
        "errorlog": "-",
        "graceful_timeout": GRACE,
        "keepalive": 15,
        "loglevel": "warning",
        "proc_name": name,
        # Two pods of one node may overlap during a rolling update.
        "reuse_port": True,
        "threads": threads,
        "timeout": WORKER_TIMEOUT,
        # The root file system is read-only.
        "worker_tmp_dir": "/dev/shm",  # noqa: S108 - gunicorn makes an unlinked file in it
    }


def arguments(command_line: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """What the command line says, and what the application shall find behind its name."""
    ours, _, theirs = _split(command_line)
    parser = argparse.ArgumentParser(prog="ouranos_runtime.wsgi")
    parser.add_argument("application")
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, default=4)
    return parser.parse_args(ours), theirs


def _split(command_line: Sequence[str]) -> tuple[list[str], str, list[str]]:
    words = list(command_line)
    if "--" not in words:
        return words, "", []
    at = words.index("--")
    return words[:at], "--", words[at + 1 :]


class Application:
    """What gunicorn's worker asks for the application."""

    def __init__(self, name: str) -> None:
        self._name = name

    def wsgi(self) -> Any:
        """The application, imported."""
        found: Any = importlib.import_module("gunicorn.util").import_app(self._name)
        start.settle()
        return found


def heed(worker: Any) -> None:
    """Have SIGTERM end a worker whose application has taken the signal for itself.

    Neutron's would go on serving until it is killed.
    """
    theirs = signal.getsignal(signal.SIGTERM)
    if theirs == worker.handle_exit:
        return

    def both(number: int, frame: FrameType | None) -> None:
        worker.handle_exit(number, frame)
        if callable(theirs):
            theirs(number, frame)

    signal.signal(signal.SIGTERM, both)
    signal.siginterrupt(signal.SIGTERM, False)  # noqa: FBT003 - as gunicorn does


def serve(application: Any, settings: Mapping[str, Any]) -> None:
    """Serve by one worker of gunicorn, without the arbiter that would watch over it.

    Who runs the container starts it again when it ends, and by its probe when it hangs; a second
    process for this costs 12 MiB in each API.
    """
    config: Any = importlib.import_module("gunicorn.config").Config()
    for key, value in settings.items():
        config.set(key, value)
    config.set("post_worker_init", heed)
    log = config.logger_class(config)
    # It listens before it has imported the application: the first probe waits, and is answered
    # when the application is there.
    sockets: Any = importlib.import_module("gunicorn.sock").create_sockets(config, log)
    make: Any = config.worker_class
    worker: Any = make(1, os.getppid(), sockets, application, WORKER_TIMEOUT / 2, config, log)
    worker.pid = os.getpid()
    # A parent is nothing to it: who watches over the container may change.
    worker.is_parent_alive = lambda: True
    title: Any = importlib.import_module("gunicorn.util")
    title._setproctitle(f"worker [{config.proc_name}]")  # noqa: SLF001 - as its arbiter does
    worker.init_process()


def main() -> None:
    """Serve until told to stop."""
    given, theirs = arguments(sys.argv[1:])
    start.lighten()
    sys.argv = [given.name, *theirs]
    temporary.start_afresh()
    serve(Application(given.application), options(given.name, given.port, given.threads))


if __name__ == "__main__":
    main()
