"""`ouranos status`."""

from __future__ import annotations

import asyncio
import json

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
    errors.run(_status(name, watch=watch, output=output))


async def _status(name: str | None, *, watch: bool, output: str) -> None:
    import httpx2  # noqa: PLC0415 - heavy, and not needed for --help

    from ouranos.kit import kinds  # noqa: PLC0415
    from ouranos.solo import door, state, up  # noqa: PLC0415

    cloud = options.find(name)
    told = None
    while True:
        try:
            async with door.connect(cloud) as api:
                found = await api.get(kinds.CLOUD, cloud.cloud, cloud.cloud)
        except (httpx2.TransportError, door.NotUpError):
            found = None
        if found is None:
            raise errors.Refused(
                f"{cloud.cloud}: down", f"bring it up: ouranos up --cloud {cloud.cloud}"
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
                click.echo(now.line(cloud.cloud, up.now()))
        if not watch:
            raise SystemExit(0 if now.ready else 1)
        await asyncio.sleep(1.0)
