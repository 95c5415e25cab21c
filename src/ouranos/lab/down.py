"""How does a lab go without leaving anything? In the reverse order, and known by its cgroups."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from ouranos.lab import control, errors, groups, lock, network, processes
from ouranos.lab.settings import Settings


async def down(settings: Settings, tell: Callable[[str], None]) -> None:
    """Remove a lab: processes, containers, mounts, links, routes, cgroups, folders.

    What was compiled stays in the cache.

    Raises:
        LabError: something does not go away.
    """
    settings.root.mkdir(parents=True, exist_ok=True)
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
        await asyncio.to_thread(_remove, settings.folder)
        settings.folder.with_name(f"{settings.folder.name}.lock").unlink(missing_ok=True)
    tell("the lab is gone")


def _remove(folder: Path) -> None:
    """Remove a folder that nobody mounts any more.

    Raises:
        LabError: something is still mounted below it.
    """
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    below = [line.split()[4] for line in mounts if line.split()[4].startswith(f"{folder}/")]
    if below:
        raise errors.LabError(f"{below[0]} is still mounted", f"umount {below[0]}")
    if folder.is_dir():
        shutil.rmtree(folder)
