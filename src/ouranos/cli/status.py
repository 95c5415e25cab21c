"""`ouranos status`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import click

from ouranos.cli import errors, options


@click.command
@options.cloud
@click.option("-w", "--watch", is_flag=True, help="Go on and print each change.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(name: str | None, *, watch: bool, output: str) -> None:
    """One line when all is well; else the first fact that is awaited and since when."""
    ready = errors.run(_status(name, watch=watch, output=output))
    raise SystemExit(0 if ready else 1)


async def _status(name: str | None, *, watch: bool, output: str) -> bool:
    cloud = options.find(name)
    told = None
    while True:
        found, now = await _look(cloud)
        if (now.ready, now.told) != told:
            told = (now.ready, now.told)
            if output == "json":
                words = {"cloud": cloud.cloud, **found.get("status", {})}
                words |= {"ready": now.ready, "message": now.told, "hint": now.hint}
                click.echo(json.dumps(words, ensure_ascii=False))
            else:
                click.echo(now.line(cloud.cloud, datetime.now(UTC)))
                if now.hint:
                    click.echo(f"hint: {now.hint}", err=True)
        if not watch:
            return now.ready
        await asyncio.sleep(1.0)


async def _look(cloud: Any) -> tuple[dict[str, Any], Any]:
    """The Cloud and how it is.

    Raises:
        Refused: it is down, cannot be asked, or nobody has given the daemon a Cloud.
    """
    from ouranos.kit import errors as kit_errors  # noqa: PLC0415 - heavy, not needed for --help
    from ouranos.solo import door, lock, machine, obstacles, waiting  # noqa: PLC0415

    options.running(cloud)
    place = machine.Machine.read(cloud) or machine.DEFAULT
    try:
        async with door.connect(cloud) as api:
            found, now = await waiting.look(api, cloud, place)
    except kit_errors.Unreachable as error:
        for each in await asyncio.to_thread(obstacles.find, cloud, place):
            raise errors.Refused(f"{cloud.cloud}: {each.message}", each.hint) from error
        if lock.holder_of(cloud.daemon_lock) is not None:
            raise
        raise errors.Refused(
            f"{cloud.cloud}: its daemon has ended and is being started again",
            f"ask again in a moment; {cloud.log} says why",
        ) from error
    if found is None or now is None:
        raise errors.Refused(
            f"{cloud.cloud}: the daemon runs, and nobody has given it a Cloud",
            "bring it up: ouranos up FILE",
        )
    return found, now
