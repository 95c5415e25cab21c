"""What is wrong with one field, in the words that Kubernetes prints; for every check."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_MAXIMUM_LISTED = 100


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason why an object is refused, as a `Status` lists it under `details.causes`."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def rendered(value: Any) -> str:
    """Write a value as Kubernetes quotes it in messages: JSON, strings in double quotes."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _body(kind: str, detail: str) -> str:
    return f"{kind}: {detail}" if detail else kind


def invalid(field: str, value: Any, detail: str = "") -> Cause:
    """The value is of the right type but not acceptable."""
    return Cause(field, "FieldValueInvalid", _body(f"Invalid value: {rendered(value)}", detail))


def type_invalid(field: str, value: Any, detail: str) -> Cause:
    """The value has the wrong JSON type."""
    message = _body(f"Invalid value: {rendered(value)}", detail)
    return Cause(field, "FieldValueTypeInvalid", message)


def required(field: str, detail: str = "") -> Cause:
    """A field without which the object means nothing is absent."""
    return Cause(field, "FieldValueRequired", _body("Required value", detail))


def forbidden(field: str, detail: str) -> Cause:
    """The field may not be set, or not be changed, here."""
    return Cause(field, "FieldValueForbidden", _body("Forbidden", detail))


def duplicate(field: str, value: Any) -> Cause:
    """The value occurs twice where it must be unique."""
    return Cause(field, "FieldValueDuplicate", f"Duplicate value: {rendered(value)}")


def not_found(field: str, value: Any) -> Cause:
    """The value names something that is not there."""
    return Cause(field, "FieldValueNotFound", f"Not found: {rendered(value)}")


def not_supported(field: str, value: Any, supported: Iterable[Any]) -> Cause:
    """The value is none of an enumeration."""
    words = [item if isinstance(item, str) else rendered(item) for item in supported]
    listed = ", ".join(json.dumps(word, ensure_ascii=False) for word in words[:_MAXIMUM_LISTED])
    detail = f"supported values: {listed}" if listed else ""
    message = _body(f"Unsupported value: {rendered(value)}", detail)
    return Cause(field, "FieldValueNotSupported", message)


def too_long(field: str, maximum: int, unit: str = "byte") -> Cause:
    """The text is longer than its field allows."""
    plural = "" if maximum == 1 else "s"
    message = f"Too long: may not be more than {maximum} {unit}{plural}"
    return Cause(field, "FieldValueTooLong", message)


def too_many(field: str, actual: int, maximum: int) -> Cause:
    """A list or map has more entries than its field allows."""
    plural = "" if maximum == 1 else "s"
    message = f"Too many: {actual}: must have at most {maximum} item{plural}"
    return Cause(field, "FieldValueTooMany", message)


def summary(causes: Sequence[Cause]) -> str:
    """Join causes as the message of a `Status` does: one plainly, several in brackets."""
    words = list(dict.fromkeys(str(cause) for cause in causes))
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]"
