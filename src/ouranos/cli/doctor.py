"""`ouranos doctor [FILE]`."""

from __future__ import annotations

from pathlib import Path

import click

from ouranos.cli import errors


@click.command
@click.argument("file", required=False, type=click.Path(path_type=Path, readable=False))
def command(file: Path | None) -> None:
    """Name each thing that would make `up` fail on this machine; changes nothing."""
    from ouranos.cli import up  # noqa: PLC0415 - heavy, and not needed for --help
    from ouranos.solo import doctor, machine, paths  # noqa: PLC0415

    root = paths.root_from_environment()
    if file is None:
        known = next(iter(paths.clouds(root)), paths.Paths(root, "home"))
        place = machine.Machine.read(known) or machine.DEFAULT
        cloud = known
    else:
        document = next((each for each in up.read(file) if each["kind"] == "Cloud"), None)
        if document is None:
            raise errors.Refused(f"{file}: describes no Cloud", "see examples/solo.yaml")
        cloud = paths.Paths(root, document["metadata"]["name"])
        place = machine.Machine.of_cloud(document)
    findings = doctor.examine(cloud, place)
    for finding in findings:
        click.echo(f"{finding.check}: {finding.message}\n  hint: {finding.hint}")
    if findings:
        raise SystemExit(1)
    click.echo("nothing stands in the way of `ouranos up`", err=True)
