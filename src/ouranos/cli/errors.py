"""How the command line says that something went wrong: what, where, and what to do next."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import IO, Any, TypeVar

import click

T = TypeVar("T")


class Refused(click.ClickException):
    """The user's input or a refused check; exit code 1."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message, and the hint after an empty line."""
        click.echo(f"error: {self.message}", file=file, err=file is None)
        if self.hint:
            click.echo(f"\nhint: {self.hint}", file=file, err=file is None)


class Late(Refused):
    """Timed out while waiting; exit code 3."""

    exit_code = 3


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end; Ctrl-C cancels what waits and leaves what was begun to the daemon."""

    async def guarded() -> T:
        task = asyncio.ensure_future(coroutine)
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError as error:
        raise click.Abort from error
