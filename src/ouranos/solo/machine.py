"""A cloud's place on this machine: what the daemon must know before it can read the Cloud."""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import asdict, dataclass
from typing import Any

from ouranos.solo import paths

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address


@dataclass(frozen=True, slots=True)
class Machine:
    """The networks and the release that `up` took from the Cloud's file."""

    release: str
    management: str  # CIDR of the private bridge
    public: str  # CIDR of the floating addresses
    mtu: int  # bytes, of the bridge

    @classmethod
    def of_cloud(cls, cloud: dict[str, Any]) -> Machine:
        """Read a Cloud object as a person wrote it; what it does not say has its default."""
        from ouranos import services  # noqa: PLC0415 - heavy, and commands that only look need none

        spec = services.KNOWN.kinds["Cloud"].parse(cloud).as_object()["spec"]
        network = spec["network"]
        return cls(spec["release"], network["management"], network["public"], network["mtu"])

    @classmethod
    def read(cls, cloud: paths.Paths) -> Machine | None:
        """What `up` wrote, or None where it never got that far."""
        try:
            text = cloud.machine.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(**json.loads(text))

    def write(self, cloud: paths.Paths) -> None:
        """Keep it for the daemon; an unchanged file is left alone."""
        if Machine.read(cloud) != self:
            paths.write_private(cloud.machine, json.dumps(asdict(self), indent=1) + "\n")

    @property
    def network(self) -> Network:
        """The private bridge's network."""
        return ipaddress.IPv4Network(self.management)

    @property
    def host_address(self) -> Address:
        """The host's address on the bridge: the first of the network; kubectl connects to it."""
        return self.network[1]

    @property
    def node_address(self) -> Address:
        """The node's address: the second of the network; OpenStack's APIs answer there."""
        return self.network[2]


DEFAULT = Machine(
    "2026.2", "172.31.0.0/24", "172.24.4.0/24", 1500
)  # what a Cloud gets that says nothing


def bridge_name(cloud: paths.Paths) -> str:
    """A link name of at most 15 characters that two clouds never share."""
    digest = hashlib.sha256(f"{cloud.root}\n{cloud.cloud}".encode()).hexdigest()
    return f"ou{digest[:8]}"
