"""Where is a pod's volume on this node? Runs inside the mount namespace.

A `hostPath` is a path of the node, not of the machine: `/var/lib/x` is `<node
folder>/root/var/lib/x`. Only these mean the machine's own: character devices below `/dev`, `/dev`
itself, `/lib/modules` (read-only). `/sys` is a view of the node's network namespace,
`/sys/fs/cgroup` shows the node's own cgroups, writable.
"""

import errno
import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from ouranos.engine import quantities
from ouranos.engine.node import cgroups, config, linux, rootfs, spec
from ouranos.kit import errors, objects

GUESTS: Final = "guests"
"""The cgroup for processes that are to outlive the container that starts them."""

_CGROUPS: Final = "/sys/fs/cgroup"
_KNOWN_DEVICES: Final = {"/dev/net/tun": (10, 200), "/dev/fuse": (10, 229)}
"""Devices that the kernel loads a module for, where the machine has made no node for them."""
_PRIVILEGED: Final = ("net/tun", "fuse", "kvm", "vhost-net", "vhost-vsock", "loop-control")
_GROUP_WRITES: Final = 0o660


class VolumeError(errors.Transient):
    """A volume cannot be made as the pod wants it."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a volume is.

    Attributes:
        places: paths below the volume's mount path, and what is there; usually one, at "".
        device: the volume is this device.
        mount: the volume is a file system of the kernel's.
        read_only: nobody may write to it.
        creates: a `subPath` that does not exist is made.
    """

    places: tuple[tuple[str, rootfs.Binding], ...] = ()
    device: spec.Device | None = None
    mount: spec.Mount | None = None
    read_only: bool = False
    creates: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A pod's folder for volumes."""

    path: Path

    @classmethod
    def of(cls, layout: config.Layout, uid: str) -> "Folder":
        """Return the folder of one pod."""
        return cls(layout.pod(uid) / "volumes")

    def volume(self, name: str) -> Path:
        """Return the folder of one volume."""
        return self.path / name

    def remove(self) -> None:
        """Unmount and remove all volumes of the pod; whatever is mounted is not followed."""
        for entry in [*self.path.iterdir()] if self.path.exists() else ():
            rootfs.unmount_tree(entry)
            shutil.rmtree(entry)
        if self.path.exists():
            self.path.rmdir()


def memory(folder: Path, size: str | None, group: int | None, mode: int) -> None:
    """Mount a tmpfs on a folder, unless there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    if is_mounted(folder):
        return
    options = f"mode={mode:o}" + (f",size={quantities.whole(size)}" if size else "")
    linux.mount("tmpfs", folder, "tmpfs", linux.NOSUID | linux.NODEV, options)
    own(folder, group)


def is_mounted(folder: Path) -> bool:
    """Whether the folder is the root of a file system other than its parent's."""
    return folder.stat().st_dev != folder.parent.stat().st_dev


def empty(folder: Path, told: objects.Object, group: int | None) -> Source:
    """Make an `emptyDir`."""
    if told.get("medium") == "Memory":
        memory(folder, told.get("sizeLimit"), group, 0o1777 if group is None else 0o2777)
    elif not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        own(folder, group)
    return Source(places=(("", rootfs.Binding(folder)),), creates=True)


def own(folder: Path, group: int | None) -> None:
    """Give a volume to a group, once: everything in it, and what will be made in it."""
    found = folder.stat()
    if group is None or (found.st_gid == group and found.st_mode & stat.S_ISGID):
        return
    for current, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(current, name)  # noqa: PTH118 - a hot loop over a whole volume
            if not os.path.islink(path):  # noqa: PTH114
                os.chown(path, -1, group)
                mode = os.stat(path).st_mode  # noqa: PTH116
                extra = stat.S_ISGID | 0o770 if stat.S_ISDIR(mode) else _GROUP_WRITES
                os.chmod(path, stat.S_IMODE(mode) | extra)  # noqa: PTH101
    os.chown(folder, -1, group)
    folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_ISGID | 0o770)


def host_path(told: objects.Object, layout: config.Layout, groups: cgroups.Cgroups) -> Source:
    """Find or make a `hostPath`.

    Raises:
        VolumeError: it is not what the pod says it is.
    """
    path = str(PurePosixPath("/", told["path"]))
    sort: str = told.get("type") or ""
    if path == _CGROUPS:
        return _cgroups(groups)
    if path == "/sys":
        return Source(mount=spec.Mount("sysfs", "", "sysfs", ("nosuid", "noexec", "nodev")))
    if path == "/lib/modules":
        machine = Path(path)
        base = machine if machine.is_dir() else _made(layout.root, path)
        return Source(places=(("", rootfs.Binding(base)),), read_only=True)
    if path == "/dev":
        return Source(places=(("", rootfs.Binding(Path("/dev"))),))
    if sort == "CharDevice" or path.startswith("/dev/"):
        found = device(path)
        if found:
            return Source(device=found)
        if sort == "CharDevice":
            raise VolumeError(f"hostPath type check failed: {path} is not a character device")
    _check(layout.root, path, sort)
    return Source(places=(("", rootfs.Binding(layout.root, path)),), creates=True)


def of_privileged() -> tuple[spec.Device, ...]:
    """Return the devices that a privileged container finds in its /dev."""
    found = (device(f"/dev/{name}") for name in _PRIVILEGED)
    return tuple(one for one in found if one is not None)


