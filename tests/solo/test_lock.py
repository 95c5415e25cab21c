"""Locks die with their holder and say who holds them."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ouranos.solo import lock

HOLDER = """
import sys, time
from pathlib import Path
from ouranos.solo import lock
lock.Lock(Path(sys.argv[1]), "up").acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_who_only_looks_for_long_keeps_nobody_out(path: Path) -> None:
    path.write_text("supervisor (process 0)\n")  # as one that was killed leaves it
    handle = os.open(path, os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_SH)
    threading.Timer(0.3, lambda: os.close(handle)).start()
    with lock.Lock(path, "supervisor"):
        assert lock.holder_of(path) == os.getpid()


def test_nobody_holds_a_lock_that_was_never_taken(path: Path) -> None:
    assert lock.holder_of(path) is None


def test_a_second_holder_is_told_who_the_first_is(path: Path) -> None:
    with holder(path) as process:
        with pytest.raises(lock.LockHeldError) as refused:
            lock.Lock(path, "down").acquire()
        assert refused.value.holder == f"up (process {process.pid})"
        assert lock.holder_of(path) == process.pid
        process.kill()


def test_a_killed_holder_leaves_the_lock_free(path: Path) -> None:
    with holder(path) as process:
        os.kill(process.pid, signal.SIGKILL)
    assert lock.holder_of(path) is None
    with lock.Lock(path, "up"):
        assert lock.holder_of(path) == os.getpid()


def test_a_released_lock_can_be_taken_again(path: Path) -> None:
    held = lock.Lock(path, "up")
    held.acquire()
    held.release()
    held.release()
    with lock.Lock(path, "down"):
        pass
    assert lock.holder_of(path) is None
