"""Is it found out whether a machine runs guests by its processor?"""

import socket
import struct
import threading
from pathlib import Path

import pytest

from ouranos_runtime import virtualization


def test_a_machine_without_the_device_emulates(tmp_path: Path) -> None:
    assert virtualization.complaint(str(tmp_path / "kvm")) is not None


def test_a_device_that_is_no_kvm_is_none(tmp_path: Path) -> None:
    other = tmp_path / "kvm"
    other.write_bytes(b"")
    assert "Inappropriate ioctl" in str(virtualization.complaint(str(other)))


def test_the_guest_s_memory_maps_itself_and_holds_the_program() -> None:
    memory = virtualization.memory()
    assert struct.unpack_from("<Q", memory, 0x1000) == (0x2003,)
    assert memory[0x4000 : 0x4000 + len(virtualization.program())] == virtualization.program()


def test_the_processor_is_put_into_64_bit_mode() -> None:
    registers = virtualization.special(bytes(312))
    cr0, _, cr3, cr4, _, efer = struct.unpack_from("=QQQQQQ", registers, 8 * 24 + 2 * 16)
    assert (cr0 >> 31, cr0 & 1, cr3, cr4 >> 5 & 1, efer) == (1, 1, 0x1000, 1, 0x500)
    selector, kind = struct.unpack_from("=HB", registers, 12)
    assert (selector, kind) == (8, 11)


@pytest.mark.parametrize(
    ("chosen", "line"),
    [("kvm", "cpu_mode = host-model"), ("qemu", "cpu_models = qemu64")],
)
def test_nova_is_told_what_follows(chosen: str, line: str) -> None:
    told = virtualization.settings(chosen)
    assert f"virt_type = {chosen}\n" in told
    assert line in told


def test_a_local_server_is_awaited(tmp_path: Path) -> None:
    path = str(tmp_path / "socket")

    def serve() -> None:
        listener.bind(path)
        listener.listen()

    with socket.socket(socket.AF_UNIX) as listener:
        timer = threading.Timer(0.2, serve)
        timer.start()
        virtualization.wait_for(path)
        timer.join()
