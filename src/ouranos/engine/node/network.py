"""How does a node get its network? A bridge of the cloud on the host, and a cable into the node.

The host has an address on the bridge, the node another one; the host reaches public ranges
through the node. Every link carries our mark in its alias: a link without it is a stranger's and
is never touched.
"""

import contextlib
import errno
import hashlib
import os
import socket
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Final, TypeVar

import pyroute2
from pyroute2.netlink import exceptions as netlink

from ouranos.engine.node import config, firewall, identity, linux, rules
from ouranos.kit import conditions, errors

ROUTE_PROTOCOL: Final = 111
"""Marks our routes; unassigned in Linux's rtnetlink.h and iproute2's rt_protos."""

_ALIAS_LIMIT = 255
_NAME_LIMIT = 15
_CABLE: Final = rules.CABLE
_SETTINGS: Final = {"ip_forward": "1", "ip_unprivileged_port_start": "0"}
"""Of the node's network: it routes, and, as under containerd, low ports are for everybody."""

Result = TypeVar("Result")


class NetworkError(errors.Transient):
    """The kernel refused a change of the network."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """The network namespace of a process."""

    holder: identity.Identity

    @contextlib.contextmanager
    def entered(self) -> Generator[None]:
        """Put the calling thread into it, for the time of a `with` block.

        Raises:
            NetworkError: its holder has ended.
        """
        ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            theirs = self._open()
            try:
                linux.enter(theirs, linux.NEW_NETWORK)
            finally:
                os.close(theirs)
            try:
                yield
            finally:
                linux.enter(ours, linux.NEW_NETWORK)
        finally:
            os.close(ours)

    def _open(self) -> int:
        """Open it; never that of a process which got the same number later."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            if identity.is_alive(self.holder):
                return found
            os.close(found)
        raise NetworkError("the process that holds the node's network has ended")

    def socket(self) -> socket.socket:
        """Return a TCP socket that lives in the namespace, for a thread outside."""
        with self.entered():
            return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


@dataclass(frozen=True, slots=True)
class Marks:
    """The names and marks of what a node puts on the host."""

    bridge: str
    bridge_alias: str
    cable: str
    cable_alias: str

    def address(self, alias: str) -> str:
        """Return the hardware address that tells our new link from a stranger's.

        An alias can be given only to a link that exists; the address is there from its first
        moment, so a link whose maker was killed before he could mark it is still known.
        """
        tail = hashlib.sha256(alias.encode()).digest()[:5]
        return ":".join(f"{byte:02x}" for byte in (2, *tail))

    def own(self, link: Any) -> bool:
        """Whether the link is one that these marks name."""
        alias = {self.bridge: self.bridge_alias, self.cable: self.cable_alias}.get(
            link.get("ifname")
        )
        return alias is not None and (
            _alias(link) == alias
            or (not _alias(link) and link.get("address") == self.address(alias))
        )

    @classmethod
    def of(cls, told: config.NodeConfig) -> "Marks":
        """Derive them from where the node keeps its files, which no other node shares."""
        own = str(told.directory.absolute())
        shared = str(told.directory.absolute().parent)
        suffix = hashlib.sha256(own.encode()).hexdigest()[:4]
        return cls(
            told.bridge,
            f"ouranos:{shared}"[:_ALIAS_LIMIT],
            f"{told.bridge[: _NAME_LIMIT - 5]}-{suffix}",
            f"ouranos:{own}"[:_ALIAS_LIMIT],
        )


def connect(told: config.NodeConfig, node: identity.Identity) -> None:
    """Make everything that is missing between the host and the node.

    Raises:
        Terminal: a link or a range is in use by somebody else.
        NetworkError: the kernel refused.
    """
    marks = Marks.of(told)
    with _translated("Connecting the node"), _netlink() as host:
        check(told, host)
        bridge = _bridge(told, marks, host)
        firewall.keep(rules.host(told))
        with Namespace(node).entered(), _netlink() as inside:
            if _find(inside, _CABLE) is None:
                _cut(marks, host)
            _cable(told, marks, host, bridge, node)
            _inside(told, inside)
        _public(told, host, bridge)


def guard(
    told: config.NodeConfig, inside: Namespace, opened: frozenset[rules.Opening]
) -> list[str]:
    """Put the rules of the host and of the node right; return whose had to be written.

    Raises:
        NetworkError: the kernel refused, or the node's network is gone.
    """
    written: list[str] = []
    with _translated("Guarding the node (the kernel needs nf_tables and nft_ct)"):
        if firewall.keep(rules.host(told)):
            written.append("host")
        with inside.entered():
            if firewall.keep(rules.node(told, opened)):
                written.append("node")
    return written


def disconnect(told: config.NodeConfig) -> None:
    """Remove the node's cable, and the bridge when no other node is on it.

    Strangers' links stay.
    """
    marks = Marks.of(told)
    with _translated("Disconnecting the node"), _netlink() as host:
        _cut(marks, host)
        bridge = _find(host, marks.bridge)
        if bridge is None:
            firewall.remove(rules.table(told.bridge))
        elif marks.own(bridge):
            others = [link for link in host.get_links() if link.get("master") == bridge["index"]]
            if not others:
                with _unless(errno.ENODEV):
                    host.link("del", index=bridge["index"])
                firewall.remove(rules.table(told.bridge))


def is_anothers(told: config.NodeConfig) -> bool:
    """Whether the bridge's name is used by somebody else."""
    with _translated("Looking at the bridge"), _netlink() as host:
        bridge = _find(host, told.bridge)
        return bridge is not None and not Marks.of(told).own(bridge)


