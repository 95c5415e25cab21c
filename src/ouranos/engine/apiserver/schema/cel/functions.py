"""The functions of CEL itself and of its extensions for strings, lists, sets and optionals."""

import datetime as dt
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from ouranos.engine.apiserver.schema import expressions
from ouranos.engine.apiserver.schema.cel import operators, strings, values
from ouranos.engine.apiserver.schema.cel.syntax import Uint
from ouranos.engine.apiserver.schema.cel.values import (
    NONE,
    Fault,
    Kind,
    Optional,
    no_overload,
)

_LOWEST = -(2**63)
_HIGHEST = 2**63
_DURATION_UNITS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0,
}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z")


def _unconvertible(kind: str) -> Fault:
    return Fault(f"type conversion error from 'string' to '{kind}'")


def size(value: Any) -> int:
    """Count characters, bytes, items or entries."""
    if type(value) in {str, bytes, list, dict}:
        return len(value)
    raise no_overload()


def to_int(value: Any) -> int:
    """Convert to a signed integer."""
    if type(value) is str:
        if not re.match(r"[+-]?\d+\Z", value):
            raise _unconvertible("int")
        return operators.fitted(int(value))
    if type(value) is float:
        if not _LOWEST < value < _HIGHEST:
            raise Fault("integer overflow")
        return int(value)
    if isinstance(value, dt.datetime):
        return int(value.timestamp())
    if isinstance(value, dt.timedelta):
        return int(value / dt.timedelta(microseconds=1)) * 1000
    if isinstance(value, int) and type(value) is not bool:
        return operators.fitted(int(value))
    raise no_overload()


def to_uint(value: Any) -> Uint:
    """Convert to an unsigned integer."""
    if type(value) in {dt.datetime, dt.timedelta}:
        raise no_overload()
    return operators.fitted_unsigned(int(value) if isinstance(value, Uint) else to_int(value))


def to_double(value: Any) -> float:
    """Convert to a floating point number."""
    if type(value) is str or values.is_number(value):
        try:
            return float(value)
        except ValueError:
            raise _unconvertible("double") from None
    raise no_overload()


_TRUTHS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


def to_bool(value: Any) -> bool:
    """Convert to a boolean."""
    if type(value) is bool:
        return value
    if type(value) is not str:
        raise no_overload()
    if value not in _TRUTHS:
        raise _unconvertible("bool")
    return _TRUTHS[value]


def to_string(value: Any) -> str:
    """Convert to a text."""
    write = _WRITERS.get(values.type_name(value))
    if write is None:
        raise no_overload()
    return write(value)


def _written_time(value: dt.datetime) -> str:
    whole, fraction = value.replace(microsecond=0), value.microsecond
    point = f".{fraction:06d}".rstrip("0") if fraction else ""
    time, zone = whole.isoformat()[:19], whole.isoformat()[19:]
    return f"{time}{point}{'Z' if zone == '+00:00' else zone}"


_WRITERS: Mapping[str, Callable[[Any], str]] = {
    "string": str,
    "bool": lambda value: "true" if value else "false",
    "int": str,
    "uint": str,
    "double": strings.number,
    "bytes": bytes.decode,
    "google.protobuf.Timestamp": _written_time,
    "google.protobuf.Duration": lambda value: f"{strings.number(value.total_seconds())}s",
    "net.IP": str,
    "net.CIDR": str,
}


strings.WRITERS.update(_WRITERS)
strings.WRITERS["type"] = lambda value: value.name


def to_bytes(value: Any) -> bytes:
    """Convert to bytes."""
    if type(value) is bytes:
        return value
    if type(value) is str:
        return value.encode()
    raise no_overload()


def duration(value: Any) -> dt.timedelta:
    """Read a duration such as `1h30m`."""
    if isinstance(value, dt.timedelta):
        return value
    if type(value) is not str:
        raise no_overload()
    body = value.lstrip("+-")
    pieces = _DURATION.findall(body)
    if body != "0" and (not pieces or "".join(map("".join, pieces)) != body):
        raise _unconvertible("google.protobuf.Duration")
    seconds = sum(float(amount) * _DURATION_UNITS[unit] for amount, unit in pieces)
    return dt.timedelta(seconds=-seconds if value.startswith("-") else seconds)


