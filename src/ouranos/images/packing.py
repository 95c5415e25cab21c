"""How does a layer's tree become a blob of an image? The same bytes whenever and wherever."""

import asyncio
import hashlib
import json
import os
import shutil
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ouranos.images import processes
from ouranos.images.processes import Job, Patience

_TAR: Final = (
    *("tar", "--create", "--file=-", "--sort=name", "--numeric-owner", "--format=posix"),
    # No access and change times, and no process number in the names of extended headers.
    "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime,delete=mtime",
    *("--xattrs", "--xattrs-include=security.capability"),
)

_FORMAT: Final = 1
"""Part of the name of what is kept: to be raised when the same tree is packed otherwise."""

_CHANGED: Final = "file changed as we read it"
"""tar's complaint when a file gets another hard link meanwhile, as libraries do in the store."""
_TRIES: Final = 3

_LEVEL: Final = 1
"""Of gzip: 3.0 times smaller at 118 MB/s; the default is 3.5 times, at a quarter of the speed."""
_CHUNK: Final = 1 << 20
_GZIP: Final = 31
"""zlib's word for a gzip header, which then names neither a file nor a time."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A layer as registries keep it."""

    file: Path
    digest: str
    """Of the compressed file: `sha256:…`."""
    size: int
    """Of the compressed file, in bytes."""
    diff_id: str
    """Digest of the archive in it, which is the same whoever compresses it."""


class Packs:
    """Packed layers below one folder, named as the layers are; written by one process at a time."""

    def __init__(self, root: Path, patience: Patience) -> None:
        self.root = root
        self._patience = patience

    def find(self, name: str) -> Packed | None:
        """Return a layer that was packed before, or None."""
        folder = self._place(name)
        try:
            record = json.loads((folder / "layer.json").read_text("ascii"))
            file = folder / "layer.tar.gz"
            if file.stat().st_size == record["size"]:
                return Packed(file=file, **record)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            # What was cut short, or written in other words, is no record.
            pass
        return None

    def _place(self, name: str) -> Path:
        return self.root / f"{name}-{_FORMAT}"

    async def pack(self, name: str, tree: Path) -> Packed:
        """Return a packed layer, made if it is not there.

        Raises:
            Transient: The disk is full.
        """
        found = self.find(name)
        if found is not None:
            return found
        making = self.root / "scratch" / name
        try:
            making.mkdir()
            file, job = making / "layer.tar.gz", Job(f"packing {tree}", self._patience)
            made = await steady(lambda: archive(tree, file, job))
            record = asdict(made)
            del record["file"]
            (making / "layer.json").write_text(json.dumps(record), "ascii")
            place = self._place(name)
            shutil.rmtree(place, ignore_errors=True)
            making.rename(place)
        except OSError as error:
            raise processes.translated(error, f"packing a layer into {self.root}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, making, ignore_errors=True)
        return Packed(place / "layer.tar.gz", made.digest, made.size, made.diff_id)


async def steady(make: Callable[[], Awaitable[Packed]]) -> Packed:
    """Pack again while a file got another link meanwhile: its content is what it was."""
    for _ in range(_TRIES - 1):
        try:
            return await make()
        except processes.Failed as failed:
            if _CHANGED not in str(failed):
                raise
    return await make()


async def archive(tree: Path, to: Path, job: Job) -> Packed:
    """Write a tree into a compressed archive: a function of its content alone.

    Raises:
        Failed: tar cannot read the tree.
        OSError: The file cannot be written.
    """
    read, write = os.pipe()
    squeezed, read_all = await asyncio.gather(
        asyncio.to_thread(_squeeze, read, to), _read(tree, write, job), return_exceptions=True
    )
    # tar fails too when nobody takes what it reads: the one that is to blame is raised.
    if isinstance(squeezed, BaseException):
        raise squeezed
    if isinstance(read_all, BaseException):
        raise read_all
    return squeezed


async def _read(tree: Path, write: int, job: Job) -> None:
    try:
        await processes.run([*_TAR, f"--directory={tree}", "."], job, stdout=write)
    finally:
        os.close(write)


def _squeeze(read: int, to: Path) -> Packed:
    plain, packed = hashlib.sha256(), hashlib.sha256()
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    with os.fdopen(read, "rb") as source, to.open("wb") as target:
        for piece in iter(lambda: source.read(_CHUNK), b""):
            plain.update(piece)
            made = compressor.compress(piece)
            packed.update(made)
            target.write(made)
        made = compressor.flush()
        packed.update(made)
        target.write(made)
        target.flush()
        # Its record must not outlive it in a crash of the machine.
        os.fsync(target.fileno())
        size = target.tell()
    return Packed(to, f"sha256:{packed.hexdigest()}", size, f"sha256:{plain.hexdigest()}")
