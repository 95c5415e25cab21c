"""What is a node told, and where does it keep what? Asked by every module of the node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Everything that a node is told; the rest it finds out by looking.

    Attributes:
        name: the Node object's name, and the node's host name.
        directory: the one folder that holds all the node's files.
        bridge: the host's link that joins the nodes of one cloud; at most 15 characters.
        network: the range of the bridge; `address` and `host_address` lie in it.
        public: ranges that the host reaches through the node.
        image: what the node's own container is made from; it has `catatonit`.
        longest_backoff: the most seconds that a crashing container waits for its next start.
        cgroup: parent of all cgroups of the node, relative to each hierarchy's root.
    """

    name: str
    directory: Path
    bridge: str
    network: IPv4Network
    address: IPv4Address
    host_address: IPv4Address
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    mtu: int = 1500
    public: tuple[IPv4Network, ...] = ()
    image: str = "ouranos.cloud/node:2026.2"
    cgroup: str = ""
    longest_backoff: float = 300.0

    @property
    def cgroup_parent(self) -> str:
        """The parent cgroup.

        A bridge's name is the cloud's own on this machine, so it names the cloud.
        """
        return self.cgroup or f"ouranos/{self.bridge}/{self.name}"

    @property
    def layout(self) -> "Layout":
        """Where the node keeps what."""
        return Layout(self.directory)


@dataclass(frozen=True, slots=True)
class Layout:
    """The node's folder."""

    directory: Path

    @property
    def root(self) -> Path:
        """What `hostPath` volumes see as the root of their host."""
        return self.directory / "root"

    @property
    def pods(self) -> Path:
        """One folder per pod, named by its UID: volumes, /etc/hosts, termination messages."""
        return self.directory / "pods"

    @property
    def containers(self) -> Path:
        """One folder per container: its record, its OCI bundle."""
        return self.directory / "containers"

    @property
    def logs(self) -> Path:
        """The containers' output, named as a kubelet names it."""
        return self.directory / "logs"

    @property
    def exits(self) -> Path:
        """Where conmon writes exit codes."""
        return self.directory / "exits"

    @property
    def sockets(self) -> Path:
        """Where conmon puts its attach sockets."""
        return self.directory / "sockets"

    @property
    def runtime(self) -> Path:
        """Where runc keeps its state."""
        return self.directory / "runc"

    @property
    def lost(self) -> Path:
        """Where deleted things wait until they are removed."""
        return self.directory / "removed"

    def container(self, identity: str) -> Path:
        """The folder of one container."""
        return self.containers / identity

    def pod(self, uid: str) -> Path:
        """The folder of one pod."""
        return self.pods / uid

    def log_folder(self, namespace: str, name: str, uid: str) -> Path:
        """The folder of one pod's logs."""
        return self.logs / "pods" / f"{namespace}_{name}_{uid}"

    def make(self) -> None:
        """Make the folders; only root sees into them."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (
            self.pods,
            self.containers,
            self.logs,
            self.exits,
            self.sockets,
            self.runtime,
        ):
            folder.mkdir(mode=0o700, exist_ok=True)
        self.root.mkdir(mode=0o755, exist_ok=True)
