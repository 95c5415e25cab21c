"""Runs a program of the images where their packages are not: each package writes what is asked.

    python3 stand_in.py SCENARIO MODULE [ARGUMENT…]

The scenario is JSON: `tables` that the database holds, `lock` (0 when another process holds it),
`down` (the database does not answer), `fails` (a call, and the exception that it raises). Calls go
to standard output, one JSON list each: the name, what it was given, and `sys.argv`.
"""

import importlib.abc
import importlib.machinery
import json
import runpy
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any, Self

PACKAGES = {
    *("cinder", "glance", "gunicorn", "keystone", "neutron", "neutron_lib", "nova"),
    *("oslo_config", "oslo_db", "oslo_service", "placement", "pymysql"),
}
SCENARIO: dict[str, Any] = json.loads(sys.argv[1])


class DBConnectionError(Exception):
    """oslo.db's."""


class OperationalError(Exception):
    """PyMySQL's."""


class CellMappingNotFound(Exception):
    """Nova's."""


EXCEPTIONS = {
    "oslo_db.exception.DBConnectionError": DBConnectionError,
    "pymysql.err.OperationalError": OperationalError,
    "nova.exception.CellMappingNotFound": CellMappingNotFound,
    "ValueError": ValueError,
}


def note(name: str, *given: Any) -> None:
    shown = [one if isinstance(one, str | int | bool | None) else repr(one) for one in given]
    sys.stdout.write(json.dumps([name, shown, sys.argv]) + "\n")
    sys.stdout.flush()


class Thing:
    """Anything of a package: it can be called, entered, gone through, and asked for its parts."""

    def __init__(self, name: str) -> None:
        self.__dict__["name"] = name

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def __getattr__(self, part: str) -> Any:
        whole = f"{self.name}.{part}"
        return BEHAVES.get(whole) or Thing(whole)

    def __setattr__(self, part: str, value: Any) -> None:
        note(f"{self.name}.{part} =", value)

    def __call__(self, *given: Any, **named: Any) -> Any:
        note(self.name, *given, *(f"{key}={value}" for key, value in named.items()))
        if failure := SCENARIO.get("fails", {}).get(self.name):
            raise EXCEPTIONS[failure]("as the test wants")
        return Thing(f"{self.name}()")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        note(f"{self.name}.__exit__")

    def __iter__(self) -> Iterator[Self]:
        return iter((type(self)(f"{self.name}[0]"),))


class Package(ModuleType):
    def __getattr__(self, part: str) -> Any:
        if part.startswith("__"):
            raise AttributeError(part)
        whole = f"{self.__name__}.{part}"
        return BEHAVES.get(whole) or Thing(whole)


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, fullname: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in PACKAGES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class Cursor:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Closed."""

    def execute(self, statement: str, given: Sequence[Any] = ()) -> None:
        note("sql", statement, *given)

    def fetchone(self) -> tuple[int]:
        return (SCENARIO.get("lock", 1),)

    def fetchall(self) -> list[tuple[str]]:
        return [(table,) for table in SCENARIO.get("tables", ())]


class Connection:
    def cursor(self) -> Cursor:
        return Cursor()

    def ping(self, *, reconnect: bool) -> None:
        note("ping", reconnect)

    def close(self) -> None:
        note("close")


def connect(**named: Any) -> Connection:
    if SCENARIO.get("down"):
        raise OperationalError(2003, "nobody listens")
    note("connect", named["user"], named["password"], named["port"], named["database"])
    return Connection()


def boot_server(work: Callable[[], None]) -> None:
    note("neutron.server.boot_server")
    work()


class Worker:
    """Gunicorn's, as far as whoever makes it relies on it."""

    def __init__(
        self, _age: int, _parent: int, _sockets: object, application: Any, *_: Any
    ) -> None:
        self.application = application
        self.is_parent_alive: Callable[[], bool] = lambda: False

    def init_process(self) -> None:
        application = self.application.wsgi()
        note("serves", application, self.is_parent_alive())


class Config(Thing):
    """Gunicorn's settings."""

    worker_class = Worker

    def __init__(self) -> None:
        super().__init__("cfg")


def pause() -> None:
    """Nobody sends a signal here: the program has done what it does by itself."""
    note("waits")
    raise SystemExit(0)


def cell(_: Any, identity: str) -> Thing:
    """Nova's first cell is there already, the second is not."""
    if identity in SCENARIO.get("cells", ()) or identity in MADE:
        return Thing("cell")
    MADE.append(identity)
    raise CellMappingNotFound


MADE: list[str] = []
BEHAVES: dict[str, Any] = {
    **EXCEPTIONS,
    "gunicorn.config.Config": Config,
    "neutron.server.boot_server": boot_server,
    "nova.objects.cell_mapping.CellMapping.get_by_uuid": cell,
    "pymysql.connect": connect,
}


if __name__ == "__main__":
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    sys.meta_path.insert(0, Finder())
    signal.pause = pause
    runpy.run_module(module, run_name="__main__", alter_sys=False)
