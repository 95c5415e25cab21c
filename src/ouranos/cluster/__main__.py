"""Run the controllers: `python -m ouranos.cluster`. Every option has an environment variable."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ouranos.cluster import process, settings
from ouranos.kit import kubeconfig, log


@click.command(context_settings={"auto_envvar_prefix": "OURANOS", "show_default": True})
@click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="The cluster, for a process outside of it; inside, the pod's service account is used.",
)
@click.option("--context", help="A context of the kubeconfig; the current one by default.")
@click.option(
    "--namespace",
    default="",
    help="Where the Lease is; by default the pod's own, or with --kubeconfig ouranos-system.",
)
@click.option(
    "--lease",
    "lease_name",
    envvar="OURANOS_LEASE",
    default=settings.LEASE,
    help="The Lease by which one process acts.",
)
@click.option(
    "--address",
    envvar="OURANOS_HTTP_ADDRESS",
    default="",
    help="Where the endpoints listen; everywhere by default.",
)
@click.option(
    "--port",
    # Kubernetes itself sets OURANOS_PORT where a Service is called ouranos.
    envvar="OURANOS_HTTP_PORT",
    default=settings.PORT,
    help="Where /healthz, /readyz and /metrics are.",
)
@click.option("--images", default="", help="Where nodes find images instead of ouranos.cloud.")
@click.option(
    "--log-level",
    "level",
    envvar="OURANOS_LOG_LEVEL",
    type=click.Choice(["debug", "info", "warning"]),
    default="info",
    help="The least that is logged.",
)
def command(**given: object) -> None:
    """Keep every Cloud of a cluster as it is described."""
    chosen = settings.Settings(**given)  # pyright: ignore[reportArgumentType] - click checks them
    log.configure(chosen.level, json=True)
    try:
        process.main(chosen)
    except kubeconfig.RefusedError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    command()
