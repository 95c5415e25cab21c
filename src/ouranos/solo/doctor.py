"""What would make `up` fail on this machine, said before anything is changed.

Each check is a function that looks at one thing and returns what is wrong, with a hint; none
changes anything. `up` runs them all and stops at any finding; `ouranos doctor` prints them.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ouranos.images import reach
from ouranos.look import state
from ouranos.solo import machine, paths

GIB = 1024**3
LEAST_MEMORY = 7 * GIB  # a machine sold as 8 GB shows a little less
LEAST_DISK_IMAGES = 4 * GIB  # 1 GB in the end, and as much again for what is on its way
LEAST_DISK_NEW = 8 * GIB  # databases, logs, guests and room for volumes
LEAST_DISK_RUNNING = 2 * GIB
HOST_TOOLS = {"runc": "runc", "conmon": "conmon", "dpkg-deb": "dpkg", "apt-get": "apt"}
NEEDED_FILE_SYSTEMS = ("overlay", "tmpfs", "proc", "sysfs", "mqueue")
# capabilities(7), by number: what the node's containers ask for
NEEDED_CAPABILITIES = {
    0: "CHOWN",
    1: "DAC_OVERRIDE",
    2: "DAC_READ_SEARCH",
    3: "FOWNER",
    4: "FSETID",
    5: "KILL",
    6: "SETGID",
    7: "SETUID",
    8: "SETPCAP",
    12: "NET_ADMIN",
    13: "NET_RAW",
    14: "IPC_LOCK",
    18: "SYS_CHROOT",
    19: "SYS_PTRACE",
    21: "SYS_ADMIN",
    23: "SYS_NICE",
    27: "MKNOD",
}
_NAMESPACES = ("net", "mnt", "uts", "ipc", "pid", "cgroup")
_UNSHARE = {"net": 0x40000000, "mnt": 0x00020000, "uts": 0x04000000, "ipc": 0x08000000}


Finding = state.Finding  # one thing that would make `up` fail
Check = Callable[[paths.Paths, machine.Machine], Iterable[Finding]]


def examine(cloud: paths.Paths, place: machine.Machine) -> list[Finding]:
    """Run all checks; an empty list means that `up` may go on.

    Who is not root is told that alone: what else is wrong, only root can see.
    """
    return list(root(cloud, place)) or [
        finding for check in CHECKS for finding in check(cloud, place)
    ]


def root(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Containers, links and mounts need root."""
    del cloud, place
    if os.geteuid() != 0:
        yield Finding("root", "Ouranos does not run as root", "run it with sudo or as root")


