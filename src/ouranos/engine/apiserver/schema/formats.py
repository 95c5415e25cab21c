"""Is a text of the format that a schema names? The formats that apiextensions knows and checks."""

import base64
import binascii
import datetime as dt
import ipaddress
import re
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from typing import Any

_DURATION = re.compile(r"[+-]?(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)\Z")
_DURATION_WORDS = re.compile(
    r"\s*\d+(\.\d+)?\s*(nanoseconds?|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?"
    r"|weeks?|ns|us|µs|ms|s|m|h|d|w)\s*\Z"
)
_DATE_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z",
)
_HOSTNAME = re.compile(
    r"(?=.{1,253}\Z)([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9])"
    r"(\.([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]{0,61}[A-Za-z0-9]))*\Z"
)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_MAC = re.compile(r"([0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\Z")
_DNS1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DNS1123_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-.a-z0-9]*[a-z0-9])?\Z")


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, binascii.Error):
            return False
        return True

    return check


def is_date_time(text: str) -> bool:
    """Whether a text is an RFC 3339 time."""
    found = _DATE_TIME.match(text)
    if found is None:
        return False
    try:
        dt.datetime.fromisoformat(f"{found[1]}T{found[2]}")
    except ValueError:
        return False
    return True


def _is_uri(text: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_uuid(text: str, version: int | None = None) -> bool:
    try:
        found = uuid.UUID(text)
    except ValueError:
        return False
    return version is None or found.version == version


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "date-time": is_date_time,
    "datetime": is_date_time,
    "date": _parses(lambda text: dt.datetime.strptime(text, "%Y-%m-%d")),  # noqa: DTZ007
    "duration": lambda text: bool(_DURATION.match(text) or _DURATION_WORDS.match(text)),
    "byte": _parses(lambda text: base64.b64decode(text, validate=True)),
    "ipv4": _parses(ipaddress.IPv4Address),
    "ipv6": _parses(ipaddress.IPv6Address),
    "cidr": _parses(lambda text: ipaddress.ip_network(text, strict=False)),
    "hostname": lambda text: _HOSTNAME.match(text) is not None,
    "email": lambda text: _EMAIL.match(text) is not None,
    "mac": lambda text: _MAC.match(text) is not None,
    "uri": _is_uri,
    "uuid": _is_uuid,
    "uuid3": lambda text: _is_uuid(text, 3),
    "uuid4": lambda text: _is_uuid(text, 4),
    "uuid5": lambda text: _is_uuid(text, 5),
    "k8s-short-name": lambda text: _DNS1123_LABEL.match(text) is not None,
    "k8s-long-name": lambda text: _DNS1123_SUBDOMAIN.match(text) is not None,
}
"""Formats that a CustomResourceDefinition may rely on; others are not checked."""


def is_base64(value: Any) -> bool:
    """Whether a value can be read as bytes; null is none."""
    return value is None or (isinstance(value, str) and CHECKS["byte"](value))
