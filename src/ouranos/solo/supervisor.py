"""Keeps the daemon alive: starts it, and starts it again when it ends without being asked to.

The daemon in turn starts a new supervisor when this one dies, so no single death stops a cloud.
Run as `python -m ouranos.solo.supervisor ROOT CLOUD`; imports the standard library alone, because
it stays in memory for as long as the cloud runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from ouranos.solo import lock, paths, processes

_FIRST_PAUSE = 0.5  # seconds
_LONGEST_PAUSE = 30.0
_STEADY = 60.0  # a daemon that ran this long has not failed at its start
_KILLED_PAUSE = 2.0  # the longest after a daemon that somebody else ended


def spawn(cloud: paths.Paths) -> None:
    """Start a supervisor in the background, in a session of its own."""
    _launch(cloud, "ouranos.solo.supervisor")


def ensure(cloud: paths.Paths) -> None:
    """Start a supervisor where there is none; one too many ends by itself."""
    if lock.holder_of(cloud.supervisor_lock) is None:
        spawn(cloud)


def _launch(cloud: paths.Paths, module: str) -> subprocess.Popen[bytes]:
    with cloud.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", module, str(cloud.root), cloud.cloud],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            close_fds=True,
        )


class Supervisor:
    """Watches one daemon process, its own child or one that an earlier supervisor left."""

    def __init__(self, cloud: paths.Paths) -> None:
        self._cloud = cloud
        self._asked_to_stop = False

    def run(self) -> None:
        """Keep the daemon running until asked to stop by SIGTERM."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        pause = _FIRST_PAUSE
        while not self._asked_to_stop:
            began = time.monotonic()
            killed = self._watch_one()
            if self._asked_to_stop:
                break
            pause = next_pause(pause, time.monotonic() - began, killed=killed)
            time.sleep(pause)

    def _watch_one(self) -> bool:
        """Return when the daemon has ended, with whether a signal has ended it."""
        running = lock.holder_of(self._cloud.daemon_lock)
        child: subprocess.Popen[bytes] | None = None
        if running is None:
            child = _launch(self._cloud, "ouranos.solo.daemon")
            running = child.pid
        process = processes.Process.find(running)
        while process is not None and not self._asked_to_stop and not process.wait(None):
            pass
        if child is not None and not self._asked_to_stop:
            return child.wait() < 0
        return False

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._asked_to_stop = True
        pid = lock.holder_of(self._cloud.daemon_lock)
        daemon = processes.Process.find(pid) if pid is not None else None
        if daemon is not None:
            daemon.signal(signal.SIGTERM)
            daemon.wait(30.0)


def next_pause(pause: float, ran: float, *, killed: bool) -> float:
    """Seconds until the daemon is started again.

    Args:
        pause: the last pause.
        ran: how long the daemon ran, in seconds.
        killed: whether a signal ended it: then its start is not what fails.
    """
    if ran > _STEADY:
        return _FIRST_PAUSE
    return min(2 * pause, _KILLED_PAUSE if killed else _LONGEST_PAUSE)


def main() -> None:
    """Supervise the cloud that the arguments name; return at once when somebody does already."""
    cloud = paths.Paths(Path(sys.argv[1]), sys.argv[2])
    held = lock.Lock(cloud.supervisor_lock, "supervisor")
    try:
        held.acquire()
    except lock.LockHeldError:
        return
    os.umask(0o077)
    Supervisor(cloud).run()


if __name__ == "__main__":
    main()
