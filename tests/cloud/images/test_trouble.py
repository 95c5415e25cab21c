"""What happens to a store when things go wrong: killed writers, silent registries, full disks."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests_images import RELEASE, Filled, content

from ouranos import releases
from ouranos.images import apt, catalog, environment, processes, store
from ouranos.images.processes import Patience

LOCKED = environment.find("openstack", releases.find(RELEASE))
MEMCACHED = catalog.reference("memcached", RELEASE)


def start(root: Path, *names: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ouranos.images", "--root", str(root), *names]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def writers(root: Path) -> list[str]:
    """Return the command lines of processes that work in the store."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(root) in line:
                found.append(line)
    return found


async def nobody_writes(root: Path) -> None:
    """Wait until what a killed process had started has noticed."""
    for _ in range(100):
        if not (left := writers(root)):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(left)


async def test_a_store_whose_writers_were_killed_is_finished_by_the_next(
    filled: Filled, tmp_path: Path
) -> None:
    moments = random.Random(20261121)
    for _ in range(10):
        process = start(tmp_path)
        await asyncio.sleep(moments.uniform(0.3, 6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        await nobody_writes(tmp_path)
    images = store.ImageStore(tmp_path)
    for name, image in filled.images.items():
        found = await images.ensure(catalog.reference(name, RELEASE))
        assert found.digest == image.digest
        for one, two in zip(image.layers, found.layers, strict=True):
            assert content(one) == content(two)
    await images.close()
    assert list((tmp_path / "scratch").iterdir()) == []


def test_two_processes_at_once_make_every_layer_once(tmp_path: Path) -> None:
    both = [start(tmp_path, "memcached", "node") for _ in range(2)]
    outputs = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert outputs[0] == outputs[1] != b""
    assert len(list((tmp_path / "layers").iterdir())) == 3


async def test_many_callers_at_once_get_the_same_image(tmp_path: Path) -> None:
    said: list[store.Progress] = []
    images = store.ImageStore(tmp_path, progress=said.append)
    found = await asyncio.gather(*(images.ensure(MEMCACHED) for _ in range(5)))
    assert len({image.digest for image in found}) == 1
    assert [progress.step for progress in said].count("ready") == 1
    assert said[-1] == store.Progress("memcached", "ready", 2, 2)
    await images.close()


async def test_a_caller_that_gives_up_takes_the_image_from_nobody(tmp_path: Path) -> None:
    images = store.ImageStore(tmp_path)
    hasty = asyncio.create_task(images.ensure(MEMCACHED))
    patient = asyncio.create_task(images.ensure(MEMCACHED))
    await asyncio.sleep(1)
    hasty.cancel()
    assert (await patient).layers
    await images.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and never says a word."""
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                held.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for connection in held:
        connection.close()


async def test_a_silent_archive_is_named_and_it_goes_on_when_it_speaks_again(
    silent: str, tmp_path: Path
) -> None:
    archive = apt.Archive(f"{silent}/debian", f"{silent}/security")
    images = store.ImageStore(tmp_path, archive=archive, patience=Patience(step=60, stall=4))
    begun = time.monotonic()
    with pytest.raises(processes.Failed, match=rf"fetching the package index .* from {silent}"):
        await images.ensure(MEMCACHED)
    assert time.monotonic() - begun < 30
    with pytest.raises(processes.Failed):
        await images.ensure(MEMCACHED)
    await images.close()
    images = store.ImageStore(tmp_path)
    assert (await images.ensure(MEMCACHED)).layers
    await images.close()


async def test_a_silent_package_index_is_named(
    silent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"{silent}/simple")
    locked = replace(LOCKED, lock=f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(processes.Failed, match=r"(?s)fetching 1 Python packages .*127\.0\.0\.1"):
        await environment.install(locked, tmp_path, tmp_path / "cache", Patience(stall=4))


async def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    locked = replace(LOCKED, lock=f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(processes.Failed, match=r"[Hh]ash"):
        await environment.install(locked, tmp_path, tmp_path / "cache", Patience())


async def ensured(images: store.ImageStore, tries: int = 5) -> store.Realised:
    """Ask for an image as controllers do: again, when a registry was silent for too long."""
    for _ in range(tries - 1):
        try:
            return await images.ensure(MEMCACHED)
        except processes.Failed as error:
            if "nothing has arrived" not in str(error):
                raise
    return await images.ensure(MEMCACHED)


def unmount(place: Path) -> None:
    subprocess.run(["umount", str(place)], check=True)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


@pytest.mark.parametrize("megabytes", [20, 120, 150])
async def test_a_full_disk_is_said_and_it_goes_on_when_there_is_space(
    megabytes: int, tmp_path: Path
) -> None:
    mount("-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(tmp_path))
    try:
        images = store.ImageStore(tmp_path)
        with pytest.raises(processes.DiskFull, match="no space left on the disk"):
            await ensured(images)
        mount("-o", "remount,size=2g", str(tmp_path))
        assert (await ensured(images)).layers
        await images.close()
    finally:
        unmount(tmp_path)
