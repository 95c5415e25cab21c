"""What the stories of images for clusters share: the command, and ways to look at what it made."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests_images import RELEASE

from ouranos.images import catalog

OURANOS = Path(sys.executable).with_name("ouranos")
SMALL = ("--only", "memcached", "--only", "controllers")
MEMCACHED = catalog.reference("memcached", RELEASE)
CONTROLLERS = catalog.reference("controllers", RELEASE)

SOURCES = "sources"
"""A folder beside the root folder, with Ouranos as it was when the story began."""


class Done(NamedTuple):
    code: int
    output: str
    complaints: str


def start(root: Path, *words: str | Path, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [OURANOS, "images", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "OURANOS_ROOT": str(root),
            # What somebody changes meanwhile is not part of the story.
            "PYTHONPATH": str(root.parent / SOURCES),
            **variables,
        },
    )


def ended(process: subprocess.Popen[str]) -> Done:
    output, complaints = process.communicate(timeout=600)
    return Done(process.returncode, output, complaints)


def images(root: Path, *words: str | Path, **variables: str) -> Done:
    return ended(start(root, *words, **variables))


def done(root: Path, *words: str | Path, **variables: str) -> Done:
    found = images(root, *words, **variables)
    assert found.code == 0, found.complaints
    return found


def everything(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def awaited(look: Callable[[], object]) -> None:
    end = time.monotonic() + 300
    while True:
        try:
            look()
        except (OSError, ValueError, subprocess.CalledProcessError):
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return
