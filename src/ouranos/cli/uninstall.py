"""`ouranos uninstall`."""

from __future__ import annotations

from typing import Any

import click

from ouranos.cli import errors, install


@click.command
@install.reaching
@click.option(
    "--controllers-only",
    is_flag=True,
    help="Remove the controllers alone: clouds stay, and run on unattended.",
)
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@install.running
def command(namespace: str, output: str, *, controllers_only: bool, **given: Any) -> None:
    """Remove Ouranos from a cluster: all of it but data, which is named.

    While clouds are there, nothing is removed. The plan is printed first.
    """
    errors.run(
        _uninstall(namespace, output, given, controllers_only=controllers_only),
        interrupted="interrupted; the same command goes on",
    )


async def _uninstall(
    namespace: str, output: str, given: dict[str, Any], *, controllers_only: bool
) -> None:
    from ouranos.install import order, removal, work  # noqa: PLC0415 - not for --help
    from ouranos.kit import kubeconfig, seams  # noqa: PLC0415

    wanted = order.Order(namespace)
    say = install.speaker()
    with install.told(given):
        async with kubeconfig.connect(
            install.named(given["kubeconfig"]), given["context"], manager=order.MANAGER
        ) as source:
            made = await removal.planned(source, wanted, controllers_only=controllers_only)
            left = list(map(str, await removal.data(source)))
            install.show(made, output, left=left)
            if made.changes and install.confirmed(given, "Remove this?"):
                await work.carry_out(source, made, seams.real(), say)
                if given["wait"]:
                    await removal.gone(source, made, seams.real(), say, given["timeout"])
    if left and output == "table":
        click.echo("".join(f"left: {one}\n" for one in left), nl=False)
        click.echo("Data of clouds stays; remove it with kubectl when nobody needs it any more.")