def check(told: config.NodeConfig, host: Any | None = None) -> None:
    """Refuse names and ranges that are not ours.

    Raises:
        Terminal: with what is in the way, and a hint.
    """
    if host is None:
        with _netlink() as opened:
            check(told, opened)
        return
    marks = Marks.of(told)
    ranges = list(_ranges(host))  # before the links: another node of ours may just make its bridge
    links = {link["index"]: link for link in host.get_links()}
    ours = {index for index, link in links.items() if marks.own(link)}
    for index, link in links.items():
        if link.get("ifname") in {marks.bridge, marks.cable} and index not in ours:
            raise _taken(
                f"the link {link.get('ifname')} exists and is not ours", "remove or rename it"
            )
    for index, found in ranges:
        if index in ours or index not in links:
            continue
        for wanted in (told.network, *told.public):
            if found.overlaps(wanted):
                name = links[index].get("ifname")
                raise _taken(
                    f"the range {wanted} overlaps {found}, which is in use on {name}",
                    "choose another range in spec.network",
                )


def _taken(what: str, hint: str) -> errors.Terminal:
    return errors.Terminal(conditions.Reason.INVALID_SPEC, f"{what} (hint: {hint})")


def _ranges(host: Any) -> Iterator[tuple[int, IPv4Network]]:
    for address in host.get_addr(family=socket.AF_INET):
        own = IPv4Interface(f"{address.get('address')}/{address['prefixlen']}")
        yield address["index"], own.network
    for route in host.get_routes(family=socket.AF_INET, table=254):
        if route["dst_len"] and route.get("dst"):
            network = IPv4Network(f"{route.get('dst')}/{route['dst_len']}", strict=False)
            yield route.get("oif") or 0, network


def _alias(link: Any) -> str:
    return link.get("ifalias") or ""


def _find(host: Any, name: str) -> Any | None:
    found = list(host.get_links(ifname=name))
    return found[0] if found else None


def _bridge(told: config.NodeConfig, marks: Marks, host: Any) -> int:
    link = _find(host, marks.bridge)
    if link is None:
        own = marks.address(marks.bridge_alias)
        with _unless(errno.EEXIST):  # another node of the cloud may be faster
            host.link("add", ifname=marks.bridge, kind="bridge", address=own)
        link = _find(host, marks.bridge)
        if link is None:
            raise NetworkError(f"the bridge {marks.bridge} vanished")
        host.link("set", index=link["index"], ifalias=marks.bridge_alias, mtu=told.mtu, state="up")
    index: int = link["index"]
    _address(host, index, told.host_address, told.network)
    host.link("set", index=index, state="up")
    return index


def _cut(marks: Marks, host: Any) -> None:
    """Remove the node's cable, which may still lead into an earlier world."""
    cable = _find(host, marks.cable)
    if cable and marks.own(cable):
        with _unless(errno.ENODEV):  # the kernel is removing it, with the network of its other end
            host.link("del", index=cable["index"])


def _cable(
    told: config.NodeConfig, marks: Marks, host: Any, bridge: int, node: identity.Identity
) -> None:
    if _find(host, marks.cable) is None:
        peer = {"ifname": _CABLE, "net_ns_pid": node.pid, "mtu": told.mtu}
        own = marks.address(marks.cable_alias)
        host.link("add", ifname=marks.cable, kind="veth", peer=peer, mtu=told.mtu, address=own)
    link = _find(host, marks.cable)
    if link is None:
        raise NetworkError(f"the cable {marks.cable} vanished")
    host.link("set", index=link["index"], ifalias=marks.cable_alias, master=bridge, state="up")


def _address(where: Any, index: int, address: IPv4Address, network: IPv4Network) -> None:
    with _unless(errno.EEXIST):
        where.addr("add", index=index, address=str(address), prefixlen=network.prefixlen)


def _inside(told: config.NodeConfig, inside: Any) -> None:
    loopback, cable = _find(inside, "lo"), _find(inside, _CABLE)
    if loopback is None or cable is None:
        raise NetworkError("the node's own end of the cable vanished")
    inside.link("set", index=loopback["index"], state="up")
    inside.link("set", index=cable["index"], state="up")
    _address(inside, cable["index"], told.address, told.network)
    with _unless(errno.EEXIST):
        inside.route("add", dst="default", gateway=str(told.host_address))
    for name, value in _SETTINGS.items():
        Path("/proc/sys/net/ipv4", name).write_text(value)


def _public(told: config.NodeConfig, host: Any, bridge: int) -> None:
    for network in told.public:
        with _unless(errno.EEXIST):
            host.route(
                "add",
                dst=str(network),
                gateway=str(told.address),
                oif=bridge,
                proto=ROUTE_PROTOCOL,
            )


@contextlib.contextmanager
def _netlink() -> Generator[Any]:
    """Open a socket to the kernel's network; the library behind it is untyped."""
    with pyroute2.IPRoute() as opened:
        yield opened


@contextlib.contextmanager
def _unless(code: int) -> Generator[None]:
    """Take one refusal of the kernel for what was wanted."""
    try:
        yield
    except netlink.NetlinkError as error:
        if error.code != code:
            raise


@contextlib.contextmanager
def _translated(what: str) -> Generator[None]:
    try:
        yield
    except netlink.NetlinkError as error:
        raise NetworkError(f"{what}: {error}") from error
