"""`ouranos status`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from ouranos.cli import errors, options

if TYPE_CHECKING:
    from ouranos.look import state


@click.command
@options.anywhere
@click.option("-w", "--watch", is_flag=True, help="Go on and print each change.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(where: options.Where, *, watch: bool, output: str) -> None:
    """One line when all is well; else the first fact that is awaited and since when."""
    ready = errors.run(_status(where, watch=watch, output=output))
    raise SystemExit(0 if ready else 1)


async def _status(where: options.Where, *, watch: bool, output: str) -> bool:
    told = None
    async with options.opened(where) as place:
        while True:
            found, now = await place.look()
            if (now.ready, now.told) != told:
                told = (now.ready, now.told)
                _tell(place.cloud, found, now, output)
            if not watch:
                return now.ready
            await asyncio.sleep(1.0)


def _tell(name: str, found: dict[str, Any], now: state.State, output: str) -> None:
    if output == "json":
        words = {"cloud": name, **found.get("status", {})}
        words |= {"ready": now.ready, "message": now.told, "hint": now.hint}
        click.echo(json.dumps(words, ensure_ascii=False))
        return
    click.echo(now.line(name, datetime.now(UTC)))
    if now.hint:
        click.echo(f"hint: {now.hint}", err=True)
