"""Which object do these bytes hold? Reads Kubernetes' protobuf; answers are always JSON.

The table beside this file says what the numbers mean; it is made from Kubernetes' own definitions.
"""

import functools
import json
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any, NamedTuple

from ouranos.kit.objects import Object

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_MORE, _LOW = 0x80, 0x7F
_LONGEST_VARINT = 70  # bits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ProtobufError(ValueError):
    """Bytes that are not what they say."""


class _Field(NamedTuple):
    name: str
    kind: str
    marks: str


Value = int | bytes


@functools.cache
def _table() -> dict[str, dict[int, _Field]]:
    text = resources.files(__package__ or "").joinpath("fields.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in text.splitlines()[1:]]
    return {
        name: {int(number): _Field(*field) for number, field in fields.items()}
        for name, fields in rows
    }


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place >= len(data) or shift >= _LONGEST_VARINT:
            raise ProtobufError("a number has no end")
        byte = data[place]
        place += 1
        value |= (byte & _LOW) << shift
        if byte < _MORE:
            return value, place
        shift += 7


def _fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Give the numbered values of a message."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        wire = tag & 7
        if wire == _VARINT:
            value: Value
            value, place = _varint(data, place)
        elif wire in {_LENGTH, _FIXED64, _FIXED32}:
            size = {_FIXED64: 8, _FIXED32: 4}.get(wire)
            if size is None:
                size, place = _varint(data, place)
            value, place = data[place : place + size], place + size
            if place > len(data):
                raise ProtobufError("a value has no end")
        else:
            raise ProtobufError(f"unknown wire type {wire}")
        yield tag >> 3, value


def _whole(value: Value) -> int:
    """Give a whole number with its sign."""
    if not isinstance(value, int):
        raise ProtobufError("a number is expected")
    return value - (1 << 64) if value >> 63 else value


def _raw(value: Value) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a text or a message is expected")
    return value


def _only(value: Value, number: int, default: Value) -> Value:
    """Give one field of a small message."""
    return dict(_fields(_raw(value))).get(number, default)


def _moment(value: Value) -> datetime | None:
    parts = dict(_fields(_raw(value)))
    if not parts:
        return None
    passed = timedelta(
        seconds=_whole(parts.get(1, 0)), microseconds=_whole(parts.get(2, 0)) // 1000
    )
    return _EPOCH + passed


def _time(value: Value) -> str | None:
    moment = _moment(value)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(value: Value) -> str | None:
    moment = _moment(value)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _int_or_string(value: Value) -> int | str:
    parts = dict(_fields(_raw(value)))
    return _raw(parts.get(3, b"")).decode() if parts.get(1) else _whole(parts.get(2, 0))


def _embedded(value: Value) -> Any:
    held = _raw(_only(value, 1, b""))
    if held.startswith(_MAGIC):
        return read(held)
    return json.loads(held) if held else None


def _texts(value: Value) -> list[str]:
    return [_raw(each).decode() for _, each in _fields(_raw(value))]


def _double(value: Value) -> float:
    return struct.unpack("<d", _raw(value))[0]


_READERS: dict[str, Callable[[Value], Any]] = {
    "string": lambda value: _raw(value).decode(),
    "bool": bool,
    "bytes": lambda value: b64encode(_raw(value)).decode(),
    "int32": _whole,
    "int64": _whole,
    "double": _double,
    "meta/v1.Time": _time,
    "meta/v1.MicroTime": _micro_time,
    "meta/v1.FieldsV1": _embedded,
    "api/resource.Quantity": lambda value: _raw(_only(value, 1, b"")).decode(),
    "util/intstr.IntOrString": _int_or_string,
    "pkg/runtime.RawExtension": _embedded,
    "authentication/v1.ExtraValue": _texts,
    "authorization/v1.ExtraValue": _texts,
}


def _value(kind: str, value: Value) -> Any:
    reader = _READERS.get(kind)
    return _message(kind, _raw(value)) if reader is None else reader(value)


def _message(kind: str, data: bytes) -> Object:
    known = _table().get(kind, {})
    found: Object = {}
    for number, value in _fields(data):
        field = known.get(number)
        if field is None:
            continue
        if "{" in field.marks:
            entry = dict(_fields(_raw(value)))
            key = _raw(entry.get(1, b"")).decode()
            found.setdefault(field.name, {})[key] = _value(field.kind, entry.get(2, b""))
            continue
        read_value = _value(field.kind, value)
        if "*" in field.marks:
            found.setdefault(field.name, []).append(read_value)
        elif "i" in field.marks:
            found.update(read_value)
        elif "o" not in field.marks or read_value not in ("", 0, None):
            found[field.name] = read_value
    return found


def _root(api_version: str, kind: str) -> str:
    if kind == "DeleteOptions":
        return "meta/v1.DeleteOptions"
    group, _, version = api_version.rpartition("/")
    return f"{group.partition('.')[0] or 'core'}/{version}.{kind}"


def read(body: bytes) -> Object:
    """Give the object that a body holds.

    Raises:
        ProtobufError: the bytes are no protobuf of Kubernetes, or of a kind that is not known here.
    """
    if not body.startswith(_MAGIC):
        raise ProtobufError("the prefix of Kubernetes' protobuf is missing")
    try:
        envelope = dict(_fields(body[len(_MAGIC) :]))
        names = dict(_fields(_raw(envelope.get(1, b""))))
        api_version, kind = (_raw(names.get(number, b"")).decode() for number in (1, 2))
        root = _root(api_version, kind)
        if root not in _table():
            raise ProtobufError(f"{api_version} {kind} is read as JSON only")
        content = _message(root, _raw(envelope.get(2, b"")))
    except (UnicodeDecodeError, json.JSONDecodeError, struct.error, OverflowError) as error:
        raise ProtobufError(str(error)) from error
    return {"apiVersion": api_version, "kind": kind, **content}
