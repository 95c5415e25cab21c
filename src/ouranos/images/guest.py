"""What does a small guest boot? Debian's cloud kernel and a ramdisk of busybox, made in seconds.

Asked by `verify`, which boots it to show that a cloud works. It takes its network from DHCP, its
name and a script from the metadata service, and answers HTTP; see guest_init.sh.
"""

import asyncio
import lzma
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ouranos import releases
from ouranos.images import apt, building, catalog, cpio, extraction, ledger, processes, qcow2, tree
from ouranos.images.apt import Apt, Archive
from ouranos.images.processes import Job, Patience

COMMAND_LINE: Final = (
    "console=ttyS0 quiet tsc=reliable no_timer_check mitigations=off nokaslr "
    "8250.nr_uarts=1 cryptomgr.notests rcupdate.rcu_expedited=1"
)
"""For the kernel: the console that Nova reads, and nothing that emulation makes slow."""

_DISK: Final = 64 << 20
"""Bytes of the empty disk that comes with the image."""

_KERNEL_PACKAGE: Final = "linux-image-cloud-amd64"
_BUSYBOX_PACKAGE: Final = "busybox-static"

_ABSENT: Final = ("initramfs-tools", "kmod", "linux-base", "linux-initramfs-tool")

_MODULES: Final = (
    # In the order of their dependencies; those that a kernel has built in are not in its package.
    *("virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"),
    *("failover", "net_failover", "virtio_net", "virtio_blk", "button", "evdev"),
)

APPLETS: Final = (
    # What user-data and a person at the console may use.
    *("[", "acpid", "ash", "awk", "base64", "cat", "chmod", "chown", "cp", "cttyhack"),
    *("cut", "date", "dd", "df", "dmesg", "echo", "env", "expr", "false", "fdisk", "find"),
    *("free", "grep", "head", "hexdump", "hostname", "httpd", "id", "insmod", "ip", "kill"),
    *("ln", "ls", "lsmod", "md5sum", "mkdir", "mke2fs", "mknod", "mount", "mv"),
    *("nc", "netstat", "od", "pidof", "ping", "poweroff", "printf", "ps", "pwd", "reboot"),
    *("rm", "rmdir", "route", "sed", "seq", "setsid", "sh", "sha256sum", "sleep", "sort"),
    *("stat", "stty", "sync", "tail", "tee", "test", "time", "timeout", "top", "touch", "tr"),
    *("true", "udhcpc", "umount", "uname", "uniq", "uptime", "usleep", "vi", "wc", "wget"),
    *("which", "xargs", "yes"),
)

_POWER_BUTTON: Final = b"#!/bin/sh\nsync\npoweroff -f\n"


@dataclass(frozen=True, slots=True)
class GuestImage:
    """The files of a bootable image."""

    kernel: Path
    ramdisk: Path
    disk: Path
    """An empty disk: the system is in the ramdisk."""
    command_line: str
    digest: str
    """Names exactly this content."""


async def build(
    directory: Path, *, archive: Archive | None = None, patience: Patience | None = None
) -> GuestImage:
    """Return the guest image, after making it if it is not there.

    Args:
        directory: Where it is kept: that of an `ImageStore`, which then shares its package index,
            or one of its own.
        archive: Where Debian is; otherwise what the host's own sources name.
        patience: How long to wait.

    Raises:
        Transient: The archive does not answer, the disk is full; asking again goes on.
    """
    patience = patience or Patience()
    store = ledger.Ledger(directory)
    known = _known(store)
    if known is not None:
        return known
    async with store.writing(patience):
        known = await asyncio.to_thread(_known, store)
        return known or await _make(store, archive, patience)


def _files(store: ledger.Ledger, key: str) -> GuestImage:
    tree = store.tree(key)
    return GuestImage(
        kernel=tree / "kernel",
        ramdisk=tree / "ramdisk",
        disk=tree / "disk.qcow2",
        command_line=COMMAND_LINE,
        digest=key,
    )


def _scripts() -> dict[str, bytes]:
    folder = Path(__file__).parent
    return {name: (folder / f"guest_{name}.sh").read_bytes() for name in ("init", "lease")}


