"""How does a lab go without leaving anything? In the reverse order, and known by its cgroups."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ouranos.lab import control, errors, groups, lock, network, processes
from ouranos.lab.settings import Settings

_MOUNTS: Final = Path("/proc/self/mountinfo")


async def down(settings: Settings, tell: Callable[[str], None]) -> None:
    """Remove a lab: processes, containers, mounts, links, routes, cgroups, folders.

    What was compiled stays in the cache.

    Raises:
        LabError: something does not go away.
    """
    with lock.held(settings, "down"):
        tell("ending processes")
        for name in control.NAMES:
            await processes.stop(settings, name, kill=True)
        # Nodes and whatever was started and not written down; mounts and links go with them.
        if not await groups.end(settings.name):
            raise errors.LabError(f"processes in the cgroup {settings.name} do not end")
        if left := await groups.remove(settings.name):
            raise errors.LabError(f"the cgroup {left[0]} cannot be removed")
        await network.remove(settings)
        await asyncio.to_thread(_remove, settings.folder, _MOUNTS.read_text())
        settings.lock.unlink()
    tell("the lab is gone")


def _remove(folder: Path, mounts: str) -> None:
    """Remove a folder that nobody mounts any more.

    Raises:
        LabError: something is still mounted on it or below.
    """
    real = folder.resolve()
    for place in (line.split()[4] for line in mounts.splitlines()):
        if Path(place).is_relative_to(real):
            raise errors.LabError(f"{place} is still mounted", f"umount {place}")
    # Aside at once: what is removed half way is nobody's lab.
    aside = folder.with_name(f".{folder.name}.gone")
    if aside.is_dir():
        shutil.rmtree(aside)
    if folder.is_dir():
        folder.rename(aside)
        shutil.rmtree(aside)
