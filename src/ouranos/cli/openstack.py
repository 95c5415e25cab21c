"""`ouranos openstack …`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from ouranos.cli import errors, options

_OURS_FIRST: dict[str, Any] = {
    # After the client's first word every option is the client's: it has a --system of its own.
    "allow_interspersed_args": False,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


@click.command(context_settings=_OURS_FIRST)
@options.anywhere
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(where: options.Where, words: tuple[str, ...]) -> None:
    """Run OpenStack's own client as the cloud's administrator."""
    client = Path(sys.executable).with_name("openstack")
    if not client.exists():
        raise errors.Refused(
            "OpenStack's client is not installed", "pip install 'ouranos[openstack]'"
        )
    environment = {key: text for key, text in os.environ.items() if not key.startswith("OS_")}
    environment |= errors.run(_administrator(where))
    os.execve(client, [str(client), *words], environment)  # noqa: S606 - the user's own words


async def _administrator(where: options.Where) -> dict[str, str]:
    async with options.opened(where) as place:
        return await place.environment()
