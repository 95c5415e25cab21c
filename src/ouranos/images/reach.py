"""Do the registries answer? Asked by `doctor` first of all, by the very clients that fetch."""

import asyncio
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Final

import uv

from ouranos import releases
from ouranos.images import apt, building, catalog, processes
from ouranos.images.ledger import Ledger

_LONGEST: Final = 20.0
"""Seconds; a person waits for the answer."""
_APT_HELPER: Final = "/usr/lib/apt/apt-helper"
_ANY_PACKAGE: Final = b"pip\n"


def missing(root: Path, release: str) -> list[str]:
    """Name the images of a release that the store below `root` does not have."""
    found, ledger = releases.find(release), Ledger(root)
    return [
        name
        for name, image in catalog.IMAGES.items()
        if len(building.recorded(image.layers, found, ledger)) < len(image.layers)
    ]


async def unreachable(root: Path, release: str) -> list[str]:
    """Name each registry that is needed and does not answer; empty when no image is missing."""
    if not await asyncio.to_thread(missing, root, release):
        return []
    seconds = min(_LONGEST, processes.Patience.of_environment().stall)
    patience = processes.Patience(step=seconds, stall=seconds)
    with tempfile.TemporaryDirectory() as scratch:
        asked = await asyncio.gather(
            _trouble("Debian's packages", _debian(releases.find(release), Path(scratch), patience)),
            _trouble("Python's packages", _python(patience)),
        )
    return [trouble for trouble in asked if trouble]


async def _trouble(name: str, asking: Awaitable[None]) -> str:
    try:
        await asking
    except processes.Failed as failed:
        return f"the registry of {name} does not answer: {failed}"
    except FileNotFoundError as absent:
        return f"the registry of {name} cannot be asked: {absent.filename} is not installed"
    return ""


async def _debian(release: releases.Release, scratch: Path, patience: processes.Patience) -> None:
    archive = await apt.host_archive(patience)
    index = f"{archive.main}/dists/{release.facts.debian}/InRelease"
    options = ("-o", "Acquire::Retries=0", "-o", "APT::Sandbox::User=root")
    job = processes.Job(f"asking {archive.main}", patience)
    await processes.run([_APT_HELPER, *options, "download-file", index, scratch / "index"], job)


async def _python(patience: processes.Patience) -> None:
    words = ("pip", "compile", "--quiet", "--no-deps", "--no-header", "--refresh", "-")
    job = processes.Job("asking for a package", patience)
    await processes.run([uv.find_uv_bin(), *words], job, stdin=_ANY_PACKAGE)
