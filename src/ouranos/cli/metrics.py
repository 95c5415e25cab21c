"""`ouranos metrics`."""

from __future__ import annotations

import click

from ouranos.cli import errors, options


@click.command
@options.cloud
def command(name: str | None) -> None:
    """Print the daemon's metrics in Prometheus' text format."""
    errors.run(_metrics(name))


async def _metrics(name: str | None) -> None:
    from ouranos.solo import door, place  # noqa: PLC0415 - heavy, and not needed for --help

    cloud = options.find(name)
    place.running(cloud)
    click.echo(await door.metrics(cloud), nl=False)
