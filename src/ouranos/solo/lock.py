"""One holder at a time: file locks that die with their holder and say who it is."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

_LOOKING = 0.05  # seconds: longer than `holder_of` usually holds a shared lock while it looks
_PATIENCE = 2.0  # seconds: who looks on a loaded machine, and many who look, take longer


class LockHeldError(Exception):
    """Somebody else holds the lock.

    Attributes:
        holder: what the holder wrote about itself, such as "up (process 4711)".
    """

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by {holder or 'another process'}")
        self.holder = holder


class Lock:
    """A lock on a file, released by the kernel when the process ends, however it ends."""

    def __init__(self, path: Path, purpose: str) -> None:
        self._path = path
        self._purpose = purpose
        self._handle: int | None = None

    def acquire(self) -> None:
        """Take the lock now.

        Raises:
            LockHeldError: another process has it.
        """
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end = time.monotonic() + _PATIENCE
        tried = False
        while not _locked(handle, fcntl.LOCK_EX):
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
            # Without a holder who lives, only others who look are in the way.
            if (tried and _lives(_process(holder))) or time.monotonic() > end:
                os.close(handle)
                raise LockHeldError(self._path, holder)
            tried = True
            time.sleep(_LOOKING)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{self._purpose} (process {os.getpid()})\n".encode(), 0)
        self._handle = handle

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def holder_of(path: Path) -> int | None:
    """The process that holds the lock on `path`, or None when nobody does."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if _locked(handle, fcntl.LOCK_SH):
            return None
        return _process(os.pread(handle, 200, 0).decode(errors="replace"))
    finally:
        os.close(handle)


def _process(holder: str) -> int | None:
    number = holder.rpartition("(process ")[2].partition(")")[0]
    return int(number) if number.isdigit() else None


def _lives(pid: int | None) -> bool:
    return pid is not None and Path(f"/proc/{pid}").exists()


def _locked(handle: int, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
