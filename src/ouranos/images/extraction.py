"""How do files get out of Debian packages? By dpkg-deb and tar, side by side."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from ouranos.images import processes
from ouranos.images.processes import Job


async def extract(debs: Sequence[Path], options: Sequence[str], job: Job) -> None:
    """Extract packages, one after the other, with these options of tar.

    Raises:
        Transient: A package is broken, or there is no space.
    """
    read, write = os.pipe()
    tar = ["tar", "-x", "--ignore-zeros", "--keep-directory-symlink", "--numeric-owner"]
    # One tar for all: their archives follow each other in one stream.
    unpacked, fed = await asyncio.gather(
        processes.run([*tar, "--preserve-permissions", *options], job, stdin=read),
        _feed(debs, write, job),
        return_exceptions=True,
    )
    # Each of the two fails when the other does; the one that is to blame is raised.
    if isinstance(fed, BaseException) and "Broken pipe" not in str(fed):
        raise fed
    if isinstance(unpacked, BaseException):
        raise unpacked
    if isinstance(fed, BaseException):
        raise fed


async def _feed(debs: Sequence[Path], write: int, job: Job) -> None:
    try:
        for deb in debs:
            await processes.run(["dpkg-deb", "--fsys-tarfile", deb], job, stdout=write)
    finally:
        os.close(write)
