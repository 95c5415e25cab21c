"""`ouranos install`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ouranos.cli import errors

if TYPE_CHECKING:
    from ouranos.install import order as order_module
    from ouranos.install import plan as plan_module

_SYSTEM = "ouranos-system"


def reaching(function: Callable[..., None]) -> Callable[..., None]:
    """The options that name a cluster, and where in it the controllers are."""
    for option in (
        click.option(
            "-n",
            "--namespace",
            envvar="OURANOS_SYSTEM",
            default=_SYSTEM,
            show_default=True,
            help="The namespace of the controllers.",
        ),
        click.option(
            "--context",
            envvar="OURANOS_CONTEXT",
            help="One of the kubeconfig's contexts, instead of the current one.",
        ),
        click.option(
            "--kubeconfig",
            envvar="OURANOS_KUBECONFIG",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Leads to the cluster. The variable KUBECONFIG is not read.",
        ),
    ):
        function = option(function)
    return function


def running(function: Callable[..., None]) -> Callable[..., None]:
    """The options that say how far a changing command goes."""
    for option in (
        click.option(
            "--timeout",
            type=click.FloatRange(min=0),
            default=300.0,
            show_default=True,
            help="Seconds to wait.",
        ),
        click.option("--wait/--no-wait", default=True, help="Wait until it is done (the default)."),
        click.option("--dry-run", is_flag=True, help="Print the plan, change nothing."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask before changing anything."),
    ):
        function = option(function)
    return function


@click.command
@reaching
@click.option(
    "--images",
    envvar="OURANOS_IMAGES",
    default="",
    metavar="REGISTRY",
    help="Where nodes pull images from, a path included; without it they have them already.",
)
@click.option(
    "--replicas",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Controllers: one works, the others stand by.",
)
@click.option("--take-over", is_flag=True, help="Take over fields that somebody else has set.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
    help="How to print the plan; yaml prints the manifests, and asks no cluster.",
)
@running
def command(images: str, replicas: int, namespace: str, output: str, **given: Any) -> None:
    """Install Ouranos' kinds, roles and controllers in a cluster, or bring them up to date.

    The plan is printed first. The same again changes nothing.
    """
    from ouranos.install import folder, manifests, order  # noqa: PLC0415 - not for --help

    wanted = order.Order(namespace, replicas, images)
    if output == "yaml":
        click.echo(folder.text(manifests.every(wanted)), nl=False)
        return
    errors.run(_install(wanted, output, given), interrupted=_INTERRUPTED)


_INTERRUPTED = "interrupted; what was begun goes on, and the same command picks it up"


async def _install(wanted: order_module.Order, output: str, given: dict[str, Any]) -> None:
    from ouranos.install import order, plan, waiting, work  # noqa: PLC0415 - not for --help
    from ouranos.kit import kubeconfig, seams  # noqa: PLC0415

    say = speaker()
    force: bool = given["take_over"]
    with told(given):
        async with kubeconfig.connect(
            named(given["kubeconfig"]), given["context"], manager=order.MANAGER
        ) as source:
            made = await plan.made(source, wanted, force=force)
            show(made, output)
            if made.changes and confirmed(given, "Install this?"):
                await work.carry_out(source, made, seams.real(), say, force=force)
            if given["wait"] and not given["dry_run"]:
                await waiting.available(source, wanted, seams.real(), say, given["timeout"])
                say("the controllers are available")


@contextlib.contextmanager
def told(given: dict[str, Any]) -> Generator[None]:
    """Turn what stops an installation into one line each, with a hint for the cluster named.

    Raises:
        Refused: nothing was changed, or the cluster refused in the middle.
        Late: it is not done in time.
    """
    from ouranos.install import trouble  # noqa: PLC0415 - not needed for --help
    from ouranos.kit import errors as kit_errors  # noqa: PLC0415
    from ouranos.kit import kubeconfig  # noqa: PLC0415

    cluster = named(given["kubeconfig"]), given["context"]
    again = "the same command goes on from there"
    try:
        yield
    except trouble.RefusedError as error:
        raise errors.Refused.each(
            [(one.message, kubeconfig.aimed(one.hint, *cluster)) for one in error.troubles]
        ) from error
    except trouble.BrokenOffError as error:
        raise errors.Refused(str(error), f"mend it; {again}") from error
    except trouble.LateError as error:
        raise errors.Late(str(error), f"the cluster goes on; {again}") from error
    except kit_errors.Unreachable as error:
        raise errors.Refused(f"the cluster does not answer any more: {error}", again) from error
    except kit_errors.ApiError as error:
        raise errors.Refused(f"the cluster refused: {error}", again) from error


def named(file: Path | None) -> Path:
    """The kubeconfig that was named.

    Raises:
        Refused: none was.
    """
    if file is None:
        raise errors.Refused("no cluster was named", "name one: --kubeconfig FILE")
    return file


def speaker() -> Callable[[str], None]:
    """What says each step, with the seconds since the beginning."""
    began = time.monotonic()

    def say(message: str) -> None:
        click.echo(f"{time.monotonic() - began:6.1f}s  {message}", err=True)

    return say


def show(made: plan_module.Plan, output: str, **more: Any) -> None:
    """Print a plan: what changes, then how many of what, then what to beware of.

    Args:
        made: the plan.
        output: table or json.
        more: what else a JSON document holds.
    """
    if output == "json":
        rows = [row.told() for row in made.rows]
        warnings = [one._asdict() for one in made.warnings]
        document = {"plan": rows, "warnings": warnings, **more}
        click.echo(json.dumps(document, ensure_ascii=False))
    else:
        shown = [row.told() for row in made.rows if row.action != "unchanged"]
        lines = [(one["action"], one["kind"], _full(one), one["detail"]) for one in shown]
        widths = [max((len(line[column]) for line in lines), default=0) for column in range(3)]
        for line in lines:
            head = "  ".join(
                text.ljust(width) for text, width in zip(line[:3], widths, strict=True)
            )
            click.echo(f"{head}  {line[3]}".rstrip())
        click.echo(made.summary())
    for one in made.warnings:
        click.echo(f"warning: {one.message}", err=True)
        if one.hint:
            click.echo(f"hint: {one.hint}", err=True)


def _full(row: dict[str, str]) -> str:
    return f"{row['namespace']}/{row['name']}" if row["namespace"] else row["name"]


def confirmed(given: dict[str, Any], question: str) -> bool:
    """Whether to go on: a person says so, or `--yes`; never with `--dry-run`.

    Raises:
        Refused: nobody can be asked.
    """
    if given["dry_run"]:
        return False
    if not given["yes"]:
        if not sys.stdin.isatty():
            raise errors.Refused("nobody is there to be asked; nothing was changed", "say --yes")
        with errors.asking():
            click.confirm(question, abort=True, err=True)
    return True
