"""Debian 13's kubectl, for every story that drives a cloud with it; the machine may have none."""

from __future__ import annotations

import asyncio
import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

from ouranos.images import apt, processes

CACHE = Path(__file__).parents[2] / ".cache" / "kubectl"
PACKAGE = "kubectl"  # what kubernetes-client depends on


@functools.cache
def binary() -> Path:
    """The program; fetched once for all runs, by the first process that asks."""
    found = CACHE / "root" / "usr" / "bin" / "kubectl"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not found.exists():
            asyncio.run(_fetch(CACHE))
    return found


async def _fetch(folder: Path) -> None:
    """Extract the package below a folder; the host stays as it is."""
    patience = processes.Patience()
    root, new = folder / "apt", folder / "new"
    root.mkdir(exist_ok=True)
    shutil.rmtree(new, ignore_errors=True)  # of a run that was interrupted
    for old in root.glob(f"{PACKAGE}_*.deb"):
        old.unlink()
    source = apt.Apt(root, "trixie", patience, await apt.host_archive(patience))
    await source.update()
    environment = {**os.environ, "APT_CONFIG": str(root / "apt.conf")}
    command = ["apt-get", "-qq", "download", PACKAGE]
    subprocess.run(command, cwd=root, env=environment, check=True)  # noqa: ASYNC221
    (package,) = root.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, new], check=True)  # noqa: ASYNC221
    new.rename(folder / "root")
