"""Writes the lock of the packages that the controllers' image holds; `--check` fails when stale.

They are the locked run-time dependencies of Ouranos, without the tool that only builds images.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import uv

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "src/ouranos/images/controllers.lock"


def locked() -> str:
    """Return what uv.lock says, as requirements with hashes."""
    command = [
        *(uv.find_uv_bin(), "export", "--quiet", "--offline", "--frozen", "--no-default-groups"),
        *("--no-emit-workspace", "--no-emit-package", "uv", "--no-annotate", "--no-header"),
        *("--format", "requirements-txt"),
    ]
    # Nothing in the command comes from outside the repository.
    done = subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)  # noqa: S603
    return f"# Made by `make golden` from uv.lock; do not edit.\n{done.stdout}"


def main() -> int:
    """Write the lock, or with --check compare it."""
    text = locked()
    if "--check" not in sys.argv:
        LOCK.write_text(text, "utf-8")
    elif not LOCK.exists() or LOCK.read_text("utf-8") != text:
        sys.stderr.write(f"stale: {LOCK.name}\nhint: make golden\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
