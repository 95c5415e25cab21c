"""What has a container said? Reads and rotates the logs that conmon writes in the kubelet's format.

A line is `<time> <stdout|stderr> <F|P> <text>`; P marks a part of a line that goes on in the next.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ouranos.engine.node import conmon, records

ROTATE_AT: Final = 10 * 1024 * 1024
KEPT: Final = 4
"""Rotated files that are kept beside the one being written."""

_CHUNK: Final = 65536
_GLANCE: Final = 0.2
"""Seconds between two looks at a log that somebody follows."""


class Request(Protocol):
    """Which lines of which container's output somebody wants."""

    @property
    def follow(self) -> bool:
        """Whether to wait for more until the container ends."""
        ...

    @property
    def tail_lines(self) -> int | None:
        """How many of the last lines to begin with."""
        ...

    @property
    def since(self) -> datetime | None:
        """The moment before which nothing is wanted."""
        ...

    @property
    def timestamps(self) -> bool:
        """Whether each line begins with its time."""
        ...


async def stream(
    path: Path, request: Request, goes_on: Callable[[], bool]
) -> AsyncGenerator[bytes, None]:
    """Give a log's lines, and with `follow` what comes, while `goes_on` says that more may."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        if request.tail_lines is not None:
            _seek_tail(file, request.tail_lines)
        while True:
            more = goes_on()
            for chunk in _chunks(file, request):
                yield chunk
            if not request.follow:
                return
            if _was_replaced(path, file):
                for chunk in _chunks(file, request):
                    yield chunk
                file = stack.enter_context(path.open("rb"))
                continue
            if not more:
                return
            await asyncio.sleep(_GLANCE)


def _was_replaced(path: Path, file: BinaryIO) -> bool:
    with contextlib.suppress(FileNotFoundError):
        now, held = path.stat(), os.fstat(file.fileno())
        if now.st_ino != held.st_ino:
            return True
        if now.st_size < file.tell():
            file.seek(0)
    return False


def _chunks(file: BinaryIO, request: Request) -> Iterator[bytes]:
    """Give what whole lines there are from where the file stands."""
    pending: list[bytes] = []
    size = 0
    while True:
        place = file.tell()
        line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(place)
            break
        shown = _shown(line, request)
        if shown:
            pending.append(shown)
            size += len(shown)
        if size >= _CHUNK:
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


def _shown(line: bytes, request: Request) -> bytes:
    parts = line.split(b" ", 3)
    if len(parts) < 4:  # noqa: PLR2004 - the format has four fields
        return b""
    moment, _, mark, text = parts
    if request.since is not None and _moment(moment) < request.since:
        return b""
    if mark == b"P":
        text = text[:-1]
    return moment + b" " + text if request.timestamps else text


def _moment(text: bytes) -> datetime:
    """Conmon writes nanoseconds; Python reads six digits of them or any other number."""
    head, dot, tail = text.decode().partition(".")
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return datetime.fromisoformat(f"{head}{dot}{tail[:digits][:6]}{tail[digits:]}")


def _seek_tail(file: BinaryIO, lines: int) -> None:
    """Stand before the last so many lines."""
    end = file.seek(0, 2)
    if lines <= 0:
        return
    found, place = 0, end
    while place > 0:
        step = min(_CHUNK, place)
        place -= step
        file.seek(place)
        block = file.read(step)
        scan = len(block) - 1 if place + step == end else len(block)
        while (scan := block.rfind(b"\n", 0, scan)) >= 0:
            found += 1
            if found == lines:
                file.seek(place + scan + 1)
                return
    file.seek(0)


def tail(path: Path, lines: int, limit: int) -> str:
    """Return the last lines of a log, without times, at most `limit` bytes."""
    try:
        with path.open("rb") as file:
            _seek_tail(file, lines)
            text = b"".join(_shown(line, _Plain()) for line in file)
    except FileNotFoundError:
        return ""
    return text[-limit:].decode(errors="replace")


class _Plain:
    follow = False
    tail_lines: int | None = None
    since: datetime | None = None
    timestamps = False


def rotate(record: records.Record, bundle: Path) -> bool:
    """Put a log that has grown too long aside; False when it has not, or when nobody writes it."""
    path = Path(record.log)
    if not path.exists() or path.stat().st_size < ROTATE_AT:
        return False
    aside = path.with_name(f"{path.name}.{records.now():%Y%m%d-%H%M%S}")
    path.rename(aside)
    if not conmon.reopen_log(bundle):
        aside.rename(path)
        return False
    for old in sorted(path.parent.glob(f"{path.name}.*"))[:-KEPT]:
        old.unlink()
    return True


def remove(path: Path) -> None:
    """Remove a container's log and what was put aside of it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink(missing_ok=True)
