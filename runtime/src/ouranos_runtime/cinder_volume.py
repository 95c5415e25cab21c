"""How does cinder-volume run without root, and on native threads?

The NFS driver runs tools such as `qemu-img` through `sudo cinder-rootwrap` unless it is root, and
looks into files in a daemon with capabilities. Its share is mounted already and it owns the files
on it, so both run as the service's own user here; and a daemon that imports half of Cinder is not
started.

Cinder 29 still hands images to eventlet's thread pool, which waits for ever when native threads
use it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from ouranos_runtime import start

CONFIGURATION = "/etc/cinder/cinder.conf"


def root_helper() -> str:
    """The command in front of a tool that wants root: `env` runs it as it is."""
    return "env"


class Direct:
    """Stands for `eventlet.tpool`: a native thread may block, so calls are made directly."""

    @staticmethod
    def execute(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """What the function returns."""
        return function(*arguments, **named)

    @staticmethod
    def Proxy(thing: Any) -> Any:  # noqa: N802 - eventlet's name
        """The thing itself."""
        return thing


def launcher() -> Any:
    """What starts the one backend: in this process, without a parent."""
    start.settle()
    service: Any = importlib.import_module("oslo_service.service")
    conf: Any = importlib.import_module("oslo_config.cfg").CONF
    return service.ProcessLauncher(conf, restart_method="mutate", no_fork=True)


def main() -> None:
    """Run cinder-volume."""
    start.lighten()
    os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
    sys.argv = ["cinder-volume", "--config-file", CONFIGURATION]
    program: Any = importlib.import_module("cinder.cmd.volume")
    start.one_process()
    replaced = {
        ("cinder.utils", "get_root_helper"): root_helper,
        ("cinder.image.image_utils", "tpool"): Direct,
        ("cinder.service", "process_launcher"): launcher,
    }
    for (module, name), value in replaced.items():
        setattr(importlib.import_module(module), name, value)
    importlib.import_module("cinder.privsep").sys_admin_pctxt.set_client_mode(False)
    start.to_the_end(program.main)


if __name__ == "__main__":
    main()
