"""A disk image of a person's own: it boots by itself, from its first sector.

Before any story has a guest that stays: `verify` removes what an earlier run left, and such a guest
looks just like that.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path

from tests_cloud import ROOT, Cloud

from ouranos.images import apt, processes
from ouranos.images import guest as guest_image

_SIZE = 64 << 20  # bytes: what the smallest flavor's memory and our kernel leave room for
_PACKAGES = ("mtools", "syslinux", "syslinux-common")  # write a FAT file system without mounting it
_SUITE = "bookworm"  # the oldest host that we run on: newer ones run its programs too
_MENU = """\
default guest
prompt 0
label guest
  kernel vmlinuz
  initrd initrd
  append {command_line}
"""


async def _tools(directory: Path) -> Path:
    """Extract the packages below a directory; the host stays as it is."""
    patience = processes.Patience()
    root = directory / "apt"
    root.mkdir(parents=True)
    source = apt.Apt(root, _SUITE, patience, await apt.host_archive(patience))
    await source.update()
    packages = (await source.resolve(_PACKAGES, ())).closure(_PACKAGES, ())
    wanted = tuple(each for each in packages if each.name in _PACKAGES)
    (directory / "unpacked").mkdir()
    await source.fetch(wanted, directory, directory / "unpacked")
    for package in wanted:
        archive = apt.file_of(package, directory)
        subprocess.run(["dpkg-deb", "-x", archive, directory / "root"], check=True)  # noqa: ASYNC221
    return directory / "root" / "usr"


def _disk(folder: Path, built: guest_image.GuestImage) -> Path:
    """A whole disk: boot loader, kernel and ramdisk in one file system."""
    tools = asyncio.run(_tools(folder / "tools"))
    disk, menu = folder / "own.img", folder / "syslinux.cfg"
    menu.write_text(_MENU.format(command_line=built.command_line))
    with disk.open("wb") as file:
        file.truncate(_SIZE)
    environment = {"PATH": f"{tools / 'bin'}:/usr/bin:/bin", "MTOOLS_SKIP_CHECK": "1"}
    geometry = ("-F", "-h", "16", "-s", "63", "-T", str(_SIZE // 512))
    commands: list[tuple[str | Path, ...]] = [("mformat", "-i", disk, *geometry, "::")]
    for source, name in (
        (built.kernel, "vmlinuz"),
        (built.ramdisk, "initrd"),
        (menu, "syslinux.cfg"),
        (tools / "lib/syslinux/modules/bios/ldlinux.c32", "ldlinux.c32"),
    ):
        commands.append(("mcopy", "-i", disk, source, f"::{name}"))
    commands.append(("syslinux", "--install", disk))
    for command in commands:
        subprocess.run(command, env=environment, check=True)
    return disk


def test_an_image_of_ones_own_passes_every_proof(running: Cloud, tmp_path: Path) -> None:
    disk = _disk(tmp_path, asyncio.run(guest_image.build(ROOT / "images")))
    report = json.loads(running.run("verify", "--image", str(disk), "-o", "json").stdout)
    details = {proof["name"]: proof["detail"] for proof in report["proofs"]}
    assert details["image uploaded"] == f"{disk}, raw"
    assert "hostname verify-guest" in details["HTTP by floating IP, metadata, user-data"]
