"""What may a single value be? Asked by the models; each type carries its rules."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from ouranos.api import rules

CONTROL: Final = r"\x00-\x1f\x7f-\x9f" + "\u2028\u2029"
"""For a character class: what some program may take for the end of a line, or not show."""
BLANK: Final = r"\x20" + "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
"""For a character class: blanks, which readers of files strip from both ends of a value."""

LINE: Final = rf"[^{CONTROL}]*"
"""The pattern of a text that stays one line in whatever file it is written to."""

GENEVE_OVERHEAD: Final = 58
"""Bytes that Geneve over IPv4 takes of each packet.

IPv4 20, UDP 8, Geneve 8, OVN's option 8, the inner Ethernet 14. Neutron counts all but the IPv4
header as `[ml2_type_geneve] max_header_size`, 38 with OVN.
"""
MINIMUM_MTU: Final = 1280 + GENEVE_OVERHEAD
"""The least MTU of the underlay: IPv6 gives each link at least 1280 bytes (RFC 8200, section 5)."""

_IPV4_NETWORK = re.compile(r"(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}/(0|[1-9][0-9]?)")
_WIDEST, _NARROWEST = 8, 28
_RESERVED = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"


def network(value: Any) -> ipaddress.IPv4Network | None:
    """The IPv4 network that a text in CIDR notation means, whatever its host bits; else None."""
    if not isinstance(value, str) or not _IPV4_NETWORK.fullmatch(value):
        return None
    try:
        return ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        return None


def _is_base(value: Any) -> bool:
    net = network(value)
    return net is None or str(net) == value


def _has_sensible_size(value: Any) -> bool:
    net = network(value)
    return net is None or _WIDEST <= net.prefixlen <= _NARROWEST


def _is_not_reserved(value: Any) -> bool:
    net = network(value)
    return net is None or not any(net.overlaps(ipaddress.IPv4Network(r)) for r in _RESERVED)


IS_NETWORK = rules.Invariant(
    cel="isCIDR(self) && cidr(self).ip().family() == 4",
    check=lambda value: network(value) is not None,
    message="is not an IPv4 network",
    hint="write an address and a prefix length, such as 172.31.0.0/24",
)
IS_BASE = rules.Invariant(
    cel="!isCIDR(self) || cidr(self) == cidr(self).masked()",
    check=_is_base,
    message="has bits set behind its prefix",
    hint="write the first address of the network, such as 172.31.0.0/24",
)
HAS_SENSIBLE_SIZE = rules.Invariant(
    cel="!isCIDR(self) || cidr(self).ip().family() != 4 "
    f"|| (cidr(self).prefixLength() >= {_WIDEST} && cidr(self).prefixLength() <= {_NARROWEST})",
    check=_has_sensible_size,
    message=f"must have a prefix from /{_WIDEST} to /{_NARROWEST}, to hold 16 addresses or more",
    hint="use a /24, which has 256 addresses",
)
IS_NOT_RESERVED = rules.Invariant(
    cel="!isCIDR(self) || !["
    + ", ".join(rules.quoted(reserved) for reserved in _RESERVED)
    + "].exists(reserved, cidr(reserved).containsCIDR(self) || cidr(self).containsCIDR(reserved))",
    check=_is_not_reserved,
    message="overlaps addresses with a meaning of their own (this host, link-local, multicast)",
    hint="use a range for private networks, such as 172.31.0.0/24 or 10.20.0.0/16",
)

IS_RELEASE = rules.matches(
    r"20[0-9]{2}\.[12]",
    "is not an OpenStack release",
    'write year and number in quotes, such as "2026.2"',
)
IS_REGION = rules.matches(
    rf"[^{CONTROL}{BLANK}]([^{CONTROL}]*[^{CONTROL}{BLANK}])?",
    "must be one line of printable text with no blank at either end",
    "remove control characters, line breaks and outer blanks",
)
IS_LINE = rules.matches(
    LINE,
    "must be one line without control characters",
    "remove line breaks, tabs and other control characters",
)
IS_HOST = rules.matches(
    rf"{_LABEL}(\.{_LABEL})*",
    "is neither a host name nor an IPv4 address",
    "write a name in lower case, such as cloud.example.org, or an address, such as 192.0.2.10",
)
IS_NAME = rules.matches(
    rf"{_LABEL}(\.{_LABEL})*",
    "is not the name of an object",
    "use a-z, 0-9, '-' and '.', beginning and ending with a letter or a digit",
)
IS_INTERFACE = rules.matches(
    r"[A-Za-z0-9_][-A-Za-z0-9_.]{0,14}",
    "is not the name of a network interface",
    "write a name as `ip link` shows it, such as eth1, eno2 or bond0.100",
)
IS_SIZE = rules.matches(
    r"[1-9][0-9]{0,5}(Mi|Gi|Ti)",
    "is not a size",
    "write a whole number with Mi, Gi or Ti, such as 20Gi",
)
SIZE_STAYS = rules.immutable(
    "a volume keeps the size it was made with",
    "put back the old size; growing volumes is not there yet",
)
FITS_GENEVE = rules.Invariant(
    cel=f"self >= {MINIMUM_MTU}",
    check=lambda value: value >= MINIMUM_MTU,
    message=f"cannot fit Geneve: headers take {GENEVE_OVERHEAD} bytes, and IPv6 needs 1280",
    hint=f"use 1500, the MTU of Ethernet, or at least {MINIMUM_MTU}",
)

Release = Annotated[str, StringConstraints(max_length=16), IS_RELEASE]
Region = Annotated[str, StringConstraints(min_length=1, max_length=255), IS_REGION]
Line = Annotated[str, StringConstraints(max_length=2048), IS_LINE]
Network = Annotated[
    str,
    StringConstraints(max_length=43),
    IS_NETWORK,
    IS_BASE,
    HAS_SENSIBLE_SIZE,
    IS_NOT_RESERVED,
]
Mtu = Annotated[int, Field(le=65535), FITS_GENEVE]
Host = Annotated[str, StringConstraints(min_length=1, max_length=253), IS_HOST]
ObjectName = Annotated[str, StringConstraints(min_length=1, max_length=253), IS_NAME]
Interface = Annotated[str, StringConstraints(min_length=1, max_length=15), IS_INTERFACE]
Port = Annotated[int, Field(ge=1, le=65535)]
Size = Annotated[str, StringConstraints(max_length=8), IS_SIZE]
VolumeSize = Annotated[Size, SIZE_STAYS]
Replicas = Annotated[int, Field(ge=0, le=32)]

Management = Literal["Running", "Paused"]
Virtualization = Literal["auto", "kvm", "qemu"]
Datapath = Literal["auto", "system", "netdev"]
