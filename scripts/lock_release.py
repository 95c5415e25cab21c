"""Resolves the Python packages of a release and writes its lock; `make lock RELEASE=…`.

What is wanted is what the release itself names (`packages.in`) and what the pages of its services
name. What is locked already stays as it is where it fits; `--upgrade` asks for the newest of all.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

from ouranos import releases, services

RELEASES = Path(__file__).resolve().parent.parent / "src/ouranos/releases"


def main() -> int:
    """Write the lock of the release that is named as the first argument."""
    facts = releases.find(sys.argv[1]).facts
    folder = RELEASES / facts.name
    wanted = [(folder / "packages.in").read_text("utf-8"), *services.packages(facts.name)]
    command = [
        *(uv.find_uv_bin(), "pip", "compile", "--quiet", *sys.argv[2:], "--generate-hashes"),
        *("--no-annotate", "--only-binary", ":all:", "--python-version", facts.python),
        *("--python-platform", f"x86_64-{facts.manylinux}"),
        *("--custom-compile-command", f"make lock RELEASE={facts.name}"),
        *("--overrides", "packages.overrides", "-", "--output-file", "packages.lock"),
    ]
    # Nothing in the command comes from outside the repository.
    done = subprocess.run(command, cwd=folder, check=False, text=True, input="\n".join(wanted))  # noqa: S603
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