def capabilities(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Root in a container often lacks some."""
    del cloud, place
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    bounding = int(text.partition("CapBnd:")[2].split()[0], 16)
    missing = [name for number, name in NEEDED_CAPABILITIES.items() if not bounding >> number & 1]
    if missing:
        yield Finding(
            "capabilities",
            f"root lacks the capabilities {', '.join(missing)} on this machine",
            "in a container, start it with these capabilities added, or use a virtual machine",
        )


def memory(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """A cloud at rest takes 3 GB, and guests come on top."""
    del cloud, place
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total < LEAST_MEMORY:
        yield Finding(
            "memory",
            f"{total / GIB:.1f} GiB of memory, and a cloud needs {LEAST_MEMORY / GIB:.0f}",
            "use a machine with 8 GB or more",
        )


def disk(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Images are unpacked once; later runs need less. The two may be on disks of their own."""
    if not _nearest(cloud.folder).is_dir():
        return  # the check of the folder says so
    wanted = {cloud.folder: LEAST_DISK_RUNNING if cloud.database.exists() else LEAST_DISK_NEW}
    wanted[cloud.images] = LEAST_DISK_IMAGES if reach.missing(cloud.images, place.release) else 0
    needed: dict[int, int] = {}
    where: dict[int, Path] = {}
    for folder, size in wanted.items():
        nearest = _nearest(folder)
        device = nearest.stat().st_dev
        needed[device] = needed.get(device, 0) + size
        where.setdefault(device, nearest)
    for device, size in needed.items():
        free = shutil.disk_usage(where[device]).free
        if free < size:
            yield Finding(
                "disk",
                f"{where[device]} has {free / GIB:.1f} GiB free, and {size / GIB:.0f} GiB are "
                "needed",
                "free some room, or set OURANOS_ROOT to a folder on a larger disk",
            )


def _nearest(folder: Path) -> Path:
    """The folder itself, or the innermost one around it that exists already."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def tools(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """The programs that the host must have."""
    del cloud, place
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    missing = [
        package for tool, package in HOST_TOOLS.items() if shutil.which(tool, path=path) is None
    ]
    if missing:
        packages = " ".join(missing)
        yield Finding(
            "tools",
            f"not installed: {', '.join(missing)}",
            f"apt-get install --no-install-recommends {packages}",
        )


def kernel(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Namespaces, file systems and devices that containers and guests need."""
    del cloud, place
    for name in _NAMESPACES:
        if not Path(f"/proc/self/ns/{name}").exists():
            yield Finding(
                "kernel", f"the kernel has no {name} namespaces", "use Debian's own kernel"
            )
    known = Path("/proc/filesystems").read_text(encoding="utf-8").split()
    for name in NEEDED_FILE_SYSTEMS:
        if name not in known:
            yield Finding(
                "kernel", f"the kernel does not know the file system {name}", f"modprobe {name}"
            )
    if not Path("/dev/net/tun").exists():
        yield Finding(
            "kernel", "there is no /dev/net/tun, which guests' links need", "modprobe tun"
        )
    yield from _namespaces_allowed()


def _namespaces_allowed() -> Iterable[Finding]:
    """Try it in a child: some machines have namespaces and forbid them."""
    if os.geteuid() != 0:
        return
    child = os.fork()
    if child == 0:
        flags = 0
        for flag in _UNSHARE.values():
            flags |= flag
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(ctypes.get_errno() if libc.unshare(flags) else 0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != 0:
        yield Finding(
            "kernel",
            f"the kernel refuses new namespaces ({errno.errorcode.get(status, status)})",
            "in a container, allow SYS_ADMIN and unshare, or use a virtual machine",
        )


def cgroups(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Version 1 or 2, mounted and writable."""
    del cloud, place
    top = Path("/sys/fs/cgroup")
    unified = (top / "cgroup.controllers").exists()
    if not unified and not all(
        (top / name).is_dir() for name in ("memory", "cpu", "pids", "devices")
    ):
        yield Finding(
            "cgroups",
            "no control groups are mounted at /sys/fs/cgroup",
            "mount -t cgroup2 none /sys/fs/cgroup, or install the package cgroupfs-mount",
        )
    elif not os.access(top if unified else top / "memory", os.W_OK):
        yield Finding("cgroups", "/sys/fs/cgroup cannot be written", "remount it read-write")


def addresses(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """The cloud's two ranges must be free, but for what this cloud itself set up."""
    taken = list(_taken(besides=machine.bridge_name(cloud)))
    for label, text in (("management", place.management), ("public", place.public)):
        wanted = machine.Network(text)
        for network, link in taken:
            if network.overlaps(wanted):
                yield Finding(
                    "addresses",
                    f"spec.network.{label} {wanted} is in use: {network} is on the link {link}",
                    f"choose another range for spec.network.{label} in the cloud's file",
                )
                break


def _taken(*, besides: str) -> Iterator[tuple[machine.Network, str]]:
    """Each range that this machine uses and the link it is on; the default route left out."""
    from pyroute2 import IPRoute  # noqa: PLC0415 - heavy, and `status` of a cloud that is well asks not

    with IPRoute() as opened:
        route: Any = opened
        links: dict[int, str] = {
            link["index"]: link.get_attr("IFLA_IFNAME") for link in route.get_links()
        }
        for entry in route.get_addr(family=socket.AF_INET):
            address: str = entry.get_attr("IFA_ADDRESS")
            link = links.get(entry["index"], "?")
            if link != besides:
                yield machine.Network(f"{address}/{entry['prefixlen']}", strict=False), link
        for entry in route.get_routes(family=socket.AF_INET):
            target: str | None = entry.get_attr("RTA_DST")
            link = links.get(entry.get_attr("RTA_OIF"), "?")
            if target is not None and link != besides:
                yield machine.Network(f"{target}/{entry['dst_len']}", strict=False), link


def links(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Another cloud of this machine may have taken the ranges without being up."""
    for other in paths.clouds(cloud.root):
        theirs = machine.Machine.read(other)
        if other.cloud == cloud.cloud or theirs is None:
            continue
        for label in ("management", "public"):
            ours = machine.Network(getattr(place, label))
            for taken in (theirs.management, theirs.public):
                if ours.overlaps(machine.Network(taken)):
                    yield Finding(
                        "addresses",
                        f"spec.network.{label} {ours} overlaps {taken} of the cloud {other.cloud}",
                        f"choose another range for spec.network.{label} in the cloud's file",
                    )


def registries(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """Asked only while images are missing; a complete store needs no network."""
    if not _nearest(cloud.folder).is_dir():
        return  # the check of the folder says so
    for trouble in asyncio.run(reach.unreachable(cloud.images, place.release)):
        yield Finding(
            "registries",
            trouble,
            "check the network, the proxy settings and /etc/apt/sources.list",
        )


def folder(cloud: paths.Paths, place: machine.Machine) -> Iterable[Finding]:
    """The state folder must be a folder of root's."""
    del place
    nearest = _nearest(cloud.folder)
    if not nearest.is_dir():
        yield Finding("folder", f"{nearest} is not a folder", "move it away, or set OURANOS_ROOT")
        return
    for path in (cloud.root, cloud.folder):
        if path.exists() and path.stat().st_uid != os.geteuid():
            yield Finding(
                "folder", f"{path} belongs to another user", "set OURANOS_ROOT to a folder of yours"
            )


CHECKS: tuple[Check, ...] = (
    root, capabilities, memory, disk, tools, kernel, cgroups, folder, addresses, links, registries,
)  # fmt: skip
