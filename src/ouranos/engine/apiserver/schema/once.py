"""Which schemas has this process read already? Asked when one is checked, and when it is served.

To read a schema is to compile its rules, which takes longer than all else that a definition needs.
A parsed schema never changes, so that all who ask share it.
"""

import functools
from typing import Any, Final

import msgspec

from ouranos.engine.apiserver.schema import structural

_KEPT: Final = 128
_PATH: Final = "spec.validation.openAPIV3Schema"


def parse(openapi: dict[str, Any], *, has_status: bool, path: str = _PATH) -> structural.Structural:
    """Read the `openAPIV3Schema` of a CustomResourceDefinition, if nobody has.

    Args:
        openapi: The schema as written in the CustomResourceDefinition.
        has_status: Whether the kind has the status subresource.
        path: Where the schema stands, for the causes of an error.

    Raises:
        structural.SchemaError: the schema is not structural, or one of its rules does not compile.
    """
    return _parsed(msgspec.json.encode(openapi), has_status, path)


@functools.lru_cache(_KEPT)
def _parsed(text: bytes, has_status: bool, path: str) -> structural.Structural:  # noqa: FBT001 - a key
    openapi = msgspec.json.decode(text)
    return structural.Structural.parse(openapi, has_status=has_status, path=path)
