"""Is enough of every room covered? Prints a line per room; names what is missing and fails if not.

Reads what `coverage run` has written, and the least share of each room from pyproject.toml's
`[tool.ouranos.coverage]`. A room's share counts its lines and its branches alike.
"""

from __future__ import annotations

import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import coverage

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Room:
    """What of a room's lines and branches was there and was run."""

    there: int = 0
    run: int = 0
    missing: list[str] = field(default_factory=list[str])

    @property
    def share(self) -> float:
        """The share that was run, in per cent, never rounded up."""
        return int(10_000 * self.run / self.there) / 100 if self.there else 100.0


def room_of(path: str) -> str:
    """The room of a file: a folder, and below `engine` the folder in it."""
    if path.startswith("runtime/"):
        return "runtime"
    parts = path.removeprefix("src/ouranos/").split("/")[:-1]
    return "/".join(parts[: 2 if parts[:1] == ["engine"] else 1]) or "ouranos"


def spans(lines: Iterable[int]) -> str:
    """Line numbers as a person writes them: `3-5, 9`."""

    def runs() -> Iterator[str]:
        for _, group in groupby(enumerate(sorted(lines)), lambda pair: pair[1] - pair[0]):
            numbers = [number for _, number in group]
            yield str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"

    return ", ".join(runs())


def measured() -> dict[str, Any]:
    """What the runs have written, together."""
    data = coverage.Coverage(config_file=str(ROOT / "pyproject.toml"))
    data.combine()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "report.json"
        # A test runs a copy of the tree with one page more; what is only there is nobody's room.
        data.json_report(outfile=str(file), ignore_errors=True)
        report: dict[str, Any] = json.loads(file.read_text())
    return report["files"]


def rooms(files: dict[str, Any]) -> dict[str, Room]:
    """Each room's sums, and per file of it what is missing."""
    found: dict[str, Room] = {}
    for path, file in sorted(files.items()):
        room = found.setdefault(room_of(path), Room())
        summary = file["summary"]
        there = summary["num_statements"] + summary["num_branches"]
        run = summary["covered_lines"] + summary["covered_branches"]
        room.there += there
        room.run += run
        if run < there:
            room.missing.append(f"  {path}: {missing_of(file)}")
    return found


def missing_of(file: dict[str, Any]) -> str:
    """The lines that nothing runs, and the branches that are never taken from lines that run."""
    lines = set(file["missing_lines"])
    branches = [
        f"{begin}->{end if end > 0 else 'exit'}"
        for begin, end in file["missing_branches"]
        if begin not in lines
    ]
    return ", ".join(filter(None, (spans(lines), *branches)))


def main() -> int:
    """Print the table and what is missing; return 1 if a room has too little."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ouranos"]["coverage"]
    found = rooms(measured())
    short: list[str] = []
    for name, room in sorted(found.items()):
        least = settings["rooms"].get(name, settings["least"])
        sys.stdout.write(f"{name:20} {room.share:6.2f} %  of at least {least} %\n")
        if room.share < least:
            short.append(name)
    for name in short:
        sys.stderr.write(
            "\n".join((f"\n{name}: too little is covered. Missing:", *found[name].missing, ""))
        )
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
