"""What a newcomer does to `up`: ends it, begins it twice, takes it down in the middle."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time

from tests_cloud import OURANOS, eventually
from tests_trouble import LONG, Said, Small, held

GOES_ON = "interrupted; what was begun goes on, and the same command picks it up"


def test_who_is_not_root_is_told_so_and_nothing_else(small: Small) -> None:
    words = ("--reuid=65534", "--regid=65534", "--clear-groups")
    # It may read the folders that this Ouranos is installed in, and no more.
    may = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    for command in ("up", "doctor"):
        done = subprocess.run(
            ["setpriv", *words, *may, OURANOS, command, small.file],
            capture_output=True,
            text=True,
            env=small.environment,
            check=False,
        )
        said = "root: Ouranos does not run as root"
        assert done.returncode == 1
        assert said in (done.stderr if command == "up" else done.stdout)
        assert len((done.stdout + done.stderr).splitlines()) == 2
    assert small.left() == []


def test_up_is_ended_at_several_moments_and_the_next_finishes(small: Small) -> None:
    small.lack("memcached")
    with held(small.images / "lock"):  # so that the cloud is not Ready before the story says so
        for number, moment in (
            (signal.SIGINT, "daemon: started"),
            (signal.SIGTERM, "daemon: runs already"),
            (signal.SIGINT, "waiting for the store"),
        ):
            up = small.begin("up", small.file)
            up.wait_for(moment)
            up.process.send_signal(number)
            assert up.end() == 130
            assert up.lines[-1] == GOES_ON
            assert small.daemon(), "what was begun goes on"
        assert small.run("up", "--no-wait").returncode == 0
        hasty = small.run("up", "--timeout", "1", small.file)
        assert hasty.returncode == 3, "the deadline has an exit code of its own"
        assert hasty.stderr.splitlines()[-2].startswith("error: ")
        assert hasty.stderr.endswith("look with: ouranos status --cloud trouble\n")
    small.up()
    assert small.projects() == {"admin"}
    users = small.run("openstack", "endpoint", "list", "-f", "json")
    named = [(each["Service Name"], each["Interface"]) for each in json.loads(users.stdout)]
    assert sorted(named) == sorted(set(named)), "one endpoint of each"
    looks_around(small)
    says_the_same_to_a_terminal(small)
    goes_down(small)


def looks_around(small: Small) -> None:
    """Small questions, each with its exit code, and data alone on standard output."""
    status = small.run("status", "-o", "json")
    told = json.loads(status.stdout)
    assert (status.returncode, told["ready"], told["hint"], status.stderr) == (0, True, "", "")
    unknown = small.run("logs", "nonsense")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith(
        "error: no pod belongs to nonsense\nhint: there are: keystone/"
    )
    guest = small.run("verify")
    assert (guest.returncode, guest.stdout) == (1, "")
    assert guest.stderr == (
        "error: trouble cannot boot a guest: it has no glance, placement, nova, neutron, cinder\n"
        "hint: add them to spec.services in its file, then apply the file again\n"
    )
    heads = "; ".join(f"{OURANOS} {words} | head -1" for words in ("logs keystone", "up 2>&1"))
    lines = subprocess.run(
        heads,
        shell=True,
        capture_output=True,
        text=True,
        env=small.environment,
        check=False,
    )
    assert (len(lines.stdout.splitlines()), lines.stderr) == (2, "")


def says_the_same_to_a_terminal(small: Small) -> None:
    """Plain lines, without colours or anything that moves, with and without NO_COLOR."""
    for more in ({}, {"NO_COLOR": "1"}):
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [OURANOS, "up", small.file],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**small.environment, "TERM": "xterm-256color", **more},
        ) as up:
            os.close(theirs)
            text = read_all(ours)
            assert up.wait(LONG) == 0
        os.close(ours)
        assert "\x1b" not in text
        assert "daemon: runs already" in text
        assert "trouble: Ready" in text


def read_all(terminal: int) -> str:
    """What comes until the other side is closed."""
    found = b""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # how Linux says that nobody has the other side any more
                break
            found += part
    return found.decode()


def goes_down(small: Small) -> None:
    """Refused while `up` is at work, possible after it, and harmless twice."""
    assert small.run("down").returncode == 0
    up = small.begin("up")
    up.wait_for("daemon: started")
    up.process.send_signal(signal.SIGSTOP)  # it is at work for as long as the story looks
    refused = small.run("down")
    assert refused.returncode == 1
    holder = f"up (process {up.process.pid})"
    assert refused.stderr == (
        f"error: {small.place.operation_lock} is held by {holder}\n"
        "hint: wait until it is done, or end it, then run this again\n"
    )
    end(up)
    for _ in range(2):
        done = small.run("down")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    down = small.run("status")
    assert (down.returncode, down.stdout) == (1, "")
    assert down.stderr == "error: trouble: down\nhint: bring it up: ouranos up --cloud trouble\n"
    eventually(lambda: not processes_of(small), 30, "the end of every process")


def end(up: Said) -> None:
    up.process.send_signal(signal.SIGINT)
    up.process.send_signal(signal.SIGCONT)
    assert up.end(60) == 130


def processes_of(small: Small) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if str(small.folder) in line]
