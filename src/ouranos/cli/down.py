"""`ouranos down`."""

from __future__ import annotations

import click

from ouranos.cli import errors, options


@click.command
@options.cloud
@click.option("--destroy", is_flag=True, help="Remove everything of the cloud, its data too.")
@click.option("--keep-images", is_flag=True, help="With --destroy: keep the unpacked images.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(name: str | None, *, destroy: bool, keep_images: bool, yes: bool) -> None:
    """Stop a cloud and keep its data, or with --destroy leave nothing of it."""
    cloud = options.find(name)
    if destroy and not yes:
        click.confirm(f"remove the cloud {cloud.cloud} with all its data", abort=True, err=True)

    from ouranos.solo import down, lock, waiting  # noqa: PLC0415 - heavy, and not needed for --help

    def say(message: str) -> None:
        click.echo(message, err=True)

    try:
        errors.run(
            down.bring_down(cloud, say, destroy=destroy, keep_images=keep_images),
            interrupted="interrupted; the same command goes on with what is left",
        )
    except lock.LockHeldError as error:
        raise errors.Refused(
            str(error), "wait until it is done, or end it, then run this again"
        ) from error
    except waiting.DeadlineError as error:
        raise errors.Late(str(error), f"look into {cloud.log}, then run this again") from error
