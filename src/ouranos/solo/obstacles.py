"""What on this machine keeps a cloud from going on? Looked at from outside, by whoever waits.

A daemon whose disk is full cannot write down that it is, and one whose addresses are in use
cannot be asked; so `up` and `status` look for themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from ouranos.solo import doctor, machine, paths

LEAST_FREE: Final = 16 * 1024**2
"""Bytes; below it databases cannot grow and answers cannot be written."""
LEAST_FILES: Final = 100
_MIB: Final = 1024**2


def find(cloud: paths.Paths, place: machine.Machine) -> list[doctor.Finding]:
    """Name what stands in the way of a cloud that exists; empty when nothing does."""
    return [*disks(cloud), *addresses(cloud, place)]


def disks(cloud: paths.Paths, least: int = LEAST_FREE) -> Iterator[doctor.Finding]:
    """The disks of the cloud's own folder and of the images."""
    seen: set[int] = set()
    for folder in (cloud.folder, cloud.images):
        if not folder.exists() or folder.stat().st_dev in seen:
            continue
        seen.add(folder.stat().st_dev)
        found = os.statvfs(folder)
        free = found.f_bavail * found.f_frsize
        short = "" if free >= least else f"{free // _MIB} MiB"
        if found.f_files and found.f_favail < LEAST_FILES:
            short = short or f"room for {found.f_favail} files"
        if short:
            yield doctor.Finding(
                "disk",
                f"the disk is full: {folder} has {short} left",
                "make room on that disk; the cloud then goes on by itself",
            )


def addresses(cloud: paths.Paths, place: machine.Machine) -> Iterator[doctor.Finding]:
    """A range of the cloud's that somebody else has begun to use."""
    for found in doctor.addresses(cloud, place):
        yield doctor.Finding(
            found.check,
            found.message,
            "remove that address or route; the cloud then goes on by itself",
        )
