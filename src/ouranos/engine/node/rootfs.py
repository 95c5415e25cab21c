"""What does a container find at `/`, and how do volumes get there? Nothing is decided here.

All functions here run inside the node's mount namespace (`mountspace`).

The root is an overlay: the image's layers below, and above them a layer of the container's own
that only ever holds mount points. That layer is a small tmpfs, so it costs no disk, needs no
sync, and lives exactly as long as somebody has the overlay mounted: a guest may outlive the
container whose root it runs from.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ouranos.engine.node import linux

_ROOT = "rootfs"
_SCRATCH = "scratch"
_WRITABLE = "writable"
_STAGED = "mounts"
_PAGE = 4096
"""mount(2) takes no more bytes of options."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Something of the node that a container is to see.

    `path` is resolved as if `base` were `/`: whoever writes below `base` cannot lead us out of it.
    """

    base: Path
    path: str = ""


def root(bundle: Path) -> Path:
    """Return where a container's root is mounted."""
    return bundle / _ROOT


def staged(bundle: Path, index: int) -> Path:
    """Return where a container's binding is made ready."""
    return bundle / _STAGED / str(index)


def prepare(
    bundle: Path, layers: Sequence[Path], bindings: Sequence[Binding], *, writable: bool
) -> None:
    """Mount a container's root and make its bindings ready."""
    _overlay(bundle, layers, writable=writable)
    for index, binding in enumerate(bindings):
        bind(binding, staged(bundle, index))


def _overlay(bundle: Path, layers: Sequence[Path], *, writable: bool) -> None:
    scratch = bundle / (_WRITABLE if writable else _SCRATCH)
    scratch.mkdir(exist_ok=True)
    if not writable:
        linux.mount("tmpfs", scratch, "tmpfs", linux.NOSUID | linux.NODEV, "size=4m,mode=755")
    upper, work = scratch / "upper", scratch / "work"
    upper.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    lower = ":".join(_escaped(layer) for layer in reversed(layers))
    options = f"lowerdir={lower},upperdir={_escaped(upper)},workdir={_escaped(work)}"
    target = root(bundle)
    target.mkdir(exist_ok=True)
    if len(options.encode()) >= _PAGE:
        raise linux.KernelError(f"Mounting {len(layers)} layers on {target}", 7)
    linux.mount("overlay", target, "overlay", data=options)


def _escaped(path: Path) -> str:
    text = str(path)
    for character in "\\:,":
        text = text.replace(character, f"\\{character}")
    return text


def bind(binding: Binding, target: Path) -> None:
    """Mount what the binding names on `target`, which is made to fit: a folder or a file."""
    descriptor = linux.open_in_root(binding.base, binding.path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            target.mkdir(exist_ok=True)
        else:
            target.touch()
        linux.mount(linux.named(descriptor), target, flags=linux.BIND | linux.RECURSIVE)
    finally:
        os.close(descriptor)


def release(bundle: Path) -> None:
    """Undo `prepare`; fine when nothing is mounted.

    Mount points are removed as what they are, empty: should anything still be mounted on one, the
    kernel refuses, and no volume's content is ever deleted by way of a mount point.
    """
    folder = bundle / _STAGED
    for entry in [*folder.iterdir()] if folder.exists() else ():
        unmount_tree(entry)
        _remove_point(entry)
    for point in (bundle / _ROOT, bundle / _SCRATCH, folder):
        unmount_tree(point)
        _remove_point(point)
    shutil.rmtree(bundle / _WRITABLE, ignore_errors=True)


def discard(bundle: Path) -> None:
    """Remove a container's folder; what is mounted in it is let go first, and never followed."""
    release(bundle)
    shutil.rmtree(bundle, ignore_errors=True)


def _remove_point(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def unmount_tree(path: Path) -> None:
    """Unmount a tree for us alone.

    A shared mount below it would else vanish from every container that sees it, too.
    """
    try:
        linux.mount("", path, flags=linux.PRIVATE | linux.RECURSIVE)
    except linux.KernelError:
        return  # nothing is mounted there
    linux.unmount(path)


def share(path: Path) -> None:
    """Make a folder a mount of its own whose mounts reach the containers that ask for them."""
    linux.mount(str(path), path, flags=linux.BIND | linux.RECURSIVE)
    linux.mount("", path, flags=linux.SHARED)


def share_root(path: Path) -> None:
    """Share the node's root; its /run is empty after each start of the node, as on any machine."""
    share(path)
    volatile = path / "run"
    volatile.mkdir(mode=0o755, exist_ok=True)
    linux.mount("tmpfs", volatile, "tmpfs", linux.NOSUID | linux.NODEV, "mode=755")
