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
@click.option(
    "--kubernetes",
    is_flag=True,
    help="Compare the embedded API with kube-apiserver too; needs Go, and compiles once.",
)
def command(file: Path, write: Path | None, *, kubernetes: bool) -> None:
    """Measure a cloud of its own, made from FILE, and remove it; takes some fifteen minutes.

    Exit code 1 when a figure is above its must, or was not measured.
    """
    from ouranos.bench import figures, machine, run  # noqa: PLC0415 - not needed for --help
    from ouranos.cli import up  # noqa: PLC0415
    from ouranos.solo import paths  # noqa: PLC0415

    document = next((each for each in up.read(file) if each["kind"] == "Cloud"), None)
    if document is None:
        raise errors.Refused(f"{file}: describes no Cloud", "see examples/solo.yaml")

    def say(message: str) -> None:
        click.echo(message, err=True)

    facts = {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": machine.described(),
        "Load average at the start": machine.load(),
        "Versions": (
            f"ouranos {metadata.version('ouranos')}, OpenStack {document['spec']['release']}"
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        bench = run.Bench(
            paths.root_from_environment() / "bench", run.bench_file(Path(folder), document), say
        )
        bench.kubernetes = kubernetes
        table = bench.run()
    text = figures.page(table, facts=facts)
    if write is not None:
        write.write_text(text, encoding="utf-8")
    else:
        click.echo(text)
    if complaints := table.complaints():
        raise errors.Refused.each([(each, "") for each in complaints])
