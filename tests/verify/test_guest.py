"""The script that runs inside the guest is run here by the same kind of shell."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest

from ouranos.verify import guest, removal, story

SERIAL = "0123456789abcdef0123"


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The program below cgi-bin, with this machine's block devices replaced by a file."""
    script = base64.b64decode(guest.user_data("token")).decode()
    body = script.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    block = tmp_path / "block" / "vdz"
    block.mkdir(parents=True)
    (block / "serial").write_text(SERIAL)
    disk = tmp_path / "vdz"
    disk.write_bytes(b"\0" * 4096)
    body = body.replace("/sys/block/vd*", f"{tmp_path}/block/vd*").replace("/dev/", f"{tmp_path}/")
    body = body.replace(f"2>{tmp_path}/null", "2>/dev/null")
    program = tmp_path / "volume"
    program.write_text(body)
    return program


def call(program: Path, query: str) -> str:
    done = subprocess.run(
        ["/bin/sh", program],
        capture_output=True,
        text=True,
        check=True,
        env={"QUERY_STRING": query, "PATH": "/usr/bin:/bin"},
    )
    head, _, body = done.stdout.partition("\n\n")
    assert head == "Content-Type: text/plain"
    return body.strip()


def test_the_guest_writes_and_reads_a_volume(volume: Path) -> None:
    assert call(volume, f"look&{SERIAL}&") == "present"
    assert call(volume, f"write&{SERIAL}&c0ffee") == "written"
    assert call(volume, f"read&{SERIAL}&") == "c0ffee"


def test_the_guest_says_when_a_volume_is_not_there(volume: Path) -> None:
    assert call(volume, "look&ffffffffffffffffffff&") == "absent"


def test_waiting_ends_with_what_was_awaited() -> None:
    with pytest.raises(story.ProofError, match="a miracle: not within 0 s"):
        story.until(lambda: None, what="a miracle", seconds=0, every=0)


def test_waiting_stops_at_a_failure() -> None:
    with pytest.raises(story.ProofError, match="server ACTIVE: ERROR: no host"):
        story.until(
            lambda: False, what="server ACTIVE", seconds=60, failed=lambda _: "ERROR: no host"
        )


class Thing:
    def __init__(self, **fields: str) -> None:
        self.__dict__.update(fields)


def test_only_things_of_the_project_are_removed() -> None:
    ours, theirs = Thing(id="1", owner_id="p"), Thing(id="2", owner_id="q")
    assert removal._owned([ours, theirs, Thing(id="3")], "p") == [ours]
