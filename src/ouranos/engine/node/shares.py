"""How does an NFS share become a pod's volume? Runs inside the mount namespace.

It is mounted from the host's network, as a kubelet does it, and by the kernel's own client without
a program of the host: version 4.2 of the protocol needs nothing beside the mount call itself. A
server that is silent must not hold up the node, so it is called before the kernel is asked to.
"""

import errno
import socket
from pathlib import Path
from typing import Final

from ouranos.engine.node import linux, rootfs, volumes
from ouranos.kit import objects

PORT: Final = 2049
"""Of NFS, registered by IANA; version 4 needs no other."""
_PATIENCE: Final = 5.0
"""Seconds for the server to take the call."""


def mount(folder: Path, told: objects.Object) -> volumes.Source:
    """Mount the share that an `nfs` volume names, unless it is there.

    Raises:
        VolumeError: the server does not answer or refuses, or the kernel has no NFS client.
    """
    server, path = told["server"], told["path"]
    read_only = bool(told.get("readOnly"))
    folder.mkdir(parents=True, exist_ok=True)
    if not volumes.is_mounted(folder):
        options = f"vers=4.2,addr={_address(server)},hard"
        flags = linux.NOSUID | linux.NODEV
        try:
            linux.mount(f"{server}:{path}", folder, "nfs", flags, options)
        except linux.KernelError as error:
            raise volumes.VolumeError(f"the NFS share {server}:{path}: {_told(error)}") from error
    return volumes.Source(places=(("", rootfs.Binding(folder)),), read_only=read_only, creates=True)


def _address(server: str) -> str:
    """Return the address where the server takes calls."""
    try:
        with socket.create_connection((server, PORT), timeout=_PATIENCE) as called:
            address: str = called.getpeername()[0]
    except OSError as error:
        raise volumes.VolumeError(
            f"the NFS server {server} does not answer on port {PORT}: {error}"
        ) from error
    return address


def _told(error: linux.KernelError) -> str:
    if error.errno == errno.ENODEV:
        return "this machine's kernel has no NFS client (hint: modprobe nfs)"
    return str(error)
