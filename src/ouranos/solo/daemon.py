"""The one process that runs a solo cloud: the embedded API, all controllers and the node.

Run by the supervisor as `python -m ouranos.solo.daemon ROOT CLOUD`. It may die at any moment: the
objects are in SQLite, the containers belong to conmon, and the next daemon goes on from both.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

import anyio

from ouranos.kit import log
from ouranos.solo import composition, lock, paths, processes, supervisor

_LOG = log.get()


async def keep_supervised(cloud: paths.Paths) -> None:
    """Start a supervisor whenever there is none."""
    while True:
        pid = lock.holder_of(cloud.supervisor_lock)
        process = processes.Process.find(pid) if pid is not None else None
        if process is None:
            _LOG.warning("Starting a supervisor in place of one that died")
            supervisor.spawn(cloud)
            await asyncio.sleep(1.0)
        else:
            await _ended(process)


async def _ended(process: processes.Process) -> None:
    """Wait without polling until the process has ended."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.alive():
            await anyio.wait_readable(handle)
    finally:
        os.close(handle)


async def run(cloud: paths.Paths) -> None:
    """Run the cloud until SIGTERM; containers go on without us."""
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    async with composition.open_world(cloud) as world, anyio.create_task_group() as group:
        group.start_soon(world.run)
        group.start_soon(keep_supervised, cloud)
        # What was imported stays; looking through it for garbage stops all passes for 0.1 s.
        gc.freeze()
        await asked.wait()
        _LOG.info("Stopping the daemon, containers go on")
        group.cancel_scope.cancel()


def _level() -> log.Level:
    """What is logged: `OURANOS_LOG_LEVEL`, else info."""
    wanted = os.environ.get("OURANOS_LOG_LEVEL", "")
    return "debug" if wanted == "debug" else "warning" if wanted == "warning" else "info"


def main() -> None:
    """Run the daemon for the cloud that the arguments name, unless one runs already."""
    os.umask(0o022)  # what containers see must be theirs to read; the folder itself is 0700
    cloud = paths.Paths(Path(sys.argv[1]), sys.argv[2])
    held = lock.Lock(cloud.daemon_lock, "daemon")
    try:
        held.acquire()
    except lock.LockHeldError:
        return
    log.configure(_level())
    asyncio.run(run(cloud))


if __name__ == "__main__":
    main()
