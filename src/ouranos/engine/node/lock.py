"""Who may change a node's containers? One supervisor at a time, whatever happens to it."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from ouranos.kit import conditions, errors

_FILE: Final = "lock"
_PATIENCE: Final = 5.0
"""Seconds that an earlier supervisor may take to end."""
_LOOK: Final = 0.05


class Lock:
    """A lock that ends with its process, if not before."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let somebody else have it."""
        os.close(self._descriptor)


def take(folder: Path, patience: float = _PATIENCE) -> Lock:
    """Take the lock of a node; blocks for a few seconds.

    Raises:
        Terminal: somebody else holds it, and goes on holding it.
    """
    descriptor = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise errors.Terminal(
                    conditions.Reason.UNRECOVERABLE,
                    f"another process supervises the node in {folder} (hint: end it first)",
                ) from None
            time.sleep(_LOOK)
        else:
            return Lock(descriptor)
