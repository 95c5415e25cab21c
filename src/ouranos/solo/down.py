"""Stops a cloud and keeps its data, or leaves nothing of it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable

from ouranos.solo import composition, lock, machine, paths, up

Say = Callable[[str], None]


async def bring_down(cloud: paths.Paths, say: Say, *, destroy: bool, keep_images: bool) -> None:
    """Stop the daemon, then every container and guest; with `destroy` remove data, links and files.

    Safe to run again after it was interrupted, and harmless where there is no cloud.
    """
    if not cloud.folder.exists():
        say(f"there is no cloud {cloud.cloud} on this machine")
        return
    with lock.Lock(cloud.operation_lock, "down"):
        await up.stop_daemon(cloud)
        say("daemon: stopped")
        place = machine.Machine.read(cloud)
        if place is not None:
            await composition.stop_everything(cloud, place, destroy=destroy)
            say("containers and guests: stopped")
        if destroy:
            await asyncio.to_thread(shutil.rmtree, cloud.folder)
            say(f"{cloud.folder}: removed")
    if destroy and not keep_images:
        await asyncio.to_thread(_remove_shared, cloud)


def _remove_shared(cloud: paths.Paths) -> None:
    """Images and the root folder go with the last cloud."""
    if any(True for _ in paths.clouds(cloud.root)):
        return
    if cloud.images.exists():
        shutil.rmtree(cloud.images)
    for folder in (cloud.folder.parent, cloud.root):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
