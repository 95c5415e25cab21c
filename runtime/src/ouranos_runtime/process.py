"""How does a program inside the image end? With a code that says what to do, and a line why."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import NoReturn

from ouranos_runtime import start

DONE = 0
FAILED = 1
USAGE = 64
TRY_AGAIN = 75
"""What the program needs is not there yet (`EX_TEMPFAIL`)."""

_LINE_LIMIT = 400


class NotYetError(Exception):
    """Something the program needs is missing for now."""


def run(what: str, work: Callable[[], None]) -> NoReturn:
    """Run a program's work and exit with its code.

    A database that does not answer ends with `TRY_AGAIN`; any other error with `FAILED`, its
    traceback and a last line that begins with `error:`.

    Args:
        what: What the work brings about, for that line: `Keystone's schema`.
        work: The work.
    """
    sys.excepthook = _reporter(what)
    start.lighten()
    try:
        work()
    except (NotYetError, *_connection_errors()) as error:
        _say(what, error)
        _exit(TRY_AGAIN)
    _exit(DONE)


def _exit(code: int) -> NoReturn:
    # Services leave threads and pools behind that would keep the interpreter for seconds.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _connection_errors() -> tuple[type[Exception], ...]:
    return (importlib.import_module("oslo_db.exception").DBConnectionError,)


def _reporter(
    what: str,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def report(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        sys.__excepthook__(kind, error, traceback)
        _say(what, error)

    return report


def _say(what: str, error: BaseException) -> None:
    cause = " ".join(str(error).split())[:_LINE_LIMIT]
    sys.stderr.write(f"error: {what}: {type(error).__name__}: {cause}\n")
