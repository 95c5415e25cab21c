"""What has a Kubernetes API answered? Its failures become ours here; asked by the client."""

import contextlib
from collections.abc import Generator
from typing import Final, cast

import httpx2
import msgspec

from ouranos.kit import errors
from ouranos.kit.objects import Object

FIRST_FAILURE: Final = 400
"""The lowest status by which a server refuses."""

_decoder: Final = msgspec.json.Decoder()


def decode(answer: bytes) -> Object:
    """Return the object of an answer.

    Raises:
        errors.Unreachable: it is no JSON object; something else than the API answered.
    """
    try:
        decoded = _decoder.decode(answer)
    except msgspec.DecodeError as error:
        raise errors.Unreachable(f"the API's answer is no JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise errors.Unreachable("the API's answer is no JSON object")
    return cast("Object", decoded)


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Raise what the block's transport raises as `errors.Unreachable`."""
    try:
        yield
    except (httpx2.TransportError, httpx2.StreamError) as error:
        raise errors.Unreachable(f"the API did not answer: {error!r}") from error


def refusal(response: httpx2.Response) -> errors.ApiError:
    """Return the error of an answer that has been read."""
    details: Object = {}
    with contextlib.suppress(errors.Unreachable):
        details = decode(response.content)
    details.setdefault("message", response.text[:256] or response.reason_phrase)
    return errors.api_error(response.status_code, details)
