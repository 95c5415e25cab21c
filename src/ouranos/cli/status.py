"""`ouranos status`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

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
    from ouranos.kit import errors as kit_errors  # noqa: PLC0415 - heavy, not needed for --help
    from ouranos.kit import kinds  # noqa: PLC0415
    from ouranos.solo import door, lock, state  # noqa: PLC0415

    cloud = options.find(name)
    told = None
    while True:
        try:
            async with door.connect(cloud) as api:
                found = await api.get(kinds.CLOUD, cloud.cloud, cloud.cloud)
        except (kit_errors.Unreachable, door.NotUpError) as error:
            if lock.holder_of(cloud.daemon_lock) is not None:
                raise
            hint = f"bring it up: ouranos up --cloud {cloud.cloud}"
            raise errors.Refused(f"{cloud.cloud}: down", hint) from error
        if found is None:
            raise errors.Refused(
                f"{cloud.cloud}: the daemon runs, and nobody has given it a Cloud",
                "bring it up: ouranos up FILE",
            )
        now = state.of_cloud(found)
        if (now.ready, now.message) != told:
            told = (now.ready, now.message)
            if output == "json":
                click.echo(
                    json.dumps(
                        {"cloud": cloud.cloud, **found.get("status", {})}, ensure_ascii=False
                    )
                )
            else:
                click.echo(now.line(cloud.cloud, datetime.now(UTC)))
        if not watch:
            return now.ready
        await asyncio.sleep(1.0)
