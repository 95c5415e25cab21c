"""Who may reach what of a cloud? Pure: the rules of the host's table and of a node's, as data.

Two borders. The host's: other machines reach nothing on the bridge, and from the bridge nobody
opens a connection to the host or goes elsewhere through it. The node's: its network holds
databases that ask for no password, and tenants' guests are behind its links; from there only
what is meant for tenants is reached (ADR 0015).
"""

import contextlib
import enum
import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Final

from ouranos.engine.node import config
from ouranos.kit import objects

CABLE: Final = "eth0"
"""The node's end of its cable to the host's bridge."""

_LOOPBACK: Final = "lo"
_NAME_SIZE: Final = 16
_VERSION_4: Final = b"\x02"
_ICMP: Final = 1
_TCP: Final = 6
_UDP: Final = 17
_PROTOCOLS: Final = {"TCP": _TCP, "UDP": _UDP, "SCTP": 132}
_ECHO: Final = b"\x08"
_SYN: Final = b"\x02"
_SYN_ACK: Final = b"\x12"
_ESTABLISHED_OR_RELATED: Final = struct.pack("=I", 2 | 4)


class Field(enum.Enum):
    """What of a packet a match looks at."""

    LINK_IN = enum.auto()
    LINK_OUT = enum.auto()
    FAMILY = enum.auto()
    PROTOCOL = enum.auto()
    SOURCE = enum.auto()
    DESTINATION = enum.auto()
    PORT = enum.auto()
    FLAGS = enum.auto()
    MESSAGE = enum.auto()
    STATE = enum.auto()


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a field, masked, is a value, or is not."""

    field: Field
    value: bytes
    equal: bool = True
    mask: bytes = b""


@dataclass(frozen=True, slots=True)
class Rule:
    """A packet that fits all matches is accepted or dropped, and no later rule is asked."""

    chain: str
    accept: bool
    why: str
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Rules for the hooks `input` and `forward`; what fits none is accepted."""

    name: str
    rules: tuple[Rule, ...]

    def comments(self) -> list[str]:
        """Return what each rule says of itself in the kernel.

        It names all the rules beside it, so that a table tells whether it is this one, whole.
        """
        digest = hashlib.sha256(repr(self.rules).encode()).hexdigest()[:12]
        return [f"{rule.why} ({digest}/{number})" for number, rule in enumerate(self.rules)]


@dataclass(frozen=True, slots=True, order=True)
class Opening:
    """A port that tenants may use."""

    address: IPv4Address
    protocol: int
    port: int


def table(bridge: str) -> str:
    """Return the name of our table, on the host and in its nodes."""
    return f"ouranos-{bridge}"


def openings(services: Iterable[objects.Object]) -> frozenset[Opening]:
    """Return the ports of Services of type LoadBalancer, at the addresses that they have."""
    return frozenset(_openings(services))


def _openings(services: Iterable[objects.Object]) -> Iterator[Opening]:
    for service in services:
        if objects.mapping(service, "spec").get("type") != "LoadBalancer":
            continue
        for ingress in objects.entries(service, "status", "loadBalancer", "ingress"):
            with contextlib.suppress(AddressValueError):  # a name, or an address of version 6
                address = IPv4Address(ingress.get("ip") or "")
                for port in objects.entries(service, "spec", "ports"):
                    number = _PROTOCOLS.get(port.get("protocol") or "TCP")
                    if number is not None:
                        yield Opening(address, number, port["port"])


def host(told: config.NodeConfig) -> Table:
    """Return the host's table.

    It keeps no state: with that, the kernel would track every connection of the host. So answers
    are known by their flags, and those without any by what the node's table lets through.
    """
    bridge = told.bridge
    inward, outward = _link(Field.LINK_IN, bridge), _link(Field.LINK_OUT, bridge)
    elsewhere = _link(Field.LINK_IN, bridge, equal=False)
    own = _address(Field.DESTINATION, told.host_address)
    remote = (elsewhere, _link(Field.LINK_IN, _LOOPBACK, equal=False), _four(), own)
    opening = Match(Field.FLAGS, _SYN, equal=False, mask=_SYN_ACK)
    datagrams = (_within(Field.SOURCE, told.network, equal=False), own)
    return Table(
        table(bridge),
        (
            _drop("forward", "nobody else's way in", outward, elsewhere),
            _drop("forward", "no way out", inward, _link(Field.LINK_OUT, bridge, equal=False)),
            _drop("input", "the host's address here is for the host", *remote),
            _accept("input", "answers", inward, *_of(_TCP), opening),
            _accept("input", "pings and errors", inward, *_of(_ICMP)),
            _accept("input", "answers of guests", inward, *_of(_UDP), *datagrams),
            _drop("input", "the host's own ports", inward),
        ),
    )


def node(told: config.NodeConfig, opened: frozenset[Opening]) -> Table:
    """Return the table in the node's network.

    Whatever is not the cable or the loopback leads to guests.
    """
    here = sorted(one for one in opened if one.address == told.address)
    away = sorted(one for one in opened if one.address != told.address)
    cable = _link(Field.LINK_IN, CABLE)
    forged = (_four(), _within(Field.SOURCE, told.network))
    closed = (told.network, *told.public)
    return Table(
        table(told.bridge),
        (
            _accept("input", "the node itself", _link(Field.LINK_IN, _LOOPBACK)),
            _accept("input", "the host and the other nodes", cable),
            _drop("input", "no guest has such an address", *forged),
            _accept("input", "answers", _known()),
            _accept("input", "pings", *_of(_ICMP), Match(Field.MESSAGE, _ECHO)),
            *(_accept("input", "for tenants", *_of(one.protocol), _port(one)) for one in here),
            _drop("input", "not for tenants"),
            _accept("forward", "the host and the other nodes", cable),
            _drop("forward", "no guest has such an address", *forged),
            _accept("forward", "answers", _known()),
            *(
                _accept(
                    "forward",
                    "for tenants",
                    *_of(one.protocol),
                    _address(Field.DESTINATION, one.address),
                    _port(one),
                )
                for one in away
            ),
            *(
                _drop(
                    "forward",
                    "not for tenants",
                    _link(Field.LINK_OUT, CABLE),
                    _four(),
                    _within(Field.DESTINATION, network),
                )
                for network in closed
            ),
        ),
    )


def _accept(chain: str, why: str, *matches: Match) -> Rule:
    return Rule(chain, accept=True, why=why, matches=matches)


def _drop(chain: str, why: str, *matches: Match) -> Rule:
    return Rule(chain, accept=False, why=why, matches=matches)


def _link(field: Field, name: str, *, equal: bool = True) -> Match:
    return Match(field, name.encode().ljust(_NAME_SIZE, b"\0"), equal)


def _four() -> Match:
    return Match(Field.FAMILY, _VERSION_4)


def _of(protocol: int) -> tuple[Match, Match]:
    return _four(), Match(Field.PROTOCOL, bytes([protocol]))


def _address(field: Field, address: IPv4Address) -> Match:
    return Match(field, address.packed)


def _within(field: Field, network: IPv4Network, *, equal: bool = True) -> Match:
    return Match(field, network.network_address.packed, equal, network.netmask.packed)


def _port(opening: Opening) -> Match:
    return Match(Field.PORT, struct.pack("!H", opening.port))


def _known() -> Match:
    return Match(Field.STATE, bytes(4), equal=False, mask=_ESTABLISHED_OR_RELATED)
