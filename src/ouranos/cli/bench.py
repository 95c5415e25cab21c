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
    "--part",
    "parts",
    type=click.Choice(["solo", "kubernetes"]),
    multiple=True,
    help="Measure this alone; both, if left out. Kubernetes needs Go, and compiles.",
)
def command(file: Path, write: Path | None, parts: tuple[str, ...]) -> None:
    """Measure a cloud of its own, made from FILE, and remove it; half an hour for both parts.

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
    sections: list[str] = []
    complaints: list[str] = []
    for part in figures.PARTS:
        if parts and part.lower() not in parts:
            continue
        with tempfile.TemporaryDirectory() as folder:
            root = paths.root_from_environment() / "bench"
            bench = run.Bench(root, run.bench_file(Path(folder), document), say)
            table = bench.run() if part == "Solo" else bench.run_on_kubernetes()
        sections.append(figures.section(part, table, facts=facts))
        complaints += table.complaints()
    if write is not None:
        before = write.read_text(encoding="utf-8") if write.exists() else ""
        write.write_text(figures.page(before, *sections), encoding="utf-8")
    else:
        click.echo(figures.page("", *sections))
    if complaints:
        raise errors.Refused.each([(each, "") for each in complaints])
