"""`ouranos up [FILE]`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import click

from ouranos.cli import errors, options


@click.command
@click.argument("file", required=False, type=click.Path(path_type=Path, readable=False))
@options.cloud
@click.option("--wait/--no-wait", default=True, help="Wait until the cloud is Ready (the default).")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=900.0,
    show_default=True,
    help="Seconds to wait.",
)
@click.option("--dry-run", is_flag=True, help="Check the file and the machine, change nothing.")
def command(
    file: Path | None, name: str | None, *, wait: bool, timeout: float, dry_run: bool
) -> None:
    """Bring up the cloud that FILE describes, or the one that was up before."""
    documents = read(file) if file is not None else []
    named = [each["metadata"]["name"] for each in documents if each["kind"] == "Cloud"]
    if file is not None and len(named) != 1:
        raise errors.Refused(
            f"{file}: describes {len(named)} clouds", "put exactly one Cloud into the file"
        )
    said: list[str] = []
    errors.run(
        _up(file, documents, named[0] if named else name, (wait, timeout, dry_run), said),
        interrupted=lambda: _interrupted(said),
    )


def _interrupted(said: list[str]) -> str:
    """What becomes of the work: the daemon goes on with it, once it was started."""
    if any(message.startswith("daemon: ") for message in said):
        return "interrupted; what was begun goes on, and the same command picks it up"
    return "interrupted before anything was begun"


def read(file: Path) -> list[dict[str, Any]]:
    """The documents of a cloud file, checked and with defaults; or one precise error."""
    from ouranos import releases, services  # noqa: PLC0415 - not before they are needed
    from ouranos.api import errors as input_errors  # noqa: PLC0415
    from ouranos.api import load  # noqa: PLC0415

    try:
        return load.load(
            sys.stdin.buffer if str(file) == "-" else file,
            known=services.KNOWN.kinds,
            releases=releases.names(),
        )
    except input_errors.InputError as error:
        raise wrong(error) from error


def wrong(error: Any) -> errors.Refused:
    """Each mistake of an `api.errors.InputError`, with its place and its hint."""
    return errors.Refused.each([(each.where, each.hint) for each in error.mistakes])


async def _up(
    file: Path | None,
    documents: list[dict[str, Any]],
    name: str | None,
    how: tuple[bool, float, bool],
    said: list[str],
) -> None:
    from ouranos.solo import paths, up  # noqa: PLC0415 - not needed for --help

    wait, timeout, dry_run = how
    root = paths.root_from_environment()
    cloud = paths.Paths(root, name) if documents and name else options.find(name)
    began = time.monotonic()

    def say(message: str) -> None:
        said.append(message)
        click.echo(f"{time.monotonic() - began:6.1f}s  {message}", err=True)

    if dry_run:
        order = up.Order(cloud, documents, wait, timeout)
        await asyncio.to_thread(_check, order)
        say("nothing stands in the way; nothing was changed")
        return
    reached = await _bring_up(up.Order(cloud, documents, wait, timeout), file, say)
    if reached is not None:
        say(reached.line(cloud.cloud, up.now()))
        if not reached.ready:
            raise errors.Refused(f"{cloud.cloud} stopped", "look with: ouranos status")


def _check(order: Any) -> None:
    """Refuse what `up` would refuse."""
    from ouranos.solo import up  # noqa: PLC0415 - not needed for --help

    try:
        refuse(up.examine(order)[1])
    except up.RefusedError as error:
        refuse(error.findings)


async def _bring_up(order: Any, file: Path | None, say: Any) -> Any:
    """Run `up`, and turn what it raises into one message with a hint."""
    from ouranos.api import refusals  # noqa: PLC0415 - not needed for --help
    from ouranos.kit import errors as kit_errors  # noqa: PLC0415
    from ouranos.solo import up, waiting  # noqa: PLC0415

    try:
        return await up.bring_up(order, say)
    except up.RefusedError as error:
        refuse(error.findings)
    except kit_errors.Invalid as error:
        named = file if str(file) != "-" else None  # standard input is not there twice
        found = refusals.refusal(named, error.details) if named else None
        raise (wrong(found) if found else errors.Refused(str(error))) from error
    except waiting.DeadlineError as error:
        hint = f"it goes on; look with: ouranos status --cloud {order.cloud.cloud}"
        raise errors.Late(str(error), hint) from error


def refuse(findings: list[Any]) -> None:
    """Say all findings and end, or do nothing when there are none."""
    if findings:
        raise errors.Refused.each(
            [(f"{finding.check}: {finding.message}", finding.hint) for finding in findings]
        )
