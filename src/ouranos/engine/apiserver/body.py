"""What object does a request carry? JSON or YAML, read once; asked by every verb that writes."""

import json
from collections.abc import Callable, Iterable
from typing import Any, cast

import msgspec
import yaml

from ouranos.engine.apiserver import failure
from ouranos.engine.apiserver.exchange import JSON, Request
from ouranos.engine.apiserver.protobuf import reader
from ouranos.kit.objects import Object

YAML = ("application/yaml", "application/apply-patch+yaml")
_PATCHES = tuple(
    f"application/{name}+json" for name in ("json-patch", "merge-patch", "strategic-merge-patch")
)
_READ = frozenset({JSON, *YAML, *_PATCHES, reader.MEDIA_TYPE, ""})
MAX_BYTES = 3 << 20
_WHOLE = 1e21
"""From here on, Kubernetes writes a whole number with an exponent, which makes it no integer."""


def _number(text: str) -> float:
    """Read a number that has a point or an exponent; a whole one is written without, as by Go."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _WHOLE else value


_json: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_number)


def _yaml(text: bytes) -> Any:
    try:
        # A small text with aliases could become a large object.
        parse: Callable[..., Iterable[object]] = getattr(yaml, "parse")  # noqa: B009  # it is untyped
        if any(isinstance(event, yaml.AliasEvent) for event in parse(text, yaml.CSafeLoader)):
            raise failure.bad_request("the object cannot be read: YAML aliases are not accepted")
        return yaml.load(text, yaml.CSafeLoader)  # a safe loader
    except yaml.YAMLError as error:
        raise failure.bad_request(
            f"the object cannot be read: error converting YAML to JSON: {error}"
        ) from None
    except UnicodeDecodeError as error:
        raise failure.bad_request(f"the object cannot be read: {error}") from None


def _protobuf(content: bytes) -> Object:
    try:
        return reader.read(content)
    except reader.ProtobufError as error:
        raise failure.bad_request(f"the object cannot be read: {error}") from None


def decoded(request: Request) -> Any:
    """Give the value that the body holds.

    Raises:
        failure.Failure: it cannot be read, or is of a type that is not.
    """
    if len(request.body) > MAX_BYTES:
        message = f"Request entity too large: limit is {MAX_BYTES}"
        raise failure.Failure(413, "RequestEntityTooLarge", message, {})
    kind = request.content_type
    if kind not in _READ:
        raise failure.unsupported_media_type(kind, (JSON, YAML[0], reader.MEDIA_TYPE))
    if kind == reader.MEDIA_TYPE:
        return _protobuf(request.body)
    if kind in YAML and not request.body.lstrip().startswith(b"{"):
        return _yaml(request.body)
    try:
        return _json.decode(request.body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise failure.bad_request(f"the object cannot be read: {error}") from None


def decoded_object(request: Request) -> Object:
    """Give the object that the body holds.

    Raises:
        failure.Failure: the body holds no object.
    """
    value = decoded(request)
    if not isinstance(value, dict):
        raise failure.bad_request("the object cannot be read: it is not a JSON object")
    return cast("Object", value)


def duplicates(body: bytes) -> list[str]:
    """Give the paths of keys that stand twice in one JSON object."""
    found: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> Object:
        seen = dict(pairs)
        if len(seen) != len(pairs):
            names = [name for name, _ in pairs]
            found.extend(name for name in seen if names.count(name) > 1)
        return seen

    if body.lstrip().startswith(b"{"):
        json.loads(body, object_pairs_hook=collect)
    return found
