"""What values an expression computes with, and how they compare; asked by operators and functions.

JSON values stand for themselves (int, float, str, bool, None, list, dict); the rest has a type
here.
"""

import datetime as dt
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from ouranos.engine.apiserver.schema.cel.syntax import Uint


class Fault(Exception):
    """An expression that cannot be evaluated: no such key, division by zero, no such overload."""


def no_overload() -> Fault:
    """Say that an operator or function does not take values of these types."""
    return Fault("no such overload")


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be absent."""

    present: bool
    value: Any = None

    def got(self) -> Any:
        """Return the value.

        Raises:
            Fault: there is none.
        """
        if not self.present:
            raise Fault("optional.none() dereference")
        return self.value


NONE = Optional(present=False)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type as a value, what `type(x)` returns."""

    name: str


@dataclass(frozen=True, slots=True)
class Network:
    """A CIDR as written: the address may have bits outside the prefix."""

    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    prefix: int

    @property
    def network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        """The network that the prefix covers."""
        return ipaddress.ip_network(f"{self.address}/{self.prefix}", strict=False)

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A resource quantity; equal when the amounts are."""

    amount: Decimal


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute URI or absolute path, taken apart."""

    text: str
    scheme: str
    host: str
    hostname: str
    port: str
    path: str
    query: dict[str, list[str]]

    def __hash__(self) -> int:
        return hash(self.text)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A semantic version; the order is the specification's."""

    rank: tuple[Any, ...]
    major: int
    minor: int
    patch: int


@dataclass(frozen=True, slots=True)
class Format:
    """A named format that texts can be validated against."""

    name: str
    check: Callable[[str], list[str]]


_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    dt.datetime: "google.protobuf.Timestamp",
    dt.timedelta: "google.protobuf.Duration",
    Optional: "optional_type",
    Kind: "type",
    ipaddress.IPv4Address: "net.IP",
    ipaddress.IPv6Address: "net.IP",
    Network: "net.CIDR",
    Quantity: "kubernetes.Quantity",
    Url: "kubernetes.URL",
    Version: "kubernetes.Semver",
    Format: "kubernetes.NamedFormat",
}
_NUMBERS = (int, float)


def type_name(value: Any) -> str:
    """Name the CEL type of a value."""
    return _NAMES[type(value)]


def is_number(value: Any) -> bool:
    """Whether a value is an int, uint or double; a bool is none of them."""
    return isinstance(value, _NUMBERS) and type(value) is not bool


def equal(left: Any, right: Any) -> bool:
    """Compare as CEL does: numbers across their types, everything else only with its own type."""
    kind: type = left.__class__
    other: type = right.__class__
    if kind is other:
        if kind is list:
            return _equal_lists(left, right)
        if kind is dict:
            return _equal_maps(left, right)
        if kind is Optional:
            return left.present == right.present and equal(left.value, right.value)
        return bool(left == right)
    if is_number(left) and is_number(right):
        return bool(left == right)
    return False


def _equal_lists(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(
        equal(one, other) for one, other in zip(left, right, strict=True)
    )


def _equal_maps(left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    if len(left) != len(right):
        return False
    return all(key in right and equal(value, right[key]) for key, value in left.items())


def contains(container: Any, item: Any) -> bool:
    """Evaluate `item in container`."""
    if type(container) is dict:
        return type(item) is not bool and item in cast("dict[Any, Any]", container)
    if type(container) is list:
        return any(equal(one, item) for one in cast("list[Any]", container))
    raise no_overload()


def compare(left: Any, right: Any) -> int:
    """Order two values: -1, 0 or 1.

    Raises:
        Fault: the values have no order.
    """
    kind: type = left.__class__
    comparable = kind is type(right) and kind in _ORDERED
    if not comparable and not (is_number(left) and is_number(right)):
        raise no_overload()
    return (left > right) - (left < right)


_ORDERED = frozenset({bool, int, Uint, float, str, bytes, dt.datetime, dt.timedelta, Version})
