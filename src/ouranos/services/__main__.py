"""Bring the CRDs up to date: `python -m ouranos.services [DIRECTORY]`, which names what changed."""

from __future__ import annotations

import sys
from pathlib import Path

from ouranos import services
from ouranos.api import crds


def main(arguments: list[str]) -> int:
    """Write the CRDs and print the names of those that changed."""
    directory = Path(arguments[0] if arguments else "deploy/crds")
    for name in crds.write(directory, services.KNOWN.kinds):
        print(directory / name)  # noqa: T201  # this is the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
