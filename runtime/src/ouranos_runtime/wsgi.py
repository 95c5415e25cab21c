"""How is a WSGI application served? By gunicorn: one worker process of a few threads.

    python3 -m ouranos_runtime.wsgi MODULE:OBJECT --name NAME --port PORT [--threads N] [--
    ARGUMENT…]

The applications parse `sys.argv` when they are imported, so it is replaced by what follows `--`.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from ouranos_runtime import temporary

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
        "control_socket_disable": True,
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
        "workers": 1,
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


def main() -> None:
    """Serve until told to stop."""
    given, theirs = arguments(sys.argv[1:])
    sys.argv = [given.name, *theirs]
    temporary.start_afresh()
    gunicorn: Any = importlib.import_module("gunicorn.app.base").BaseApplication

    def load_config(server: Any) -> None:
        for key, value in options(given.name, given.port, given.threads).items():
            server.cfg.set(key, value)

    def load(_: Any) -> Any:
        return importlib.import_module("gunicorn.util").import_app(given.application)

    type("Server", (gunicorn,), {"load_config": load_config, "load": load})().run()


if __name__ == "__main__":
    main()
