"""Resolves the Python packages of a release anew and writes its lock; `make lock RELEASE=…`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

from ouranos import releases

RELEASES = Path(__file__).resolve().parent.parent / "src/ouranos/releases"


def main() -> int:
    """Write the lock of the release that is named as the only argument."""
    facts = releases.find(sys.argv[1]).facts
    command = [
        *(uv.find_uv_bin(), "pip", "compile", "--quiet", "--upgrade", "--generate-hashes"),
        *("--no-annotate", "--only-binary", ":all:", "--python-version", facts.python),
        *("--python-platform", f"x86_64-{facts.manylinux}"),
        *("--custom-compile-command", f"make lock RELEASE={facts.name}"),
        *("--overrides", "packages.overrides", "packages.in", "--output-file", "packages.lock"),
    ]
    # Nothing in the command comes from outside the repository.
    return subprocess.run(command, cwd=RELEASES / facts.name, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
