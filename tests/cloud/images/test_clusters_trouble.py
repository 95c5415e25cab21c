"""What happens to the making of images when something is in the way?"""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from tests_clusters import (
    CONTROLLERS,
    MEMCACHED,
    SMALL,
    awaited,
    done,
    ended,
    everything,
    images,
    start,
)

from ouranos.images import oci


def consistent(layout: oci.Layout) -> None:
    """What is listed is there, whole, at every moment."""
    for image in layout.images().values():
        manifest = json.loads(layout.blob(image.digest).read_text())
        for each in (manifest["config"], *manifest["layers"]):
            assert layout.blob(each["digest"]).stat().st_size == each["size"]


def held_by_one_of(lock: Path, *processes: int) -> None:
    """Raise ValueError unless one of these processes holds the lock."""
    if lock.read_text() not in {f"{process}\n" for process in processes}:
        raise ValueError(lock)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_what_is_interrupted_is_taken_on_by_the_next(
    ending: signal.Signals, root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    moments = random.Random(20261121)
    other = oci.Layout(tmp_path / "layout")
    interrupted = 0
    for _ in range(6):
        shutil.rmtree(root / "images/packed", ignore_errors=True)
        with start(root, "build", *SMALL, "--layout", other.root) as process:
            try:
                awaited(partial(held_by_one_of, root / "images/packed/lock", process.pid))
                time.sleep(moments.uniform(0, 1))
                process.send_signal(ending)
                found = ended(process)
            finally:
                process.kill()
        interrupted += found.code != 0
        if ending == signal.SIGINT and found.code != 0:
            assert found.code == 130, found.complaints
            assert found.complaints.endswith("the same command goes on\n")
        consistent(other)
    assert interrupted > 0
    done(root, "build", *SMALL, "--layout", other.root)
    assert everything(other.root) == everything(layout.root)
    assert list((root / "images/packed/scratch").iterdir()) == []


def test_each_waits_for_the_other_and_then_finds_what_it_made(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    shutil.rmtree(root / "images/packed", ignore_errors=True)
    (root / "images/packed").mkdir()
    words = ("build", *SMALL, "--layout", tmp_path, "-o", "name")
    lock = (root / "images/packed/lock").open("a+")
    # A third one, which is there before both.
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    with lock, start(root, *words) as first, start(root, *words) as second:
        try:
            for process in (first, second):
                assert process.stderr is not None
                said = process.stderr.readline()
                assert said.startswith(f"waiting for process {os.getpid()}, which fills ")
            fcntl.flock(lock, fcntl.LOCK_UN)
            ends = [ended(process) for process in (first, second)]
        finally:
            first.kill()
            second.kill()
    assert [end.code for end in ends] == [0, 0]
    assert ends[0].output == ends[1].output == f"{MEMCACHED}\n{CONTROLLERS}\n"
    assert everything(tmp_path) == everything(layout.root)


def test_a_full_disk_is_said_and_it_goes_on_when_there_is_space(
    root: Path, layout: oci.Layout, tmp_path: Path
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", tmp_path], check=True)
    try:
        found = images(root, "build", *SMALL, "--layout", tmp_path / "layout")
        message, hint = found.complaints.splitlines()[-2:]
        assert found.code == 1
        assert message == f"error: writing images to {tmp_path}/layout: no space left on the disk"
        assert hint.startswith("hint: make room there")
        assert oci.Layout(tmp_path / "layout").images() == {}
        subprocess.run(["mount", "-o", "remount,size=1g", tmp_path], check=True)
        done(root, "build", *SMALL, "--layout", tmp_path / "layout")
        assert everything(tmp_path / "layout") == everything(layout.root)
    finally:
        subprocess.run(["umount", tmp_path], check=True)
