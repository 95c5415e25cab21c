"""What on this machine stands in the way of a lab? Asked before anything is done."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

from ouranos.lab import errors, groups
from ouranos.lab.settings import Settings

PACKAGES: Final = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "iptables": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
}
"""Programs of the host, and Debian's package of each."""
_PLUGINS: Final = Path("/usr/lib/cni/bridge")
_LEAST_FREE: Final = 2 * 1024**3
_FREEBIND: Final = 15
"""IP_FREEBIND of ip(7), which Python does not name."""
_NAMES: Final = 53


def machine(user: int, path: str) -> None:
    """Look whether this machine can have a lab at all.

    Args:
        user: who we are.
        path: where programs are looked for.

    Raises:
        LabError: it cannot; the message says why.
    """
    if user != 0:
        raise errors.LabError("a lab needs root", "run it with sudo")
    missing = {pkg for name, pkg in PACKAGES.items() if shutil.which(name, path=path) is None}
    if not _PLUGINS.exists():
        missing.add("containernetworking-plugins")
    if missing:
        raise errors.LabError(
            f"missing on this machine: {', '.join(sorted(missing))}",
            f"apt-get install {' '.join(sorted(missing))}, or let `make kubernetes` do it",
        )
    if not groups.hierarchies():
        raise errors.LabError(
            "this machine's cgroups cannot be used",
            "in a container: start it with --privileged and --cgroupns=private",
        )


def addresses(settings: Settings) -> None:
    """Look whether the lab's addresses, ports and disk are free.

    Raises:
        LabError: they are not; the message says what is in the way.
    """
    free = shutil.disk_usage(settings.root).free
    if free < _LEAST_FREE:
        raise errors.LabError(
            f"{settings.root} has {free >> 20} MiB free, and a lab takes {_LEAST_FREE >> 20}",
            "make room, or set OURANOS_ROOT to a folder on a larger disk",
        )
    shown = subprocess.run(
        ["ip", "-json", "-4", "route", "show", "table", "all"],  # noqa: S607 - of the host
        check=True,
        capture_output=True,
    )
    found = in_use(settings, json.loads(shown.stdout))
    if found:
        raise errors.LabError(
            f"{found} is in use on this machine",
            "remove it (`ip route`), or choose another lab: OURANOS_LAB=1",
        )
    if not Path("/sys/class/net", settings.name).exists():
        _ports(settings)


def in_use(settings: Settings, routes: Iterable[dict[str, Any]]) -> str | None:
    """Return a route of somebody else's that covers addresses of the lab."""
    wanted = (
        *(settings.nodes, settings.balancers, settings.tunnels),
        *(settings.pods, settings.services, settings.public),
    )
    for route in routes:
        target = str(route.get("dst", ""))
        if target == "default" or route.get("dev") == settings.name:
            continue
        if route.get("type") in {"broadcast", "multicast"}:
            continue
        taken = IPv4Network(target, strict=False)
        # Half of the world is a default route too, of a VPN.
        if taken.prefixlen > 1 and any(map(taken.overlaps, wanted)):
            return f"{target} (by {route.get('dev', 'a route')})"
    return None


def _ports(settings: Settings) -> None:
    """Refuse ports of this machine that somebody else has.

    Raises:
        LabError: one of them is taken.
    """
    tcp, udp = socket.SOCK_STREAM, socket.SOCK_DGRAM
    wanted = (
        *((str(settings.local), port, tcp) for port in (2379, 2380, 8181, 10257, 10259)),
        *((str(settings.host), port, kind) for port, kind in ((6443, tcp), (53, tcp), (53, udp))),
    )
    for address, port, kind in wanted:
        if not _is_free(address, port, kind):
            raise errors.LabError(
                f"port {port} of {address} is taken",
                f"`ss -lnp sport = :{port}` names who has it",
            )


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    """Whether a component could listen there; the machine need not have the address yet."""
    with socket.socket(type=kind) as probe:
        probe.setsockopt(socket.IPPROTO_IP, _FREEBIND, 1)
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port == _NAMES:
            # As CoreDNS does: one address of a port that others have in general.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
