"""How does a program of OpenStack start? With less to import, and as one process.

    python3 -m ouranos_runtime.start PROGRAM [ARGUMENT…]

Runs a command of the environment (`nova-conductor`) as it is, apart from what would only cost here:
CPU at the start, memory for ever.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import os
import runpy
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_USUAL = gc.get_threshold()
_STARTING = (100_000, 50, 100)

_LATER = frozenset(
    {
        # Keystone's federation by SAML, with the schemas of XML: a third of Keystone's imports.
        *("elementpath", "saml2", "xmlschema"),
        # Neutron's log of single packets.
        "os_ken",
    }
)
"""Packages that services import, and that most clouds never use: imported at their first use."""


class Later:
    """A finder of modules (`sys.meta_path`) that are imported when a name in them is used."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A module that loads itself, or None where it is to be imported as ever."""
        if name.partition(".")[0] not in _LATER:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


def lighten() -> None:
    """Begin a start: say what need not be imported, and have garbage collected rarely.

    Imports make next to no garbage, but so many objects that the collector would look through all
    of them again and again: a tenth of the CPU of a start.
    """
    gc.set_threshold(*_STARTING)
    # Libraries import eventlet even where no service runs on it, as none does here. Its sockets,
    # which nobody makes, would have a resolver of their own: 230 modules.
    os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")
    # Mako colours templates in HTML pages about errors if Pygments can be imported.
    absent: Any = None
    sys.modules.setdefault("mako.ext.pygmentplugin", absent)
    sys.meta_path.insert(0, Later)


def settle() -> None:
    """End a start: what was imported stays, so the collector need not look through it again."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def alone(
    launch: Callable[..., Any], rest: Callable[[], object] | None = None
) -> Callable[..., Any]:
    """Have oslo.service run a service in the process that launches it, without a parent.

    The parent would start the service again should it end; who runs the container does so too.

    Args:
        launch: `oslo_service.service.launch`; without a parent it returns when it has started a
            service that works in threads of its own. A signal ends the process.
        rest: What the process does meanwhile, again and again; `signal.pause` if nothing is said.
    """

    def launched(conf: Any, service: Any, workers: int | None = 1, **named: Any) -> Any:
        settle()
        if workers is not None and workers != 1:
            return launch(conf, service, workers=workers, **named)
        launch(conf, service, workers=1, **(named | {"no_fork": True}))
        while True:
            (rest or signal.pause)()

    return launched


def one_process() -> Any:
    """Have services run in the first process, on native threads; returns `oslo_service.service`."""
    backend: Any = importlib.import_module("oslo_service.backend")
    backend.init_backend(backend.BackendType.THREADING)
    service: Any = importlib.import_module("oslo_service.service")
    service.launch = alone(service.launch)
    return service


def run(
    program: str, arguments: Sequence[str], prepare: Callable[[], object] = lambda: None
) -> NoReturn:
    """Run a command of the environment.

    Args:
        program: Its name.
        arguments: What it finds in `sys.argv[1:]`.
        prepare: What is done between its imports and its work. Some commands forbid to import
            libraries before they have chosen between native and green threads.

    Raises:
        SystemExit: There is no such command.
    """
    # The environment's own, whatever stands before it where commands are looked for.
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", ""))
    path = shutil.which(program, path=os.pathsep.join(folders))
    if path is None:
        raise SystemExit(f"there is no program {program}")
    sys.argv = [path, *arguments]

    def work() -> None:
        # Under another name than `__main__` the script imports its function and no more.
        begin: Callable[[], object] = runpy.run_path(path)["main"]
        one_process()
        prepare()
        raise SystemExit(begin())

    to_the_end(work)


def to_the_end(work: Callable[[], object]) -> NoReturn:
    """Do some work and end the process, whatever threads it leaves behind.

    Threads that wait for messages would keep a program that has failed for ever.
    """
    code: Any = 1
    try:
        work()
        code = 0
    except SystemExit as asked:
        code = asked.code
    except BaseException:  # noqa: BLE001 - said, and the process ends
        traceback.print_exc()
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


def main() -> None:
    """Run the command that the command line names."""
    if not sys.argv[1:]:
        raise SystemExit("usage: python3 -m ouranos_runtime.start PROGRAM [ARGUMENT…]")
    lighten()
    run(sys.argv[1], sys.argv[2:])


if __name__ == "__main__":
    main()
