"""Where in the file is what an API server refused? Asked by the command line after a 422."""

from __future__ import annotations

import os
from typing import Any, Final, cast

from ouranos.api import errors, load, rules

Object = dict[str, Any]

NOWHERE: Final = "<nil>"
"""What Kubernetes writes for the place of a mistake that is not in one field."""
_LOOK: Final = "look at what `kubectl explain` says of this field"


def refusal(source: str | os.PathLike[str], status: Object) -> errors.InputError | None:
    """What was refused, with places in the file that the object came from.

    Args:
        source: the file.
        status: the answer, a `Status` object whose details name the object and the causes.

    Returns:
        None if the file does not describe the object that the answer names.

    Raises:
        errors.InputError: the file cannot be read any more.
    """
    details = cast("Object", status.get("details") or {})
    for document in load.unchecked(source):
        metadata = cast("Object", document.object.get("metadata") or {})
        if metadata.get("name") == details.get("name") and _same_kind(document.object, details):
            whole = {"field": "", "message": status.get("message", "")}
            causes = cast("list[Object]", details.get("causes") or [whole])
            # One that has no place says that rules were left out, because of the others.
            placed = [cause for cause in causes if cause.get("field") != NOWHERE] or causes
            return errors.InputError(*(_mistake(document, cause) for cause in placed))
    return None


def _same_kind(obj: Object, details: Object) -> bool:
    """Kubernetes writes the kind here, or its plural in lower case."""
    kind, named = str(obj.get("kind")).lower(), str(details.get("kind")).lower()
    return named in {kind, f"{kind}s"}


def _mistake(document: load.Document, cause: Object) -> errors.Mistake:
    message, _, hint = str(cause.get("message", "")).partition(rules.HINT)
    return document.mistake(str(cause.get("field", "")), message, hint or _LOOK)
