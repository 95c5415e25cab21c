"""How does a layer's tree come to be? Unpacked, and then as maintainer scripts would make it."""

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ouranos.images import extraction, processes
from ouranos.images.definition import Layer, Link
from ouranos.images.processes import Job, Patience

MOMENT: Final = 1_767_225_600
"""What every time is set to that would else be that of the making: 1 January 2026."""

_LEFT_OUT: Final = (
    # Nobody reads them in a container; the copyright files stay.
    *("./usr/share/doc/*/[!c]*", "./usr/share/doc/*/c[!o]*", "./usr/share/doc-base"),
    *("./usr/share/bug", "./usr/share/info", "./usr/share/lintian", "./usr/share/locale"),
    *("./usr/share/man", "./usr/share/bash-completion", "./usr/share/zsh"),
    *("./usr/lib/systemd", "./etc/init.d", "./etc/logrotate.d", "./etc/cron.*", "./etc/apparmor.d"),
)

_MERGED: Final = {
    # Where base-files and the base layer have links; a directory of the same name in a layer
    # above would hide everything behind them.
    **{name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")},
    "var/run": "/run",
    "var/lock": "/run/lock",
}

_MERGED_INTO: Final = ("usr/bin", "usr/sbin", "usr/lib64", "usr/lib", "run/lock", "run")

_LIBRARIES: Final = ("usr/lib/x86_64-linux-gnu", "usr/lib")


async def unpack(debs: Sequence[Path], tree: Path, patience: Patience) -> None:
    """Extract the files of packages into a tree, without running anything of theirs."""
    for name, target in _MERGED.items():
        link = _place(tree, name)
        link.symlink_to(target)
    for folder in _MERGED_INTO:
        directory(tree, folder)
    await extraction.extract(
        debs,
        [f"--directory={tree}", *(f"--exclude={pattern}" for pattern in _LEFT_OUT)],
        Job(f"unpacking {len(debs)} packages", patience),
    )


def complete(tree: Path, layer: Layer) -> None:
    """Do what the packages' maintainer scripts would have done, as the definition says."""
    if layer.over:
        _separate(tree)
    if layer.accounts or layer.groups:
        _write_accounts(tree, layer)
    for wanted in layer.directories:
        path = directory(tree, wanted.path)
        path.chmod(wanted.mode)
        os.chown(path, wanted.owner, wanted.owner)
    for wanted in layer.files:
        text(tree, wanted.path, wanted.text, wanted.mode)
    for wanted in layer.links:
        _link(tree, wanted)
    if layer.certificates:
        _write_certificates(tree)


def _separate(tree: Path) -> None:
    """Remove what only helped to unpack, and which the base layer has."""
    for name in _MERGED:
        (tree / name).unlink(missing_ok=True)
    for folder in _MERGED_INTO:
        with contextlib.suppress(OSError):
            (tree / folder).rmdir()


def _link(tree: Path, wanted: Link) -> None:
    link = _place(tree, wanted.path)
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(wanted.target)


def directory(tree: Path, relative: str) -> Path:
    """Return this directory of a tree, made with its parents where it is missing."""
    path = tree
    for part in Path(relative.lstrip("/")).parts:
        path /= part
        if not path.is_dir():
            path.mkdir()
            path.chmod(0o755)
    return path


def text(tree: Path, relative: str, content: str, mode: int = 0o644) -> None:
    """Write a text file into a tree."""
    file(tree, relative, content.encode(), mode)


def file(tree: Path, relative: str, content: bytes, mode: int = 0o644) -> None:
    """Write a file into a tree."""
    path = _place(tree, relative)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def _place(tree: Path, relative: str) -> Path:
    path = Path(relative.lstrip("/"))
    return directory(tree, str(path.parent)) / path.name


def _write_accounts(tree: Path, layer: Layer) -> None:
    masters = tree / "usr/share/base-passwd"
    users = [
        f"{user.name}:*:{user.number}:{user.group or user.number}::{user.home}:/usr/sbin/nologin\n"
        for user in layer.accounts
    ]
    groups = [f"{user.name}:*:{user.number}:\n" for user in layer.accounts] + [
        f"{group.name}:*:{group.number}:{','.join(group.members)}\n" for group in layer.groups
    ]
    for name, lines in (("passwd", users), ("group", groups)):
        master = (masters / f"{name}.master").read_text("utf-8")
        kept = [
            line
            for line in master.splitlines(keepends=True)
            if line.split(":")[0] not in {added.split(":")[0] for added in lines}
        ]
        text(tree, f"/etc/{name}", "".join(kept + lines))


def _write_certificates(tree: Path) -> None:
    authorities = sorted((tree / "usr/share/ca-certificates").rglob("*.crt"))
    bundle = "".join(path.read_text("ascii") for path in authorities)
    text(tree, "/etc/ssl/certs/ca-certificates.crt", bundle)


async def library_cache(
    tree: Path, below: Iterable[Path], scratch: Path, patience: Patience
) -> None:
    """Write the dynamic linker's cache for a tree upon the trees below it, lowest first."""
    trees = [*below, tree]
    for source in trees:
        for folder in _LIBRARIES:
            for entry in sorted((source / folder).glob("*.so*")):
                _repeat(entry, directory(scratch, folder) / entry.name)
        for entry in sorted((source / "etc").glob("ld.so.conf*/*.conf")):
            _repeat(entry, directory(scratch, "etc/ld.so.conf.d") / entry.name)
    text(scratch, "etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
    (scratch / "lib").symlink_to("usr/lib")
    await processes.run(
        [trees[0] / "usr/sbin/ldconfig", "-X", "-r", scratch], Job("listing libraries", patience)
    )
    (scratch / "etc/ld.so.cache").replace(directory(tree, "etc") / "ld.so.cache")
    shutil.rmtree(scratch)


def _repeat(entry: Path, place: Path) -> None:
    place.unlink(missing_ok=True)
    if entry.is_symlink():
        place.symlink_to(entry.readlink())
    elif entry.is_file():
        os.link(entry, place)


def settle(tree: Path, *, files: bool) -> None:
    """Set the times that the making left, so that the same layer is made from the same packages.

    Args:
        tree: The layer's tree.
        files: Whether files get it too, where no package gives them times.
    """
    moment = (MOMENT, MOMENT)
    for folder, folders, names in os.walk(tree, topdown=False):
        for name in [*folders, *names]:
            path = os.path.join(folder, name)  # noqa: PTH118 - tens of thousands of them
            if files or name in folders or os.lstat(path).st_mtime > MOMENT:
                os.utime(path, moment, follow_symlinks=False)
    os.utime(tree, moment)
