"""A full disk: what is awaited is said with folder and hint; with room again it goes on."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
from pathlib import Path

from tests_cloud import eventually
from tests_trouble import Small, fill, held, make_room, mount, unmount

LACKING = "memcached"


def test_a_disk_that_fills_while_images_are_made(small: Small) -> None:
    small.images.unlink()
    small.images.mkdir()
    mount(small.images)
    try:
        small.lack(LACKING)
        with held(small.images / "lock"):
            up = small.begin("up", small.file)
            up.wait_for("waiting for the store")
            fill(small.images)
        line = up.wait_for(f"{small.images} has 0 MiB left")
        assert f"image {LACKING}: " in line or "the disk is full" in line
        assert "(hint: make room on that disk; " in line
        code, state, hint = small.status()
        assert code == 1
        assert f"{small.images} has 0 MiB left" in state
        assert len(state.splitlines()) == 1
        assert hint.startswith("hint: make room on that disk")
        assert not small.has(LACKING)
        make_room(small.images)
        assert up.end() == 0, up.text
        assert small.ready()
        assert small.has(LACKING)
        assert up.text.count(line.partition("  ")[2]) == 1, "only changes are said"
    finally:
        small.run("down")
        unmount(small.images)
        small.images.rmdir()


def test_a_disk_that_fills_under_a_running_cloud(small: Small, tmp_path: Path) -> None:
    small.up()
    assert small.run("openstack", "project", "create", "before").returncode == 0
    fill(small.root)
    code, state, hint = small.status()
    assert code == 1
    assert state == f"trouble: Not ready: the disk is full: {small.folder} has 0 MiB left"
    assert hint == "hint: make room on that disk; the cloud then goes on by itself"
    names = (f"big-{number}" for number in itertools.count())
    refused = eventually(lambda: small.write(next(names), "x" * 60_000), 60, "no room to write")
    assert "database or disk is full" in refused
    killed = small.kill_daemon()
    eventually(lambda: small.daemon() != killed, 60, "another daemon")
    assert small.status()[0] == 1

    make_room(small.root)
    small.wait_ready()
    assert small.write("after", "text") == ""
    assert small.run("openstack", "project", "create", "after").returncode == 0
    assert {"before", "after"} <= small.projects()
    copy = tmp_path / "copy.db"
    for suffix in ("", "-wal"):
        if Path(f"{small.place.database}{suffix}").exists():
            shutil.copy(f"{small.place.database}{suffix}", f"{copy}{suffix}")
    with sqlite3.connect(copy) as opened:
        assert opened.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    done = small.run("down")
    assert done.returncode == 0, done.stderr
    small.up()
    assert {"before", "after"} <= small.projects(), "nothing is lost after a restart either"
