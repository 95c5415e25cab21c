"""Does this machine run guests by its processor, or must it emulate them? Looks, and tells Nova.

Runs before nova-compute starts. That `/dev/kvm` is there, or makes a virtual machine, proves
little: some kernels offer it and then emulate each instruction of an ordinary guest. So a guest
of a few bytes is run.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import mmap
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from types import FrameType

_DEVICE = "/dev/kvm"
_CREATE_VM = 0xAE01
_RUN_SIZE = 0xAE04
_CREATE_VCPU = 0xAE41
_SET_MEMORY = 0x4020AE46
_RUN = 0xAE80
_SET_REGISTERS = 0x4090AE82
_GET_SPECIAL = 0x8138AE83
_SET_SPECIAL = 0x4138AE84
_EXIT_OUT = 2

_MEMORY = 0x8000
_CODE = 0x4000
_ROUNDS = 2_000_000
_SECONDS = 1.0
"""A processor takes milliseconds for these rounds; a kernel that emulates them, seconds."""

_SEGMENT = 24
_TABLE = 16
_SERVER_SECONDS = 300.0


def program() -> bytes:
    """A 64-bit program: count down, then write to a port."""
    return b"\xb9" + struct.pack("<I", _ROUNDS) + b"\xff\xc9\x75\xfc" + b"\xe6\x10\xf4"


def memory() -> bytes:
    """The guest's memory: page tables that map the first 2 MiB onto themselves, and the program."""
    content = bytearray(_MEMORY)
    for place, entry in ((0x1000, 0x2003), (0x2000, 0x3003), (0x3000, 0x83)):
        struct.pack_into("<Q", content, place, entry)
    code = program()
    content[_CODE : _CODE + len(code)] = code
    return bytes(content)


def special(present: bytes) -> bytes:
    """Special registers for 64-bit mode, made from those that the processor starts with."""
    registers = bytearray(present)
    code = (0, 0xFFFFFFFF, 8, 11, 1, 0, 0, 1, 1, 1, 0, 0, 0)
    data = (0, 0xFFFFFFFF, 16, 3, 1, 0, 1, 1, 0, 1, 0, 0, 0)
    struct.pack_into("=QIHBBBBBBBBBB", registers, 0, *code)
    for index in range(1, 6):
        struct.pack_into("=QIHBBBBBBBBBB", registers, _SEGMENT * index, *data)
    control = 8 * _SEGMENT + 2 * _TABLE
    # CR0 (paging, protection), CR2, CR3 (page tables), CR4 (PAE), CR8, EFER (64-bit mode)
    struct.pack_into("=QQQQQQ", registers, control, 0x80000031, 0, 0x1000, 0x20, 0, 0x500)
    return bytes(registers)


def complaint(device: str = _DEVICE) -> str | None:
    """Why guests cannot be run by the processor here, or None if they can."""
    try:
        kvm = os.open(device, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        return f"{device}: {error.strerror}"
    try:
        return _run(kvm)
    except OSError as error:
        return f"{device}: {error.strerror}"
    finally:
        os.close(kvm)


def _run(kvm: int) -> str | None:  # no cover: needs a machine that has KVM
    machine = fcntl.ioctl(kvm, _CREATE_VM, 0)
    with mmap.mmap(-1, _MEMORY) as guest:
        guest[:] = memory()
        view = (ctypes.c_char * _MEMORY).from_buffer(guest)
        address = ctypes.addressof(view)
        fcntl.ioctl(machine, _SET_MEMORY, struct.pack("=IIQQQ", 0, 0, 0, _MEMORY, address))
        processor = fcntl.ioctl(machine, _CREATE_VCPU, 0)
        state = bytearray(312)
        fcntl.ioctl(processor, _GET_SPECIAL, state)
        fcntl.ioctl(processor, _SET_SPECIAL, special(bytes(state)))
        registers = bytearray(144)
        struct.pack_into("=QQ", registers, 128, _CODE, 2)
        fcntl.ioctl(processor, _SET_REGISTERS, bytes(registers))
        found = _exit_of(processor, fcntl.ioctl(kvm, _RUN_SIZE, 0))
        os.close(processor)
        os.close(machine)
        del view
    return found


def _exit_of(processor: int, size: int) -> str | None:  # no cover: needs a machine that has KVM
    def stop(_number: int, _frame: FrameType | None) -> None:
        """Let the system call end."""

    before = signal.signal(signal.SIGALRM, stop)
    library = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(processor, size) as shared:
        signal.setitimer(signal.ITIMER_REAL, _SECONDS)
        ended = library.ioctl(processor, _RUN, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        (reason,) = struct.unpack_from("=I", shared, 8)
    if ended:
        return f"{_DEVICE} runs guests too slowly: the kernel emulates them"
    return None if reason == _EXIT_OUT else f"{_DEVICE} ended a guest of a few bytes ({reason})"


def settings(virtualization: str) -> str:
    """The part of nova.conf that follows."""
    cpu = (
        "cpu_mode = host-model\n"
        if virtualization == "kvm"
        else "cpu_mode = custom\ncpu_models = qemu64\n"
    )
    return f"[libvirt]\nvirt_type = {virtualization}\n{cpu}"


def wait_for(path: str) -> None:
    """Return when a server listens on a socket, or raise TimeoutError after some minutes."""
    deadline = time.monotonic() + _SERVER_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as knock:
            try:
                knock.connect(path)
            except OSError:
                time.sleep(0.1)
            else:
                return
    raise TimeoutError(f"nobody listens on {path}")


def main(wanted: str, file: str, *servers: str) -> None:
    """Decide, write Nova's file and the container's last words, and wait for local servers."""
    reason = complaint() if wanted == "auto" else None
    chosen = wanted if wanted != "auto" else "qemu" if reason else "kvm"
    Path(file).write_text(settings(chosen))
    told = {"virtualization": chosen, "reason": reason or ""}
    Path("/dev/termination-log").write_text(json.dumps(told))
    for server in servers:
        wait_for(server)


if __name__ == "__main__":
    main(*sys.argv[1:])
