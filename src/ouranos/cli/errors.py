"""How the command line says that something went wrong: what, where, and what to do next."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import traceback
from collections.abc import Callable, Coroutine, Generator
from typing import IO, Any, TypeVar

import click

T = TypeVar("T")


class Refused(click.ClickException):
    """The user's input or a refused check; exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problems = [(message, hint)]

    @classmethod
    def each(cls, problems: list[tuple[str, str]]) -> Refused:
        """Several things that are wrong, each a message and a hint of its own."""
        refused = cls(*problems[0])
        refused.problems = problems
        return refused

    def show(self, file: IO[Any] | None = None) -> None:
        """Print each message, and in the line below it what to do."""
        for message, hint in self.problems:
            click.echo(f"error: {message}", file=file, err=file is None)
            if hint:
                click.echo(f"hint: {hint}", file=file, err=file is None)


class Late(Refused):
    """Timed out while waiting; exit code 3."""

    exit_code = 3


class Unexpected(Refused):
    """A mistake of ours, or a state that nobody thought of; exit code 2."""

    exit_code = 2


class Interrupted(click.ClickException):
    """A person or a script ended the command; exit code 130."""

    exit_code = 130  # what a shell shows for a program that SIGINT ended

    def show(self, file: IO[Any] | None = None) -> None:
        """Print what becomes of the work, if anything was begun."""
        if self.message:
            click.echo(self.message, file=file, err=file is None)


def run(coroutine: Coroutine[Any, Any, T], *, interrupted: str | Callable[[], str] = "") -> T:
    """Run to the end; Ctrl-C cancels what waits and leaves what was begun to the daemon.

    Args:
        coroutine: what to run.
        interrupted: what to say when a person ends it, or what finds it out then; nothing, for
            commands that only look.
    """

    async def guarded() -> T:
        task = asyncio.ensure_future(coroutine)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError as error:
        said = interrupted if isinstance(interrupted, str) else interrupted()
        raise Interrupted(said) from error


@contextlib.contextmanager
def asking() -> Generator[None]:
    """Let Ctrl-C end a question at once: the event loop, which it is told to, stands still then."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def explained(error: Exception) -> click.ClickException:
    """What to print for an exception that no command expected itself."""
    if isinstance(error, click.UsageError):
        word = error.ctx.command_path if error.ctx else "ouranos"
        return Refused(f"{word}: {error.format_message().rstrip('.')}", f"{word} -h")
    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, click.Abort):
        return Interrupted("")
    if isinstance(error, OSError):
        found = _of_the_machine(error)
        if found is not None:
            return found
    return _on_purpose(error) or _mistake(error)


def _of_the_machine(error: OSError) -> Refused | None:
    """What the machine refuses, and a person can mend."""
    where = f"{error.filename}: " if error.filename else ""
    if isinstance(error, PermissionError):
        return Refused(f"{where}{error.strerror}", "run it with sudo or as root")
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
        return Refused(
            f"{where}{error.strerror}",
            "make room there, or set OURANOS_ROOT to a folder on another disk",
        )
    return None


def _on_purpose(error: Exception) -> Refused | None:
    """What Ouranos raises on purpose: the cloud does not answer, or refuses."""
    import httpx2  # noqa: PLC0415 - heavy, and not needed for --help

    from ouranos.kit import errors as kit_errors  # noqa: PLC0415
    from ouranos.kit import kubeconfig  # noqa: PLC0415
    from ouranos.look import place  # noqa: PLC0415

    if isinstance(error, place.RefusedError | kubeconfig.RefusedError):
        return Refused(error.message, error.hint)
    if isinstance(error.__cause__, httpx2.TimeoutException):
        return Late(f"the cloud's API did not answer in time ({_name(error.__cause__)})", _look())
    if isinstance(error, kit_errors.Unreachable):
        return Refused(f"the cloud's API does not answer: {_cause(error)}", _look())
    if isinstance(error, kit_errors.ApiError):
        return Refused(f"the cloud's API refused: {error}", _look())
    if isinstance(error, kit_errors.OuranosError):
        return Refused(str(error), _look())
    return None


def _look() -> str:
    return f"ouranos up, if it is down; else look into {_log()}"


def _log() -> str:
    from ouranos.solo import paths  # noqa: PLC0415 - not needed for --help

    root = paths.root_from_environment()
    return str(root / "clouds" / (os.environ.get("OURANOS_CLOUD") or "*") / "daemon.log")


def _cause(error: Exception) -> str:
    return str(error.__cause__ or error) or _name(error)


def _name(error: BaseException) -> str:
    return type(error).__name__


def _mistake(error: Exception) -> Unexpected:
    """A bug: one line, and the traceback only for who asks for it."""
    if os.environ.get("OURANOS_DEBUG"):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    text = " ".join(f"{_name(error)}: {error}".split())
    return Unexpected(
        f"this is a mistake in Ouranos: {text}",
        f"OURANOS_DEBUG=1 shows where; the daemon's log is {_log()}",
    )
