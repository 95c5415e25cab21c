"""The functions that Kubernetes adds to CEL: addresses, quantities, URLs, versions, formats."""

import ipaddress
import re
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from ouranos.engine import quantities
from ouranos.engine.apiserver.schema import formats, metadata
from ouranos.engine.apiserver.schema.cel.values import (
    NONE,
    Fault,
    Format,
    Network,
    Optional,
    Quantity,
    Url,
    Version,
    no_overload,
)

_ADDRESSES = (ipaddress.IPv4Address, ipaddress.IPv6Address)
_LINK_LOCAL_V4 = ipaddress.ip_network("224.0.0.0/24")
_LINK_LOCAL_V6 = ipaddress.ip_network("ff02::/16")
_PREFIX = re.compile(r"(0|[1-9]\d{0,2})\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _text(value: Any) -> str:
    if type(value) is not str:
        raise no_overload()
    return value


def _holds(parse: Callable[[Any], Any]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            parse(_text(value))
        except Fault as fault:
            if fault.args[0] == "no such overload":
                raise
            return False
        return True

    return check


def _parsed_address(text: str) -> Address:
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise Fault(
            f'IP Address "{text}" parse error during conversion from string: {error}'
        ) from None
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise Fault(f'IP address "{text}" with zone value is not allowed')
        if found.ipv4_mapped is not None:
            raise Fault(f'IPv4-mapped IPv6 address "{text}" is not allowed')
    return found


def _address(value: Any) -> Address:
    if isinstance(value, _ADDRESSES):
        return value
    if type(value) is Network:
        return value.address
    return _parsed_address(_text(value))


def _own_address(value: Any) -> Address:
    if not isinstance(value, _ADDRESSES):
        raise no_overload()
    return value


def _network(value: Any) -> Network:
    if type(value) is Network:
        return value
    text = _text(value)
    fault = "network address parse error during conversion from string"
    address, slash, prefix = text.partition("/")
    if not slash or not _PREFIX.match(prefix):
        raise Fault(f'{fault}: netip.ParsePrefix("{text}"): no valid prefix')
    try:
        found = _parsed_address(address)
    except Fault as error:
        raise Fault(f"{fault}: {error}") from None
    if int(prefix) > found.max_prefixlen:
        raise Fault(f'{fault}: netip.ParsePrefix("{text}"): prefix length out of range')
    return Network(found, int(prefix))


def _own_network(value: Any) -> Network:
    if type(value) is not Network:
        raise no_overload()
    return value


def _contains_ip(value: Any, other: Any) -> bool:
    network, address = _own_network(value).network, _address(other)
    return network.version == address.version and address in network


def _contains_cidr(value: Any, other: Any) -> bool:
    outer, inner = _own_network(value), _network(other)
    return outer.prefix <= inner.prefix and _contains_ip(outer, inner.address)


def _masked(value: Any) -> Network:
    network = _own_network(value)
    return Network(network.network.network_address, network.prefix)


def _link_local_multicast(value: Any) -> bool:
    address = _own_address(value)
    return address in (_LINK_LOCAL_V4 if address.version == 4 else _LINK_LOCAL_V6)  # noqa: PLR2004


def _global_unicast(value: Any) -> bool:
    address = _own_address(value)
    broadcast = str(address) == "255.255.255.255"
    special = address.is_unspecified or address.is_loopback or address.is_multicast
    return not (special or address.is_link_local or broadcast)


def _quantity(value: Any) -> Quantity:
    if type(value) is Quantity:
        return value
    amount = quantities.parse(_text(value))
    if amount is None:
        raise Fault(
            "quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        )
    return Quantity(amount)


def _amount(value: Any) -> Decimal:
    if type(value) is Quantity:
        return value.amount
    if type(value) is int:
        return Decimal(value)
    raise no_overload()


def _version(value: Any) -> Version:
    if type(value) is Version:
        return value
    text = _text(value)
    found = _SEMVER.match(text)
    if found is None:
        raise Fault("No Major.Minor.Patch elements found")
    numbers = (int(found[1]), int(found[2]), int(found[3]))
    pre = found[4]
    parts = (
        tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in pre.split("."))
        if pre
        else ()
    )
    return Version((*numbers, not pre, parts), *numbers)


_SEMVER = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(?:-((?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*))?"
    r"(?:\+[0-9A-Za-z.-]+)?\Z"
)


def _compared(left: Any, right: Any) -> int:
    if type(left) is Version:
        other = _version(right)
        return (left.rank > other.rank) - (left.rank < other.rank)
    one, two = _amount(left), _amount(right)
    return (one > two) - (one < two)


def _integral(value: Any) -> bool:
    amount = _amount(value)
    return amount == amount.to_integral_value() and abs(amount) < 2**63


def _as_integer(value: Any) -> int:
    if not _integral(value):
        raise Fault("cannot convert value to integer")
    return int(_amount(value))


def _url(value: Any) -> Url:
    text = _text(value)
    fault = (
        f'URL parse error during conversion from string: parse "{text}": invalid URI for request'
    )
    if not text or any(ord(one) < 0x20 or ord(one) == 0x7F for one in text):  # noqa: PLR2004
        raise Fault(fault)
    try:
        parts = urllib.parse.urlsplit(text)
        port = parts.port
    except ValueError:
        raise Fault(fault) from None
    if " " in parts.netloc or (not parts.scheme and not text.startswith("/")):
        raise Fault(fault)
    return Url(
        text,
        parts.scheme,
        parts.netloc.rpartition("@")[2],
        parts.hostname or "",
        "" if port is None else str(port),
        urllib.parse.quote(parts.path, safe="/%:@!$&'()*+,;=~-._"),
        urllib.parse.parse_qs(parts.query, keep_blank_values=True),
    )


def _part(name: str) -> Callable[[Any], Any]:
    def get(value: Any) -> Any:
        if type(value) is not Url:
            raise no_overload()
        return getattr(value, name)

    return get


def _prefixed(syntax: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    return lambda text: syntax(text[:-1] + "a" if text.endswith("-") else text)


def _checked(name: str, text: str) -> Callable[[str], list[str]]:
    check = formats.CHECKS[name]
    return lambda value: [] if check(value) else [text]


_FORMATS: Mapping[str, Format] = {
    "dns1123Label": Format("DNS1123Label", metadata.label),
    "dns1123Subdomain": Format("DNS1123Subdomain", metadata.subdomain),
    "dns1035Label": Format("DNS1035Label", metadata.label_1035),
    "qualifiedName": Format("QualifiedName", metadata.qualified),
    "dns1123LabelPrefix": Format("DNS1123LabelPrefix", _prefixed(metadata.label)),
    "dns1123SubdomainPrefix": Format("DNS1123SubdomainPrefix", _prefixed(metadata.subdomain)),
    "dns1035LabelPrefix": Format("DNS1035LabelPrefix", _prefixed(metadata.label_1035)),
    "labelValue": Format("LabelValue", metadata.label_value),
    "uri": Format("URI", _checked("uri", "invalid URI for request")),
    "uuid": Format("uuid", _checked("uuid", "does not match the UUID format")),
    "byte": Format("byte", _checked("byte", "invalid base64")),
    "date": Format("date", _checked("date", "invalid date")),
    "datetime": Format("datetime", _checked("datetime", "invalid datetime")),
}


def _named(name: Any) -> Optional:
    found = _FORMATS.get(_text(name))
    return NONE if found is None else Optional(present=True, value=found)


def _validated(value: Any, text: Any) -> Optional:
    if type(value) is not Format:
        raise no_overload()
    found = value.check(_text(text))
    return Optional(present=True, value=found) if found else NONE


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _sign(value: Any) -> int:
    return (_amount(value) > 0) - (_amount(value) < 0)


def _number_of(name: str) -> Callable[[Any], int]:
    def get(value: Any) -> int:
        if type(value) is not Version:
            raise no_overload()
        return cast("int", getattr(value, name))

    return get


Function = Callable[..., Any]


def _one(function: Callable[[Any], Any]) -> Function:
    return function


def _two(function: Callable[[Any, Any], Any]) -> Function:
    return function


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "ip": _address,
    "isIP": _holds(_parsed_address),
    "ip.isCanonical": _one(lambda value: str(_parsed_address(_text(value))) == value),
    "family": _one(lambda value: _own_address(value).version),
    "isUnspecified": _one(lambda value: _own_address(value).is_unspecified),
    "isLoopback": _one(lambda value: _own_address(value).is_loopback),
    "isLinkLocalMulticast": _link_local_multicast,
    "isLinkLocalUnicast": _one(lambda value: _own_address(value).is_link_local),
    "isGlobalUnicast": _global_unicast,
    "cidr": _network,
    "isCIDR": _holds(_network),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "prefixLength": _one(lambda value: _own_network(value).prefix),
    "masked": _masked,
    "quantity": _quantity,
    "isQuantity": _holds(_quantity),
    "sign": _sign,
    "isInteger": _integral,
    "asInteger": _as_integer,
    "asApproximateFloat": _one(lambda value: float(_amount(value))),
    "add": _two(lambda one, two: Quantity(_amount(one) + _amount(two))),
    "sub": _two(lambda one, two: Quantity(_amount(one) - _amount(two))),
    "compareTo": _compared,
    "isLessThan": _two(lambda one, two: _compared(one, two) < 0),
    "isGreaterThan": _two(lambda one, two: _compared(one, two) > 0),
    "semver": _version,
    "isSemver": _holds(_version),
    "major": _number_of("major"),
    "minor": _number_of("minor"),
    "patch": _number_of("patch"),
    "url": _url,
    "isURL": _holds(_url),
    "getScheme": _part("scheme"),
    "getHost": _part("host"),
    "getHostname": _part("hostname"),
    "getPort": _part("port"),
    "getEscapedPath": _part("path"),
    "getQuery": _part("query"),
    "format.named": _named,
    "validate": _validated,
    **{f"format.{name}": _constant(value) for name, value in _FORMATS.items()},
}
"""Functions by name; a method's target is its first argument."""
