import struct

import hypothesis
import pytest
from hypothesis import strategies

from ouranos.images import cpio, guest, qcow2


def unpacked(archive: bytes) -> list[tuple[str, int, bytes]]:
    """Read what the kernel would read: Documentation/driver-api/early-userspace/buffer-format."""
    found: list[tuple[str, int, bytes]] = []
    place = 0
    while True:
        assert archive[place : place + 6] == b"070701"
        fields = [int(archive[place + 6 + 8 * i : place + 14 + 8 * i], 16) for i in range(13)]
        mode, size, name_size = fields[1], fields[6], fields[11]
        name = archive[place + 110 : place + 110 + name_size - 1].decode()
        place = (place + 110 + name_size + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert place == len(archive)
            return found
        found.append((name, mode, archive[place : place + size]))
        place = (place + size + 3) // 4 * 4


@hypothesis.given(
    strategies.dictionaries(
        strategies.text("abc/.", min_size=1).filter(lambda name: name != "TRAILER!!!"),
        strategies.binary(max_size=30),
    )
)
def test_what_was_packed_is_unpacked_in_the_order_of_names(files: dict[str, bytes]) -> None:
    entries = [cpio.regular(name, content, 0o640) for name, content in files.items()]
    archive = cpio.pack(entries)
    assert unpacked(archive) == [
        (name, 0o100640, content) for name, content in sorted(files.items())
    ]
    assert cpio.pack(reversed(entries)) == archive


def test_a_directory_comes_before_what_is_in_it() -> None:
    entries = (cpio.regular("etc/file", b""), cpio.link("etc/link", "file"), cpio.directory("etc"))
    names = [name for name, _, _ in unpacked(cpio.pack(entries))]
    assert names == ["etc", "etc/file", "etc/link"]


def test_an_empty_disk_says_its_size_and_counts_its_clusters() -> None:
    image = qcow2.empty(64 << 20)
    magic, version, _, _, bits, size = struct.unpack_from(">4sIQIIQ", image)
    assert (magic, version, 1 << bits, size) == (b"QFI\xfb", 3, 65536, 64 << 20)
    assert len(image) == 4 * 65536
    assert struct.unpack_from(">5H", image, 2 * 65536) == (1, 1, 1, 1, 0)


def test_a_disk_that_needs_more_tables_is_refused() -> None:
    qcow2.empty(512 << 20)
    with pytest.raises(ValueError, match="more than one table"):
        qcow2.empty((512 << 20) + 1)


def test_the_guest_s_console_is_the_one_that_is_read() -> None:
    assert "console=ttyS0" in guest.COMMAND_LINE.split()
