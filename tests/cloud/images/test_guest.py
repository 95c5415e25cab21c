"""The small guest: does it boot, take what the metadata service gives, and see new disks?"""

import asyncio
import socket
import subprocess
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests_images import Filled

from ouranos.images import guest

# Answers one request, as the program that QEMU's user network starts for a connection.
METADATA = """#!/bin/sh
read -r _ path _
while read -r line; do [ "${#line}" -le 1 ] && break; done
case $path in
/latest/meta-data/hostname) body=düdingen ;;
/latest/user-data) body=$(cat /guest/user-data) ;;
*) printf 'HTTP/1.0 404 Not Found\\r\\n\\r\\n'; exit ;;
esac
printf 'HTTP/1.1 200 OK\\r\\nContent-Type: text/plain\\r\\n\\r\\n%s\\n' "$body"
"""

USER_DATA = """#!/bin/sh
mkfs.ext2 /dev/vda >/dev/null 2>&1 && mount /dev/vda /mnt && echo kept >/mnt/file && umount /mnt
mount /dev/vda /mnt && echo "USER-DATA: the disk has $(cat /mnt/file)"
cat >/www/cgi-bin/disks <<'END'
#!/bin/sh
echo; echo $(cat /sys/block/vd*/serial)
END
chmod +x /www/cgi-bin/disks
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Machine:
    """The guest under QEMU, in the libvirt image's root."""

    def __init__(self, filled: Filled, folder: Path, image: guest.GuestImage) -> None:
        self.port = free_port()
        self.console = folder / "console"
        self._folder = folder
        for name, path in (("kernel", image.kernel), ("ramdisk", image.ramdisk)):
            (folder / name).write_bytes(path.read_bytes())
        (folder / "disk").write_bytes(image.disk.read_bytes())
        (folder / "volume").write_bytes(bytes(1 << 20))
        (folder / "user-data").write_text(USER_DATA)
        (folder / "metadata").write_text(METADATA)
        (folder / "metadata").chmod(0o755)
        network = (
            f"user,id=net,net=169.254.0.0/16,host=169.254.0.2,dhcpstart=169.254.0.15,"
            f"hostfwd=tcp:127.0.0.1:{self.port}-:80,"
            "guestfwd=tcp:169.254.169.254:80-cmd:/guest/metadata"
        )
        script = (
            "exec qemu-system-x86_64 -accel tcg -machine pc -cpu qemu64 -m 128 -display none "
            "-kernel /guest/kernel -initrd /guest/ramdisk "
            f"-append '{image.command_line}' -serial file:/guest/console "
            "-drive file=/guest/disk,if=virtio,format=qcow2 "
            f"-netdev {network} -device virtio-net-pci,netdev=net "
            "-monitor unix:/guest/monitor,server,nowait"
        )
        mounts = f"mkdir guest; mount --bind {folder} guest"
        self.running = asyncio.create_task(asyncio.to_thread(filled.run, "libvirt", script, mounts))

    def said(self) -> str:
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def ask(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                return answer.read().decode().strip()
        except OSError:
            return ""

    def monitor(self, *commands: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self._folder / "monitor"))
            for command in commands:
                connection.sendall(command.encode() + b"\n")
                time.sleep(0.3)


async def until(check: Callable[[], bool], what: str) -> None:
    for _ in range(1200):
        if await asyncio.to_thread(check):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(what)


@pytest.fixture
async def machine(filled: Filled, tmp_path: Path) -> AsyncIterator[Machine]:
    image = await guest.build(filled.root)
    started = Machine(filled, tmp_path, image)
    yield started
    if not started.running.done():
        started.monitor("quit")
    await started.running


def test_qemu_finds_no_fault_in_the_empty_disk(filled: Filled, tmp_path: Path) -> None:
    image = asyncio.run(guest.build(filled.root))
    (tmp_path / "disk").write_bytes(image.disk.read_bytes())
    mounts = f"mkdir guest; mount --bind {tmp_path} guest"
    told = filled.run("libvirt", "qemu-img check /guest/disk; qemu-img info /guest/disk", mounts)
    assert "No errors were found" in told
    assert "virtual size: 64 MiB" in told


def test_busybox_has_every_applet(filled: Filled, tmp_path: Path) -> None:
    image = asyncio.run(guest.build(filled.root))
    archive = image.ramdisk.read_bytes()
    start = archive.index(b"\x7fELF")
    (tmp_path / "busybox").write_bytes(archive[start:])
    (tmp_path / "busybox").chmod(0o755)
    applets = subprocess.run(
        [tmp_path / "busybox", "--list"], capture_output=True, text=True, check=True
    ).stdout.split()
    assert set(guest.APPLETS) - set(applets) == set()


async def test_the_guest_boots_and_does_what_it_is_told(machine: Machine) -> None:
    await until(lambda: "GUEST: READY" in machine.said(), "it is not ready")
    console = machine.said()
    assert "GUEST: network 169.254.0.15/16" in console
    assert "GUEST: metadata names it düdingen" in console
    assert "USER-DATA: the disk has kept" in console
    assert machine.ask("/") == "hello from düdingen at 169.254.0.15"

    machine.monitor(
        "drive_add 0 if=none,id=one,file=/guest/volume,format=raw",
        "device_add virtio-blk-pci,drive=one,id=two,serial=plugged",
    )
    await until(lambda: "plugged" in machine.ask("/cgi-bin/disks"), "the new disk is not seen")
    machine.monitor("device_del two")
    await until(lambda: machine.ask("/cgi-bin/disks") == "", "the old disk is still seen")

    machine.monitor("system_powerdown")
    await until(machine.running.done, "the power button does nothing")


async def test_the_guest_is_made_once(filled: Filled) -> None:
    assert await guest.build(filled.root) == await guest.build(filled.root)
