"""Where does a process put what only it needs? In a folder that no earlier run has written to.

A pod's /tmp outlives the containers that are started in it one after the other, and PIDs repeat in
each of them. Neutron's API keeps its start time in a file named after its parent's PID; a second
run that finds the first one's takes itself for that one and never comes up.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

_PREFIX = "run-"


def start_afresh() -> Path:
    """Make a new temporary folder, use it from now on, and remove those of earlier runs."""
    below = Path(os.environ.get("TMPDIR") or "/tmp")  # noqa: S108 - the pod's own
    for left in below.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=below))
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = str(folder)
    return folder
