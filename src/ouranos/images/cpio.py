"""How does a kernel get its first file system? As an archive without times and owners."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_ALIGNMENT: Final = 4
_TRAILER: Final = "TRAILER!!!"

_DIRECTORY: Final = 0o040000
_REGULAR: Final = 0o100000
_LINK: Final = 0o120000
_CHARACTER_DEVICE: Final = 0o020000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in an initial file system."""

    path: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def directory(path: str, permissions: int = 0o755) -> Entry:
    """Return a directory."""
    return Entry(path, _DIRECTORY | permissions)


def regular(path: str, content: bytes, permissions: int = 0o644) -> Entry:
    """Return a file."""
    return Entry(path, _REGULAR | permissions, content)


def link(path: str, target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path, _LINK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int) -> Entry:
    """Return a device node, readable and writable by root."""
    return Entry(path, _CHARACTER_DEVICE | 0o600, device=(major, minor))


def pack(entries: Iterable[Entry]) -> bytes:
    """Return an archive in the format that Linux unpacks into its first file system ("newc").

    Entries are sorted by path, so that a directory comes before what is in it.
    """
    parts: list[bytes] = []
    ordered = sorted(entries, key=lambda entry: entry.path)
    for number, entry in enumerate(ordered, start=1):
        parts.append(_entry(number, entry))
    parts.append(_entry(0, Entry(_TRAILER, 0)))
    return b"".join(parts)


def _entry(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    links = 2 if entry.mode & _DIRECTORY == _DIRECTORY else 1
    fields = (
        *(number, entry.mode, 0, 0, links, 0, len(entry.content)),
        *(0, 0, *entry.device, len(name), 0),
    )
    head = b"070701" + "".join(f"{value:08X}" for value in fields).encode()
    return _padded(head + name) + _padded(entry.content)


def _padded(content: bytes) -> bytes:
    return content + b"\0" * (-len(content) % _ALIGNMENT)
