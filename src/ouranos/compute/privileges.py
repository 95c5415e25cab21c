"""Which containers on a hypervisor need more than a plain process has, and why? All of them.

Everything runs on a read-only root, without new privileges.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Privilege:
    """What a container may do beyond a plain process, and why."""

    reason: str
    capabilities: tuple[str, ...] = ()
    mounts: bool = False
    """It mounts file systems for itself, which filters of runtimes forbid by default."""


NONE: Final = Privilege(
    "is root only to own and to reach the sockets of its machine's other agents"
)

PRIVILEGES: Final = {
    "ovsdb-server": NONE,
    "vswitchd": Privilege(
        "makes network devices, and reads and writes raw packets on them", ("NET_ADMIN", "NET_RAW")
    ),
    "look": NONE,
    "ovn-controller": NONE,
    "bridges": Privilege("gives the gateway's address to the public bridge", ("NET_ADMIN",)),
    "metadata-agent": Privilege(
        "makes a network namespace for each network and runs a proxy in it",
        ("DAC_OVERRIDE", "KILL", "NET_ADMIN", "NET_RAW", "SETGID", "SETUID", "SYS_ADMIN"),
        mounts=True,
    ),
    "prepare": Privilege("gives a folder to the user that guests run as", ("CHOWN",)),
    "libvirtd": Privilege(
        "starts guests as another user, hands them their disks and network devices, ends them",
        (
            *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_ADMIN"),
            *("SETGID", "SETPCAP", "SETUID", "SYS_NICE"),
        ),
    ),
    "virtualization": Privilege("opens the device of the processor's virtualization"),
    "nova-compute": Privilege(
        "reads and writes guests' disks, which another user owns, and sets up their devices",
        ("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "NET_ADMIN"),
    ),
}
"""By container."""
