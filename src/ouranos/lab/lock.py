"""Who changes a lab? One at a time; the lock ends with its holder, however that ends."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ouranos.lab import errors
from ouranos.lab.settings import Settings


@contextmanager
def held(settings: Settings, purpose: str) -> Generator[None]:
    """Hold the lab's lock.

    Raises:
        LabError: somebody else is changing the lab, or its folder is elsewhere.
    """
    handle = _locked(settings.lock)
    try:
        folder = str(settings.folder.resolve())
        owner = _lines(handle)[0]
        if owner not in {"", folder} and Path(owner).is_dir():
            raise errors.LabError(
                f"lab {settings.number} is in {owner}",
                f"set OURANOS_ROOT={Path(owner).parent}, or choose another lab: OURANOS_LAB=1",
            )
        said = os.fsencode(f"{folder}\n`{purpose}` (process {os.getpid()})")
        os.pwrite(handle, said, 0)
        os.ftruncate(handle, len(said))
        yield
    finally:
        os.close(handle)


def _locked(path: Path) -> int:
    """Return a descriptor that holds the lock's file."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # `down` removes the file: who has opened it before that would hold nothing.
            if os.fstat(handle).st_nlink:
                return handle
        except BlockingIOError:
            holder = _lines(handle)[-1]
            os.close(handle)
            raise errors.LabError(
                f"the lab is being changed by {holder}", "wait until that has ended"
            ) from None
        os.close(handle)


def _lines(handle: int) -> list[str]:
    """Return the lab's folder, and who changes it or did last."""
    return os.fsdecode(os.pread(handle, 8192, 0)).split("\n")
