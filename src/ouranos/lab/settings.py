"""Where is a lab on this machine, and which addresses does it have? All of the room asks here."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

DEFAULT_ROOT: Final = Path("/var/lib/ouranos")
DEFAULT_PUBLIC: Final = IPv4Network("172.24.4.0/24")
PREFIX: Final = "ouranos-k8s"
"""With what all that labs have on a machine begins."""
_LABS: Final = 10
_FIRST_NODE: Final = 10
MOST_NODES: Final = 9
CARD: Final = "eth0"
TUNNEL_CARD: Final = "eth1"
"""What its two cards are called on a node."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a lab."""

    number: int
    name: str
    address: IPv4Address
    pods: IPv4Network
    link: str
    """The host's end of its cable."""
    tunnel: IPv4Address
    """Its address on the second cable, which is for guests' packets between nodes."""
    tunnel_link: str
    """The host's end of that one."""
    folder: Path
    """What is its disk."""

    @property
    def run(self) -> Path:
        """Its /run, as the host sees it; empty after each start."""
        return self.folder / "run"

    @property
    def socket(self) -> Path:
        """Its containerd, as the host sees it."""
        return self.run / "containerd" / "containerd.sock"


@dataclass(frozen=True, slots=True)
class Settings:
    """One lab; labs of different numbers stand side by side and never meet."""

    root: Path = DEFAULT_ROOT
    cache: Path = DEFAULT_ROOT / "cache"
    number: int = 0
    public: IPv4Network = DEFAULT_PUBLIC
    """Where a Cloud's floating addresses are; node 1 is the way to them."""
    run: Path = Path("/run")
    """What is of this boot only, and of all labs wherever their folders are."""

    def __post_init__(self) -> None:
        """Refuse a number without addresses.

        Raises:
            ValueError: the number is not 0 to 9.
        """
        if not 0 <= self.number < _LABS:
            raise ValueError(f"a lab's number is 0 to {_LABS - 1}, not {self.number}")

    @property
    def name(self) -> str:
        """What its bridge, its cgroups and its firewall table are called."""
        return f"{PREFIX}{self.number or ''}"

    @property
    def folder(self) -> Path:
        """Everything of this lab; mode 0700."""
        return self.root / f"kubernetes{f'-{self.number}' if self.number else ''}"

    @property
    def lock(self) -> Path:
        """Who changes this lab, and where its folder is; of the number, as addresses are."""
        return self.run / f"{self.name}.lock"

    @property
    def kept(self) -> Path:
        """Where the public network that somebody chose is written down."""
        return self.folder / "public"

    @property
    def nodes(self) -> IPv4Network:
        """The network of its nodes and of this machine."""
        return IPv4Network(f"172.30.{8 * self.number}.0/24")

    @property
    def balancers(self) -> IPv4Network:
        """The addresses of its Services of type LoadBalancer."""
        return IPv4Network(f"172.30.{8 * self.number + 1}.0/24")

    @property
    def tunnels(self) -> IPv4Network:
        """The network between its nodes for guests' packets; this machine has no part in it."""
        return IPv4Network(f"172.30.{8 * self.number + 2}.0/24")

    @property
    def tunnels_name(self) -> str:
        """What the bridge of that network is called."""
        return f"{self.name}t"

    @property
    def pods(self) -> IPv4Network:
        """The addresses of its pods; node N has the Nth /24 of them."""
        return IPv4Network(f"10.{244 - self.number}.0.0/16")

    @property
    def services(self) -> IPv4Network:
        """The addresses of its Services."""
        return IPv4Network(f"10.{96 + self.number}.0.0/16")

    @property
    def host(self) -> IPv4Address:
        """This machine's address in the lab: the API server's and the name server's."""
        return self.nodes[1]

    @property
    def local(self) -> IPv4Address:
        """The loopback address of what only this machine may reach: etcd, health, metrics."""
        return IPv4Address(int(self.host) % 2**24 + (127 << 24))

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.host}:6443"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.folder / "admin.kubeconfig"

    @property
    def authority(self) -> Path:
        """Keys and certificates."""
        return self.folder / "pki"

    @property
    def processes(self) -> Path:
        """Who was started: one record for each component."""
        return self.folder / "processes"

    @property
    def logs(self) -> Path:
        """What the components say."""
        return self.folder / "logs"

    @property
    def volumes(self) -> Path:
        """The folders of persistent volumes; every node sees them."""
        return self.folder / "volumes"

    @property
    def bin(self) -> Path:
        """A link to the compiled programs that this lab runs."""
        return self.folder / "bin"

    def node(self, number: int) -> Node:
        """Return the node of this number, from 1.

        Raises:
            ValueError: there can be no such node.
        """
        if not 1 <= number <= MOST_NODES:
            raise ValueError(f"a lab has 1 to {MOST_NODES} nodes, not {number}")
        name = f"node{number}"
        return Node(
            number,
            name,
            self.nodes[_FIRST_NODE + number],
            list(self.pods.subnets(new_prefix=24))[number],
            f"{self.name}-{number}",
            self.tunnels[_FIRST_NODE + number],
            f"{self.name}-{number}t",
            self.folder / "nodes" / name,
        )

    def present(self) -> list[Node]:
        """Return the nodes that have a folder."""
        found = (self.node(number) for number in range(1, MOST_NODES + 1))
        return [node for node in found if node.folder.is_dir()]


def of_environment(
    number: int | None = None,
    public: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings: `OURANOS_ROOT`, `OURANOS_CACHE`, `OURANOS_LAB`, else the defaults.

    A lab that is there keeps the public network that it has.
    """
    root = Path(environment.get("OURANOS_ROOT") or DEFAULT_ROOT).absolute()
    cache = Path(environment.get("OURANOS_CACHE") or root / "cache").absolute()
    chosen = int(environment.get("OURANOS_LAB") or 0) if number is None else number
    # Each lab its own network by default, else the second would be refused.
    default = IPv4Network(f"172.25.{chosen}.0/24") if chosen else DEFAULT_PUBLIC
    found = Settings(root, cache, chosen, default)
    if public is None:
        with contextlib.suppress(OSError):
            public = found.kept.read_text()
    return replace(found, public=IPv4Network(public)) if public else found
