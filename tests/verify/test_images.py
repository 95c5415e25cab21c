"""A disk image that a person names is uploaded as what it is, whatever its name says."""

from __future__ import annotations

from pathlib import Path

import pytest

from ouranos.images import qcow2
from ouranos.verify import proofs, story


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("disk.img", qcow2.empty(1 << 20), "qcow2"),
        ("disk.raw", qcow2.empty(1 << 20), "qcow2"),
        ("disk.img", b"\xeb\x58\x90SYSLINUX", "raw"),
        ("disk.qcow2", b"\0" * 512, "raw"),
    ],
)
def test_the_first_bytes_tell_the_format(
    tmp_path: Path, name: str, content: bytes, form: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert proofs.disk_format(str(path)) == form


def test_an_empty_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.touch()
    with pytest.raises(story.ProofError, match=r"disk\.img is empty"):
        proofs.disk_format(str(path))


def test_an_image_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(story.ProofError, match="Is a directory"):
        proofs.disk_format(str(tmp_path))
