"""`ouranos openstack …`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ouranos.cli import errors, options


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@options.cloud
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def command(name: str | None, words: tuple[str, ...]) -> None:
    """Run OpenStack's own client as the cloud's administrator."""
    cloud = options.find(name)
    client = Path(sys.executable).with_name("openstack")
    if not client.exists():
        raise errors.Refused(
            "OpenStack's client is not installed", "pip install 'ouranos[openstack]'"
        )
    if not cloud.clouds_yaml.exists():
        raise errors.Refused("the cloud has no clouds.yaml yet", "bring it up: ouranos up")
    options.running(cloud)
    environment = {key: text for key, text in os.environ.items() if not key.startswith("OS_")}
    environment |= {"OS_CLIENT_CONFIG_FILE": str(cloud.clouds_yaml), "OS_CLOUD": cloud.cloud}
    os.execve(client, [str(client), *words], environment)  # noqa: S606 - the user's own words
