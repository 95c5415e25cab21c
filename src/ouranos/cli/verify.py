"""`ouranos verify`."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ouranos.cli import errors, options

if TYPE_CHECKING:
    from ouranos.look import place as place_module
    from ouranos.verify import run as run_module
    from ouranos.verify import story

_NEEDED = ("keystone", "glance", "placement", "nova", "neutron", "cinder")


@click.command
@options.anywhere
@click.option(
    "--image",
    type=click.Path(exists=True, dir_okay=False),
    help="A disk image to boot instead of the small guest.",
)
@click.option("--flavor", default="m1.nano", show_default=True, help="The guest's flavor.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(where: options.Where, image: str | None, flavor: str, output: str) -> None:
    """Boot a guest as an ordinary tenant, prove that everything works, leave nothing behind.

    Run it where tenants are: it speaks to the cloud's public endpoints and floating addresses.
    """
    errors.run(
        _verify(where, image or "", flavor, output),
        interrupted="interrupted; the next `ouranos verify` removes what is left",
    )


async def _verify(where: options.Where, image: str, flavor: str, output: str) -> None:
    async with options.opened(where) as place:
        async with place.alone("verify"):
            told = await _proved(place, await _order(place, image, flavor))
        _tell(told.report(), place, where.context, output)


async def _order(place: place_module.Place, image: str, flavor: str) -> run_module.Order:
    """What is to be proved.

    Raises:
        Refused: the cloud is not ready for it.
    """
    cloud, now = await place.look()
    look = f"look with: ouranos status{place.options}"
    if not now.ready:
        raise errors.Refused(now.line(place.cloud, datetime.now(UTC)), now.hint or look)
    if absent := [each for each in _NEEDED if each not in cloud["spec"]["services"]]:
        raise errors.Refused(
            f"{place.cloud} cannot boot a guest: it has no {', '.join(absent)}",
            "add them to spec.services in its file, then apply the file again",
        )
    from ouranos.look import credentials  # noqa: PLC0415 - heavy: not before the cloud answers
    from ouranos.verify import run  # noqa: PLC0415

    try:
        access = await credentials.of_administrator(place.api, place.cloud, place.namespace)
    except credentials.NotKnownYetError as error:
        raise errors.Refused(str(error), look) from error
    return run.Order(place.namespace, access, place.guests, image, flavor)


async def _proved(place: place_module.Place, order: run_module.Order) -> story.Story:
    """Run the proofs; what fails is one message with a hint."""
    from openstack import exceptions  # noqa: PLC0415 - heavy, and not needed for --help

    from ouranos.verify import run, story  # noqa: PLC0415

    def say(message: str) -> None:
        click.echo(message, err=True)

    try:
        told: story.Story = await run.verify(order, place.api, say)
    except story.ProofError as error:
        raise errors.Refused(
            f"not proved: {error}",
            f"look with: ouranos status{place.options}, ouranos logs{place.options} nova",
        ) from error
    except exceptions.SDKException as error:
        raise errors.Refused(
            f"OpenStack answered: {error}", f"look with: ouranos logs{place.options} SERVICE"
        ) from error
    return told


def _tell(
    report: dict[str, Any], place: place_module.Place, context: str | None, output: str
) -> None:
    if output == "json":
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    click.echo(f"{len(report['proofs'])} proofs in {report['seconds']:.1f} s\n")
    for name, file in place.files.items():
        click.echo(f"{name:<12} {file}")
    click.echo("\nTry next:")
    for command_line in _next(place, context):
        click.echo(f"  {command_line}")


def _next(place: place_module.Place, context: str | None) -> tuple[str, str, str]:
    """Three commands that work when they are pasted into the shell that called us."""
    from ouranos.kit import kubeconfig  # noqa: PLC0415 - heavy, and not needed for --help

    called = sys.argv[0]
    on_path = shutil.which("ouranos")
    ouranos = "ouranos" if on_path and Path(on_path).samefile(called) else called
    same = kubeconfig.options(place.files["kubeconfig"], context)
    third = (
        f"kubectl{same} --namespace {place.namespace} get clouds,keystones,novas,pods"
        if shutil.which("kubectl")
        else f"{ouranos} logs{place.options} nova/scheduler"
    )
    return (
        f"{ouranos} openstack{place.options} server list --all-projects",
        f"{ouranos} status{place.options} -w",
        third,
    )
