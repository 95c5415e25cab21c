"""A process is its PID and its start time."""

from __future__ import annotations

import os
import signal
import subprocess

from ouranos.solo import processes


def test_our_own_process_is_found_and_alive() -> None:
    found = processes.Process.find(os.getpid())
    assert found is not None
    assert found.alive()


def test_another_process_with_the_same_pid_is_not_the_one_recorded() -> None:
    real = processes.Process.find(os.getpid())
    assert real is not None
    stranger = processes.Process(real.pid, real.started + 1)
    assert not stranger.alive()
    stranger.signal(signal.SIGKILL)  # would end this test run
    assert stranger.wait(None)


def test_the_end_of_a_process_is_seen() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as child:
        found = processes.Process.find(child.pid)
        assert found is not None
        assert not found.wait(0.01)
        found.signal(signal.SIGTERM)
        assert found.wait(4)
    assert processes.Process.find(child.pid) is None


def test_a_zombie_counts_as_ended() -> None:
    child = subprocess.Popen(["/bin/true"])
    found = processes.Process.find(child.pid)
    assert found is None or found.wait(4)
    assert processes.Process.find(child.pid) is None
    child.wait()