def timestamp(value: Any) -> dt.datetime:
    """Read an RFC 3339 time."""
    if isinstance(value, dt.datetime):
        return value
    if type(value) is int:
        return dt.datetime.fromtimestamp(value, dt.UTC)
    if type(value) is not str:
        raise no_overload()
    found = _DATE_TIME.match(value)
    if found is None:
        raise _unconvertible("google.protobuf.Timestamp")
    fraction = (found[3] or "")[:7]
    zone = "+00:00" if found[4] in "Zz" else found[4]
    try:
        return dt.datetime.fromisoformat(f"{found[1]}T{found[2]}{fraction}{zone}")
    except ValueError:
        raise _unconvertible("google.protobuf.Timestamp") from None


def expression(text: str) -> re.Pattern[str]:
    """Compile a regular expression of RE2."""
    try:
        return expressions.compiled(text)
    except re.error as error:
        raise Fault(f"error parsing regexp: {error}") from None


def matches(text: Any, pattern: Any) -> bool:
    """Whether a regular expression is found anywhere in a text."""
    if type(text) is not str or type(pattern) is not str:
        raise no_overload()
    return expression(pattern).search(text) is not None


def _zoned(value: Any, zone: Any = "UTC") -> dt.datetime:
    if not isinstance(value, dt.datetime):
        raise no_overload()
    offset = re.match(r"([+-]?)(\d\d):(\d\d)\Z", zone)
    if offset:
        delta = dt.timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return value.astimezone(dt.timezone(-delta if offset[1] == "-" else delta))
    if zone == "UTC":
        return value.astimezone(dt.UTC)
    import zoneinfo  # noqa: PLC0415 - rare, and costs a search of the file system

    try:
        return value.astimezone(zoneinfo.ZoneInfo(zone))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise Fault(f"unknown time zone {zone}") from None


def _clock(
    of_time: Callable[[dt.datetime], int], of_duration: Callable[[float], float] | None = None
) -> Callable[..., int]:
    def get(value: Any, *zone: Any) -> int:
        if isinstance(value, dt.timedelta) and of_duration is not None and not zone:
            return int(of_duration(value.total_seconds()))
        return of_time(_zoned(value, *zone))

    return get


def _of_list(items: Any) -> list[Any]:
    if type(items) is not list:
        raise no_overload()
    return cast("list[Any]", items)


def _sum(items: Any) -> Any:
    found = _of_list(items)
    total: Any = found[0] if found else 0
    for item in found[1:]:
        total = operators.add(total, item)
    return total


def _extreme(sign: int, name: str) -> Callable[[Any], Any]:
    def find(items: Any) -> Any:
        found = _of_list(items)
        if not found:
            raise Fault(f"{name} called on empty list")
        best = found[0]
        for item in found[1:]:
            if values.compare(item, best) * sign > 0:
                best = item
        return best

    return find


def _is_sorted(items: Any) -> bool:
    found = _of_list(items)
    return all(values.compare(one, two) <= 0 for one, two in itertools.pairwise(found))


def _distinct(items: Any) -> list[Any]:
    found: list[Any] = []
    for item in _of_list(items):
        if not values.contains(found, item):
            found.append(item)
    return found


def _flatten(items: Any, depth: int = 1) -> list[Any]:
    flat: list[Any] = []
    for item in _of_list(items):
        if type(item) is list and depth > 0:
            flat += _flatten(cast("list[Any]", item), depth - 1)
        else:
            flat.append(item)
    return flat


def _slice(items: Any, start: int, end: int) -> list[Any]:
    found = _of_list(items)
    if not 0 <= start <= end <= len(found):
        raise Fault(f"cannot slice({start}, {end}), list is length {len(found)}")
    return found[start:end]


