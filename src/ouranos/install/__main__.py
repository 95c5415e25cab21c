"""Bring `deploy/` up to date: `python -m ouranos.install [DIRECTORY]`, which names what changed."""

from __future__ import annotations

import sys
from pathlib import Path

from ouranos.install import folder, order


def main(arguments: list[str]) -> int:
    """Write the files and print the names of those that changed."""
    directory = Path(arguments[0] if arguments else "deploy")
    for name in folder.write(directory, order.Order()):
        print(directory / name)  # noqa: T201  # this is the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
