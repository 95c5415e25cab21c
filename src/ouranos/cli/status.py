"""`ouranos status`."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import click

from ouranos.cli import errors, options
from ouranos.solo import paths


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
    from ouranos.solo import door, state  # noqa: PLC0415

    cloud = options.find(name)
    told = None
    while True:
        try:
            async with door.connect(cloud) as api:
                found = await api.get(kinds.CLOUD, cloud.cloud, cloud.cloud)
        except (kit_errors.Unreachable, door.NotUpError) as error:
            raise _down(cloud) from error
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


def _down(cloud: paths.Paths) -> errors.Refused:
    """Down as it was asked to be, or without an answer although its daemon runs."""
    from ouranos.solo import lock  # noqa: PLC0415 - not needed for --help

    if lock.holder_of(cloud.daemon_lock) is None:
        hint = f"bring it up: ouranos up --cloud {cloud.cloud}"
        return errors.Refused(f"{cloud.cloud}: down", hint)
    return errors.Refused(
        f"{cloud.cloud}: its daemon runs and its API does not answer", f"look into {cloud.log}"
    )
