"""`ouranos verify`."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from ouranos.cli import errors, options

_NEEDED = ("keystone", "glance", "placement", "nova", "neutron", "cinder")


@click.command
@options.cloud
@click.option(
    "--image",
    type=click.Path(exists=True, dir_okay=False),
    help="A disk image to boot instead of the small guest.",
)
@click.option("--flavor", default="m1.nano", show_default=True, help="The guest's flavor.")
@click.option(
    "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True
)
def command(name: str | None, image: str | None, flavor: str, output: str) -> None:
    """Boot a guest as an ordinary tenant, prove that everything works, leave nothing behind."""
    errors.run(
        _verify(name, image or "", flavor, output),
        interrupted="interrupted; the next `ouranos verify` removes what is left",
    )


async def _verify(name: str | None, image: str, flavor: str, output: str) -> None:
    place = options.find(name)
    options.running(place)

    from openstack import exceptions  # noqa: PLC0415 - heavy, and not needed for --help

    from ouranos.solo import door, lock, machine, waiting  # noqa: PLC0415
    from ouranos.verify import run, story  # noqa: PLC0415

    def say(message: str) -> None:
        click.echo(message, err=True)

    try:
        with lock.Lock(place.folder / "verify.lock", "verify"):
            async with door.connect(place) as api:
                network = machine.Machine.read(place) or machine.DEFAULT
                cloud, now = await waiting.look(api, place, network)
                if cloud is None or now is None or not now.ready:
                    raise errors.Refused(f"{place.cloud} is not Ready", "look with: ouranos status")
                if absent := [each for each in _NEEDED if each not in cloud["spec"]["services"]]:
                    raise errors.Refused(
                        f"{place.cloud} cannot boot a guest: it has no {', '.join(absent)}",
                        "add them to spec.services in its file, then: ouranos up FILE",
                    )
                order = run.Order(
                    place.cloud,
                    cloud["spec"]["release"],
                    place.clouds_yaml,
                    place.images,
                    image,
                    flavor,
                )
                told = await run.verify(order, api, say)
    except lock.LockHeldError as error:
        raise errors.Refused(str(error), "wait until it is done") from error
    except story.ProofError as error:
        raise errors.Refused(
            f"not proved: {error}", "look with: ouranos status, ouranos logs nova"
        ) from error
    except exceptions.SDKException as error:
        raise errors.Refused(
            f"OpenStack answered: {error}", "look with: ouranos logs SERVICE"
        ) from error
    _tell(told.report(), place, output)


def _tell(report: dict[str, Any], place: Any, output: str) -> None:
    if output == "json":
        click.echo(json.dumps(report, ensure_ascii=False))
        return
    click.echo(f"{len(report['proofs'])} proofs in {report['seconds']:.1f} s\n")
    click.echo(f"clouds.yaml  {place.clouds_yaml}\nkubeconfig   {place.kubeconfig}\n")
    click.echo("Try next:")
    for command_line in _next(place.kubeconfig):
        click.echo(f"  {command_line}")


def _next(kubeconfig: Path) -> tuple[str, str, str]:
    """Three commands that work when they are pasted into the shell that called us."""
    called = sys.argv[0]
    on_path = shutil.which("ouranos")
    ouranos = "ouranos" if on_path and Path(on_path).samefile(called) else called
    third = (
        f"kubectl --kubeconfig {kubeconfig} get clouds,keystones,novas,pods"
        if shutil.which("kubectl")
        else f"{ouranos} logs nova/scheduler"
    )
    return f"{ouranos} openstack server list --all-projects", f"{ouranos} status -w", third