def _definition() -> str:
    words: list[Any] = [_KERNEL_PACKAGE, _BUSYBOX_PACKAGE, _MODULES, APPLETS, _DISK]
    scripts = [content.decode() for content in (*_scripts().values(), _POWER_BUTTON)]
    return building.digest(["guest", *words, *scripts])


def _known(store: ledger.Ledger) -> GuestImage | None:
    key = store.defined(_definition())
    return _files(store, key) if key is not None and store.has(key) else None


async def _make(store: ledger.Ledger, archive: Archive | None, patience: Patience) -> GuestImage:
    suite = releases.find(releases.names()[-1]).facts.debian
    directory = store.root / "apt" / suite
    directory.mkdir(parents=True, exist_ok=True)
    sources = Apt(directory, suite, patience, archive or await apt.host_archive(patience))
    await sources.update()
    names = (_KERNEL_PACKAGE, _BUSYBOX_PACKAGE)
    absent = (*catalog.BASE.absent, *_ABSENT)
    packages = (await sources.resolve(names, absent)).closure(names, absent)
    key = building.digest([_definition(), [package.sha256 for package in packages]])
    making, unpacked = store.new_scratch("guest"), store.new_scratch("guest-packages")
    try:
        await sources.fetch(packages, store.packages, unpacked)
        debs = [apt.file_of(package, store.packages) for package in packages]
        wanted = ("./boot/vmlinuz-*", "./usr/bin/busybox", "*/kernel/drivers/*", "*/kernel/net/*")
        job = Job("unpacking the guest's kernel", patience)
        await extraction.extract(debs, [f"--directory={unpacked}", "--wildcards", *wanted], job)
        await asyncio.to_thread(_write, unpacked, tree.directory(making, "tree"))
        store.publish(key, making, {"name": "guest", "below": [], "packages": names})
        store.define(_definition(), key)
        for deb in debs:
            deb.unlink(missing_ok=True)
    except OSError as error:
        raise processes.translated(error, "making the guest image") from error
    finally:
        for scratch in (making, unpacked):
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)
    return _files(store, key)


def _write(unpacked: Path, to: Path) -> None:
    (kernel,) = (unpacked / "boot").glob("vmlinuz-*")
    (to / "kernel").write_bytes(kernel.read_bytes())
    modules = [
        (name, lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes())
        for name in _MODULES
        for path in unpacked.rglob(f"{name}.ko*")
    ]
    busybox = (unpacked / "usr/bin/busybox").read_bytes()
    (to / "ramdisk").write_bytes(cpio.pack(_first_files(busybox, modules)))
    (to / "disk.qcow2").write_bytes(qcow2.empty(_DISK))


def _first_files(busybox: bytes, modules: list[tuple[str, bytes]]) -> Iterator[cpio.Entry]:
    """Yield what is in the guest's ramdisk."""
    for name in ("bin", "dev", "etc", "etc/acpi", "etc/acpi/PWRF", "mnt", "modules", "proc"):
        yield cpio.directory(name)
    for name in ("root", "run", "sys", "tmp", "www", "www/cgi-bin"):
        yield cpio.directory(name)
    # The kernel opens it for process 1 before there is anything that could make it.
    yield cpio.character_device("dev/console", 5, 1)
    yield cpio.regular("bin/busybox", busybox, 0o755)
    for name in APPLETS:
        yield cpio.link(f"bin/{name}", "busybox")
    for place in ("sbin", "usr"):
        yield cpio.link(place, "bin" if place == "sbin" else ".")
    for number, (name, content) in enumerate(modules):
        yield cpio.regular(f"modules/{number:02}-{name}.ko", content)
    scripts = _scripts()
    yield cpio.regular("init", scripts["init"], 0o755)
    yield cpio.regular("etc/lease", scripts["lease"], 0o755)
    yield cpio.regular("bin/mkfs.ext2", b'#!/bin/sh\nexec mke2fs "$@"\n', 0o755)
    yield cpio.regular("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    yield cpio.regular("etc/acpi/PWRF/00000080", _POWER_BUTTON, 0o755)
