"""Who changes a lab? One at a time; the lock ends with its holder, however that ends."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager

from ouranos.lab import errors
from ouranos.lab.settings import Settings


@contextmanager
def held(settings: Settings, purpose: str) -> Generator[None]:
    """Hold the lab's lock.

    Raises:
        LabError: somebody else is changing the lab.
    """
    # Beside the folder: `down` removes that.
    path = settings.folder.with_name(f"{settings.folder.name}.lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
            raise errors.LabError(
                f"the lab is being changed by {holder}", "wait until that has ended"
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"`{purpose}` (process {os.getpid()})".encode(), 0)
        yield
    finally:
        os.close(handle)
