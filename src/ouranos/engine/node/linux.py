"""How is the kernel asked for mounts and namespaces? The one wrapper of such system calls.

Numbers and structures are those of mount(2), setns(2), unshare(2) and openat2(2).
"""

import ctypes
import errno
import os
from pathlib import Path
from typing import Final

from ouranos.kit import errors

RDONLY: Final = 1
NOSUID: Final = 2
NODEV: Final = 4
NOEXEC: Final = 8
REMOUNT: Final = 32
BIND: Final = 1 << 12
RECURSIVE: Final = 1 << 14
PRIVATE: Final = 1 << 18
SLAVE: Final = 1 << 19
SHARED: Final = 1 << 20
DETACH: Final = 2

CLONE_FS: Final = 0x200
NEW_MOUNTS: Final = 0x20000
NEW_IPC: Final = 0x8000000
NEW_NETWORK: Final = 0x40000000

_OPENAT2: Final = 437
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_IN_ROOT: Final = 0x10

_libc = ctypes.CDLL(None, use_errno=True)


class KernelError(errors.Transient):
    """The kernel refused a request; `errno` says why."""

    def __init__(self, what: str, number: int) -> None:
        super().__init__(f"{what}: {os.strerror(number)} ({errno.errorcode.get(number, number)})")
        self.errno = number


class _OpenHow(ctypes.Structure):
    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise KernelError(what, ctypes.get_errno())
    return result


def mount(source: str, target: Path | str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount a file system; `BIND` or a propagation flag changes the tree of mounts."""
    _checked(
        _libc.mount(
            source.encode(),
            os.fsencode(target),
            kind.encode() or None,
            ctypes.c_ulong(flags),
            data.encode() or None,
        ),
        f"Mounting {source or kind or 'propagation'} on {target}",
    )


def unmount(target: Path | str) -> bool:
    """Detach a mount and everything below it; False when nothing is mounted there."""
    if _libc.umount2(os.fsencode(target), DETACH) == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.EINVAL, errno.ENOENT}:
        return False
    raise KernelError(f"Unmounting {target}", number)


def unshare(flags: int) -> None:
    """Move the calling thread into new namespaces."""
    _checked(_libc.unshare(flags), "Making a namespace")


def enter(descriptor: int, flags: int) -> None:
    """Move the calling thread into the namespace that the file descriptor refers to."""
    _checked(_libc.setns(descriptor, flags), "Entering a namespace")


def open_in_root(root: Path | str, path: str) -> int:
    """Open `path` as if `root` were `/`: no symbolic link and no `..` leads out of it.

    Returns:
        A descriptor for naming only (`O_PATH`), to be closed by the caller.
    """
    how = _OpenHow(os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    base = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _checked(
            _libc.syscall(
                ctypes.c_long(_OPENAT2),
                base,
                os.fsencode(path.lstrip("/") or "."),
                ctypes.byref(how),
                ctypes.sizeof(how),
            ),
            f"Opening {path} below {root}",
        )
    finally:
        os.close(base)


def named(descriptor: int) -> str:
    """Return a path that names what the descriptor refers to, whatever happens meanwhile."""
    return f"/proc/thread-self/fd/{descriptor}"