def device(path: str) -> spec.Device | None:
    """Return the machine's character device of that path, if it has one."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        known = _KNOWN_DEVICES.get(path)
        return spec.Device(path, *known) if known else None
    if not stat.S_ISCHR(found.st_mode):
        return None
    return spec.Device(path, os.major(found.st_rdev), os.minor(found.st_rdev))


def _cgroups(groups: cgroups.Cgroups) -> Source:
    groups.make(GUESTS)
    if groups.is_unified:
        (folder,) = groups.folders("")
        return Source(places=(("", rootfs.Binding(folder)),))
    places = [(tree.path.name, tree.path / groups.parent) for tree in groups.trees]
    return Source(
        mount=spec.Mount(
            "tmpfs", "", "tmpfs", ("nosuid", "nodev", "noexec", "mode=755", "size=64k")
        ),
        places=tuple((name, rootfs.Binding(folder)) for name, folder in places),
    )


_TYPES: Final = {
    "Directory": ("a directory", stat.S_ISDIR),
    "DirectoryOrCreate": ("a directory", stat.S_ISDIR),
    "File": ("a file", stat.S_ISREG),
    "FileOrCreate": ("a file", stat.S_ISREG),
    "Socket": ("a socket", stat.S_ISSOCK),
    "CharDevice": ("a character device", stat.S_ISCHR),
    "BlockDevice": ("a block device", stat.S_ISBLK),
}


def _check(root: Path, path: str, sort: str) -> None:
    if sort in {"DirectoryOrCreate", ""}:
        # without a type a runtime makes a missing folder, as containers' engines always did
        if not _exists(root, path):
            make_folder(root, path)
    elif sort == "FileOrCreate" and not _exists(root, path):
        _make_file(root, path)
    if sort:
        name, fits = _TYPES[sort]
        try:
            descriptor = linux.open_in_root(root, path)
        except linux.KernelError as error:
            raise VolumeError(f"hostPath type check failed: {path} is not {name}") from error
        try:
            if not fits(os.fstat(descriptor).st_mode):
                raise VolumeError(f"hostPath type check failed: {path} is not {name}")
        finally:
            os.close(descriptor)


def _exists(root: Path, path: str) -> bool:
    try:
        os.close(linux.open_in_root(root, path))
    except linux.KernelError as error:
        if error.errno == errno.ENOENT:
            return False
        raise
    return True


def _made(root: Path, path: str) -> Path:
    make_folder(root, path)
    return root / path.lstrip("/")


def make_folder(root: Path, path: str) -> None:
    """Make a folder and its parents, as if `root` were `/`."""
    parts = PurePosixPath("/", path).parts[1:]
    for index, name in enumerate(parts):
        if not _exists(root, "/".join(parts[: index + 1])):
            parent = linux.open_in_root(root, "/".join(parts[:index]))
            try:
                os.mkdir(name, 0o755, dir_fd=parent)
            except FileExistsError:
                continue
            finally:
                os.close(parent)


def _make_file(root: Path, path: str) -> None:
    place = PurePosixPath("/", path)
    make_folder(root, str(place.parent))
    parent = linux.open_in_root(root, str(place.parent))
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(place.name, flags, 0o644, dir_fd=parent))
    finally:
        os.close(parent)


@dataclass(frozen=True, slots=True)
class Mounted:
    """What a container's volume mounts come to."""

    bindings: tuple[rootfs.Binding, ...]
    mounts: tuple[spec.Mount, ...]
    devices: tuple[spec.Device, ...]


_PROPAGATION: Final = {"HostToContainer": "rslave", "Bidirectional": "rshared"}


def mounted(
    bundle: Path,
    wanted: Sequence[objects.Object],
    sources: Mapping[str, Source],
    extra: Sequence[tuple[str, rootfs.Binding, bool]] = (),
) -> Mounted:
    """Say how a container sees its volumes.

    Args:
        bundle: the container's folder.
        wanted: its `volumeMounts`, with `subPathExpr` expanded into `subPath`.
        sources: where each of the pod's volumes is.
        extra: what it sees besides: path, where it is, whether it is read-only.
    """
    bindings: list[rootfs.Binding] = []
    mounts: list[spec.Mount] = []
    devices: list[spec.Device] = []

    def add(destination: str, binding: rootfs.Binding, *options: str) -> None:
        staged = rootfs.staged(bundle, len(bindings))
        bindings.append(binding)
        mounts.append(spec.Mount(str(staged), destination, "bind", ("rbind", *options)))

    for one in wanted:
        source = sources[one["name"]]
        path: str = one["mountPath"]
        if source.device:
            devices.append(spec.Device(path, source.device.major, source.device.minor))
        if source.mount:
            told = source.mount
            mounts.append(spec.Mount(told.source, path, told.kind, told.options))
        mode = "ro" if one.get("readOnly") or source.read_only else "rw"
        propagation = _PROPAGATION.get(one.get("mountPropagation") or "", "rprivate")
        for suffix, binding in source.places:
            inner = _within(binding, one.get("subPath") or "", creates=source.creates)
            add(f"{path.rstrip('/')}/{suffix}".rstrip("/"), inner, mode, propagation)
    for path, binding, read_only in extra:
        if path not in {mount.destination for mount in mounts}:
            add(path, binding, "ro" if read_only else "rw", "rprivate")
    return Mounted(tuple(bindings), tuple(mounts), tuple(devices))


def _within(binding: rootfs.Binding, path: str, *, creates: bool) -> rootfs.Binding:
    if not path:
        return binding
    whole = f"{binding.path}/{path}" if binding.path else path
    if creates and not _exists(binding.base, whole):
        make_folder(binding.base, whole)
    return rootfs.Binding(binding.base, whole)
