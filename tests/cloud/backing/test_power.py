"""What is left of MariaDB when the power goes? What reached the disk, and nothing else.

The node's folder is a file system in a file of its own. What a program has written and not synced
is in the machine's memory, not in that file: a copy of it is what a loss of power would leave.
"""

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import tests_backing
import tests_engine

from ouranos import backing
from ouranos.kit import kinds

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(600)]

_FLUSHES = 15  # field of a block device's `stat`: flush requests completed (kernel's iostats.txt)
COMMITS = 40


class Disk:
    """An ext4 file system in a file; the kernel writes to the file only what it must."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "disk"
        self.path = folder / "mounted"
        self.device = ""

    def make(self) -> None:
        self.image.touch()
        os.truncate(self.image, 2 << 30)
        run("mkfs.ext4", "-q", "-F", str(self.image))
        self.mount()

    def mount(self) -> None:
        self.path.mkdir()
        run("mount", "-o", "loop,commit=600", str(self.image), str(self.path))
        self.device = run("findmnt", "-no", "SOURCE", "--mountpoint", str(self.path)).strip()

    def unmount(self) -> None:
        run("umount", str(self.path))

    def flushes(self) -> int:
        """How often the device was told to make durable what it was given."""
        stat = Path(f"/sys/block/{Path(self.device).name}/stat").read_text()
        return int(stat.split()[_FLUSHES])

    def after_power_loss(self, folder: Path) -> "Disk":
        """Return the disk as it would be found."""
        folder.mkdir()
        left = Disk(folder)
        run("cp", "--sparse=always", str(self.image), str(left.image))
        left.mount()
        return left


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[Disk]:
    made = Disk(tmp_path)
    made.make()
    try:
        yield made
    finally:
        made.unmount()


@pytest.fixture
async def engine(disk: Disk) -> AsyncIterator[tests_engine.Engine]:
    async with tests_engine.running(disk.path, backing.controllers()) as found:
        yield found


async def test_what_was_committed_is_there_after_a_loss_of_power(
    engine: tests_engine.Engine, disk: Disk, tmp_path: Path
) -> None:
    await tests_backing.serve(engine, kinds.MARIADB)
    await tests_backing.claim(engine)
    user = tests_backing.USER
    tests_backing.ask(engine, user, "CREATE TABLE nova_api.guests (name INT PRIMARY KEY)")
    before = disk.flushes()
    for number in range(COMMITS):
        tests_backing.ask(engine, user, f"INSERT INTO nova_api.guests VALUES ({number})")
    (server,) = engine.processes("mariadbd ")
    os.kill(server, signal.SIGSTOP)
    assert disk.flushes() - before >= COMMITS, "each commit is durable before it is answered"
    left = disk.after_power_loss(tmp_path / "after")
    try:
        os.kill(server, signal.SIGKILL)
        await _put_back(engine, disk, left)
    finally:
        left.unmount()
    await tests_backing.serve(engine, kinds.MARIADB)
    found = tests_backing.ask(engine, user, "SELECT COUNT(*) FROM nova_api.guests")
    assert found == ((COMMITS,),)


async def _put_back(engine: tests_engine.Engine, disk: Disk, left: Disk) -> None:
    """Give the server the data that were left, and nothing that it wrote later."""
    await engine.client.delete(kinds.MARIADB, "mariadb", tests_engine.HOME)
    await engine.until(lambda: _gone(engine), "the pod to be gone", 120)
    (volume,) = engine.told.layout.root.glob("volumes/home/data-mariadb-0-*")
    data = left.path / volume.relative_to(disk.path) / "data"
    await asyncio.to_thread(shutil.rmtree, volume / "data")
    await asyncio.to_thread(run, "cp", "-a", str(data), str(volume / "data"))


async def _gone(engine: tests_engine.Engine) -> bool:
    return await engine.client.get(kinds.POD, "mariadb-0", tests_engine.HOME) is None
