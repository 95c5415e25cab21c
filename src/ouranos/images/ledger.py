"""What has the store already? Layers on disk, and the one process that may add to them."""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from ouranos.images import processes
from ouranos.images.processes import Patience

_LOOK: Final = 0.2
"""Seconds between two tries to get the lock."""


def boot() -> str:
    """Return what names this run of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


class Content(NamedTuple):
    """A Debian package that a layer was made from."""

    name: str
    version: str
    sha256: str


def _quiet(_text: str) -> None:
    """Tell nobody."""


@contextlib.asynccontextmanager
async def alone(
    folder: Path, patience: Patience, waits: Callable[[str], None] = _quiet
) -> AsyncGenerator[None]:
    """Be the only process that changes a folder; its `scratch` is empty then.

    Args:
        folder: That is there.
        patience: How long to wait for another process.
        waits: Told, once, which process is waited for.

    Raises:
        Transient: Another one does not end.
    """
    with (folder / "lock").open("a+", encoding="ascii") as lock:
        await _lock(lock.fileno(), folder, patience, waits)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        # Left by a writer that was killed. Its children may still be writing there: a
        # directory moved away is not where they look, and the rest goes the next time.
        scratch = folder / "scratch"
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
        scratch.mkdir(exist_ok=True)
        yield


async def _lock(
    descriptor: int, folder: Path, patience: Patience, waits: Callable[[str], None]
) -> None:
    clock = asyncio.get_running_loop().time
    begun, told = clock(), False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii").strip() or "unknown"
            if clock() - begun > patience.step:
                raise processes.Failed(
                    f"process {holder} has been filling {folder} for {patience.step:.0f} s"
                ) from None
            if not told:
                waits(f"waiting for process {holder}, which fills {folder}")
                told = True
            await asyncio.sleep(_LOOK)
        else:
            return


class Ledger:
    """The directory of a store.

    A layer is a directory that appears complete, by rename, under the name of what it is made
    from. It counts after a crash of the machine only once its content was flushed to the disk,
    which nobody waits for.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages = root / "packages"
        """Package files that were fetched and not yet unpacked."""
        self.scratch = root / "scratch"
        """What is being made; nothing in it survives the process that makes it."""
        self._layers = root / "layers"
        self._definitions = root / "definitions"

    def tree(self, key: str) -> Path:
        """Return where the tree of a layer is, or will be."""
        return self._layers / key / "tree"

    def has(self, key: str) -> bool:
        """Return whether there is such a layer, whole."""
        folder = self._layers / key
        record = self._read(folder / "layer.json")
        return bool(record) and ((folder / "flushed").exists() or record.get("boot") == boot())

    def publish(self, key: str, making: Path, record: dict[str, Any]) -> None:
        """Make a layer known: `making` holds its `tree` and becomes the layer's directory."""
        content = json.dumps({**record, "boot": boot()}, indent=1, sort_keys=True)
        (making / "layer.json").write_text(content, "utf-8")
        place = self._layers / key
        if place.exists():
            place.rename(self.new_scratch("outdated") / key)
        making.rename(place)

    def below(self, key: str) -> list[str]:
        """Return the names of the layers on which this one was made."""
        return self._read(self._layers / key / "layer.json").get("below", [])

    def contents(self, key: str) -> list[Content]:
        """Return the Debian packages of a layer, sorted by name."""
        record = self._read(self._layers / key / "layer.json")
        return [Content(*package) for package in record.get("packages", [])]

    def defined(self, definition: str) -> str | None:
        """Return the layer that was made last from this definition, or None."""
        return self._read(self._definitions / definition).get("layer")

    def define(self, definition: str, key: str) -> None:
        """Write down which layer was made from a definition."""
        new = self.new_scratch("definition") / definition
        new.write_text(json.dumps({"layer": key}), "utf-8")
        new.replace(self._definitions / definition)
        new.parent.rmdir()

    @staticmethod
    def _read(path: Path) -> dict[str, Any]:
        try:
            return json.loads(path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            # A file that was cut short by a crash of the machine is no file.
            return {}

    def new_scratch(self, name: str) -> Path:
        """Return a new empty directory for something that is being made."""
        number = 0
        while True:
            path = self.scratch / f"{name}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                number += 1
            else:
                path.chmod(0o755)
                return path

    @contextlib.asynccontextmanager
    async def writing(self, patience: Patience) -> AsyncGenerator[None]:
        """Be the only process that changes the store.

        Raises:
            Transient: Another one does not end.
        """
        for folder in (self.root, self._layers, self._definitions, self.packages):
            folder.mkdir(parents=True, exist_ok=True)
        async with alone(self.root, patience):
            yield

    def unflushed(self) -> list[Path]:
        """The folders of the layers that a crash of the machine would take."""
        return [
            record.parent
            for record in self._layers.glob("*/layer.json")
            if not (record.parent / "flushed").exists()
        ]

    async def flush(self, patience: Patience) -> None:
        """Write everything to the disk, after which layers count across a crash of the machine."""
        unflushed = self.unflushed()
        if not unflushed:
            return
        await processes.run(["sync", "-f", self.root], processes.Job("flushing layers", patience))
        for folder in unflushed:
            (folder / "flushed").touch()
