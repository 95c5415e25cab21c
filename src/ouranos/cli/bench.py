"""`ouranos bench`."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import click

from ouranos.cli import errors


@click.command
@click.option(
    "--file", type=click.Path(path_type=Path), required=True, help="The cloud to measure."
)
@click.option("--write", type=click.Path(path_type=Path), help="Write the table to this file.")
def command(file: Path, write: Path | None) -> None:
    """Measure a cloud of its own, made from FILE, and remove it; takes some ten minutes."""
    from ouranos.bench import api, figures, machine, run  # noqa: PLC0415 - not needed for --help
    from ouranos.cli import up  # noqa: PLC0415
    from ouranos.solo import paths  # noqa: PLC0415

    document = next((each for each in up.read(file) if each["kind"] == "Cloud"), None)
    if document is None:
        raise errors.Refused(f"{file}: describes no Cloud", "see examples/solo.yaml")

    def say(message: str) -> None:
        click.echo(message, err=True)

    with tempfile.TemporaryDirectory() as folder:
        bench = run.Bench(
            paths.root_from_environment() / "bench", run.bench_file(Path(folder), document), say
        )
        rows = run.run(bench) + errors.run(api.measure())
    text = figures.page(
        rows,
        machine=machine.described(),
        versions=f"ouranos {metadata.version('ouranos')}, OpenStack {document['spec']['release']}",
        date=f"{datetime.now(UTC):%Y-%m-%d}",
    )
    if write is not None:
        write.write_text(text, encoding="utf-8")
    else:
        click.echo(text)
