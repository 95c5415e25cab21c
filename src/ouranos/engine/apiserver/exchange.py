"""What is a request, and what an answer, to the handler? Asked by both doors and all verbs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import msgspec

from ouranos.engine.apiserver import failure
from ouranos.kit.objects import Object

JSON = "application/json"
_NO_MANAGER = "unknown"
_MAX_MANAGER = 128
_encoder = msgspec.json.Encoder()

Query = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, however it came in; header names are lower case."""

    method: str
    path: str
    query: Query
    headers: Mapping[str, str]
    body: bytes = b""
    user: str = "admin"

    def text(self, name: str) -> str:
        """Give a query parameter; empty when absent."""
        values = self.query.get(name)
        return values[0] if values else ""

    def flag(self, name: str) -> bool:
        """Give a query parameter as truth.

        Raises:
            failure.Failure: it is neither true nor false.
        """
        match self.text(name).lower():
            case "" | "false" | "0" | "f":
                # An empty value counts as true where the name is given: `?watch`.
                return name in self.query and not self.text(name)
            case "true" | "1" | "t":
                return True
            case other:
                raise failure.bad_request(f'invalid value for {name}: "{other}" is not a boolean')

    def number(self, name: str) -> int | None:
        """Give a query parameter as a whole number; None when absent.

        Raises:
            failure.Failure: it is not a number.
        """
        text = self.text(name)
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise failure.bad_request(
                f'invalid value for {name}: "{text}" is not a number'
            ) from None

    @property
    def content_type(self) -> str:
        """Give the media type of the body without parameters."""
        return self.headers.get("content-type", JSON).partition(";")[0].strip().lower()

    @property
    def accept(self) -> str:
        """Give what the caller can read."""
        return self.headers.get("accept", "")


@runtime_checkable
class Closing(Protocol):
    """What streams and can be ended before its end."""

    async def aclose(self) -> None:
        """End it; twice is fine."""
        ...


@dataclass(slots=True)
class Response:
    """One answer; the body is bytes, or chunks that come as long as somebody reads them."""

    status: int
    body: bytes | AsyncIterator[bytes] = b""
    content_type: str = JSON
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def encode(value: Any) -> bytes:
    """Write a JSON value."""
    return _encoder.encode(value)


async def end(chunks: AsyncIterator[bytes]) -> None:
    """End what makes the chunks of a streamed body."""
    if isinstance(chunks, Closing):
        await chunks.aclose()


def answer(obj: Object, status: int = 200) -> Response:
    """Answer with an object."""
    return Response(status, _encoder.encode(obj))


def refusal(refused: failure.Failure) -> Response:
    """Answer with the Status of a refusal."""
    response = Response(refused.code, _encoder.encode(refused.status()))
    seconds = (refused.details or {}).get("retryAfterSeconds")
    if seconds:
        response.headers.append(("Retry-After", str(seconds)))
    return warn(response, refused.warnings)


def warn(response: Response, warnings: list[str]) -> Response:
    """Put warnings into an answer's headers, as kubectl prints them."""
    for text in warnings:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.append(("Warning", f'299 - "{escaped}"'))
    return response


def decode(body: bytes) -> Any:
    """Read a JSON value that the server itself has written."""
    return msgspec.json.decode(body)


def manager_of(request: Request) -> str:
    """Give who is noted as the writer of fields."""
    given = request.text("fieldManager")
    if len(given) > _MAX_MANAGER:
        raise failure.bad_request(
            f"fieldManager: Too long: may not be more than {_MAX_MANAGER} bytes"
        )
    return given or request.headers.get("user-agent", "").partition("/")[0] or _NO_MANAGER


def is_dry(request: Request) -> bool:
    """Whether nothing shall be kept.

    Raises:
        failure.Failure: dryRun says something else than All.
    """
    given = request.query.get("dryRun", [])
    if any(each not in {"All", ""} for each in given):
        raise failure.bad_request(
            f'dryRun: Unsupported value: {given[0]!r}: supported values: "All"'
        )
    return "All" in given
