"""`ouranos kubeconfig`."""

from __future__ import annotations

import click

from ouranos.cli import errors, options


@click.command
@options.cloud
@click.option("--path", is_flag=True, help="Print where the file is, not what is in it.")
def command(name: str | None, *, path: bool) -> None:
    """Print the kubeconfig of a cloud: ouranos kubeconfig > ~/.kube/config."""
    file = options.find(name).kubeconfig
    if not file.exists():
        raise errors.Refused("the cloud has no kubeconfig yet", "bring it up: ouranos up")
    click.echo(file if path else file.read_text(encoding="utf-8").rstrip("\n"))
