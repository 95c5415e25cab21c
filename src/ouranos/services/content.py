"""What is in a Secret, and how is it written? Asked by the steps; nobody else decodes one."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from ouranos.kit import objects


def of(secret: objects.Object) -> dict[str, str]:
    """A Secret's keys and values as text."""
    data: dict[str, str] = objects.mapping(secret, "data")
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    """Keys and values as a Secret's `data`."""
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def checksum(secrets: Iterable[objects.Object]) -> str:
    """A text that changes when one of the Secrets does, and tells nothing of them."""
    data = {secret["metadata"]["name"]: objects.mapping(secret, "data") for secret in secrets}
    return objects.digest(data).hex()[:16]