def sort(items: Any) -> list[Any]:
    """Sort a list of comparable values."""
    import functools  # noqa: PLC0415 - rare

    return sorted(_of_list(items), key=functools.cmp_to_key(values.compare))


def _list_index(items: Any, item: Any) -> int:
    return next((at for at, one in enumerate(_of_list(items)) if values.equal(one, item)), -1)


def _last_list_index(items: Any, item: Any) -> int:
    found = _of_list(items)
    places = [at for at, one in enumerate(found) if values.equal(one, item)]
    return places[-1] if places else -1


def _index_of(value: Any, item: Any, *offset: Any) -> int:
    return (
        _list_index(value, item) if type(value) is list else strings.index_of(value, item, *offset)
    )


def _last_index_of(value: Any, item: Any, *offset: Any) -> int:
    return (
        _last_list_index(value, item)
        if type(value) is list
        else strings.last_index_of(value, item, *offset)
    )


def _reverse(items: Any) -> list[Any]:
    return _of_list(items)[::-1]


def _subset(container: Any, items: Any) -> bool:
    return all(values.contains(container, item) for item in _of_list(items))


def _end(items: Any, at: int) -> Optional:
    found = _of_list(items)
    return Optional(present=True, value=found[at]) if found else NONE


def _some(value: Any) -> Optional:
    return Optional(present=True, value=value)


def _some_unless_zero(value: Any) -> Optional:
    return NONE if value is None or value in (0, 0.0, "", b"", [], {}) else _some(value)


def _optional(value: Any) -> Optional:
    if type(value) is not Optional:
        raise no_overload()
    return value


Function = Callable[..., Any]


def _one(function: Callable[[Any], Any]) -> Function:
    return function


def _two(function: Callable[[Any, Any], Any]) -> Function:
    return function


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "size": size,
    "int": to_int,
    "uint": to_uint,
    "double": to_double,
    "bool": to_bool,
    "string": to_string,
    "bytes": to_bytes,
    "dyn": _one(lambda value: value),
    "type": _one(lambda value: Kind(values.type_name(value))),
    "duration": duration,
    "timestamp": timestamp,
    "matches": matches,
    "getFullYear": _clock(lambda time: time.year),
    "getMonth": _clock(lambda time: time.month - 1),
    "getDayOfMonth": _clock(lambda time: time.day - 1),
    "getDate": _clock(lambda time: time.day),
    "getDayOfYear": _clock(lambda time: time.timetuple().tm_yday - 1),
    "getDayOfWeek": _clock(lambda time: time.isoweekday() % 7),
    "getHours": _clock(lambda time: time.hour, lambda seconds: seconds / 3600),
    "getMinutes": _clock(lambda time: time.minute, lambda seconds: seconds / 60),
    "getSeconds": _clock(lambda time: time.second, lambda seconds: seconds),
    "getMilliseconds": _clock(lambda t: t.microsecond // 1000, lambda s: s * 1000),
    "sum": _sum,
    "min": _extreme(-1, "min"),
    "max": _extreme(1, "max"),
    "isSorted": _is_sorted,
    "indexOf": _index_of,
    "lastIndexOf": _last_index_of,
    "reverse": _reverse,
    "distinct": _distinct,
    "flatten": _flatten,
    "slice": _slice,
    "sort": sort,
    "first": _one(lambda items: _end(items, 0)),
    "last": _one(lambda items: _end(items, -1)),
    "lists.range": _one(lambda count: list(range(count))),
    "sets.contains": _subset,
    "sets.equivalent": _two(lambda one, two: _subset(one, two) and _subset(two, one)),
    "sets.intersects": _two(
        lambda one, two: any(values.contains(two, item) for item in _of_list(one))
    ),
    "optional.of": _some,
    "optional.ofNonZeroValue": _some_unless_zero,
    "optional.none": lambda: NONE,
    "hasValue": _one(lambda value: _optional(value).present),
    "value": _one(lambda value: _optional(value).got()),
    **strings.FUNCTIONS,
}
"""Functions by name; a method's target is its first argument."""
