"""What may stand in `config` and `policy`? Asked by the models.

An option's value is what YAML makes of it: text, number, boolean, or a list of those. Kubernetes
has no type for such a union, and CEL does not see what has no type; so the API server checks the
text of values by a pattern, and these validators, which the loader and every controller run before
they act, check everything (ADR 0008).
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from ouranos.api import rules, values

Scalar = str | int | float | bool
Value = Scalar | list[Scalar]

MAXIMUM_LENGTH: Final = 4096
MAXIMUM_ITEMS: Final = 256

_SECTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}")
_OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,127}")
_LINE = re.compile(values.LINE)
_SECRET = re.compile(
    r"(.*[_.-])?(password|passwd|secret|secret_key|encryption_key|encryption_auth_key|private_key|admin_token"
    r"|credentials?|connection|transport_url)",
    re.IGNORECASE,
)
_CREDENTIALS_IN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/@\s]*:[^/@\s]*@")

_KEEP_OUT: Final = (
    "Ouranos makes this credential and keeps it in a Secret; remove the option, "
    "and give credentials of external services by secretRef"
)


def _refusal(message: str, hint: str) -> PydanticCustomError:
    return PydanticCustomError("rule", "{message}", {"message": message, "hint": hint})


def section(name: str) -> str:
    """Refuse a section's name that an INI file could not hold."""
    if not _SECTION.fullmatch(name):
        raise _refusal(
            "is not the name of a section",
            "use letters, digits and any of _ . : / -, as in oslo_policy",
        )
    return name


def option(name: str) -> str:
    """Refuse an option's name that an INI file could not hold, or whose value is a secret."""
    if not _OPTION.fullmatch(name):
        raise _refusal(
            "is not the name of an option", "use letters, digits and any of _ . -, as in debug"
        )
    if _SECRET.fullmatch(name):
        raise _refusal("would put a secret into a file that people edit", _KEEP_OUT)
    return name


def _scalar(value: Any) -> Scalar:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _refusal("is not a finite number", "write a number that JSON can hold")
    if isinstance(value, bool | int | float):
        return value
    raise _refusal(
        "must be text, a number, true or false, or a list of those",
        "an option has one value or a list of values, never a mapping",
    )


def _text(value: str) -> str:
    if not _LINE.fullmatch(value):
        raise _refusal(values.IS_LINE.message, values.IS_LINE.hint)
    if len(value) > MAXIMUM_LENGTH:
        raise _refusal(f"is longer than {MAXIMUM_LENGTH} characters", "shorten it")
    if _CREDENTIALS_IN_URL.search(value):
        raise _refusal("holds credentials in a URL", _KEEP_OUT)
    return value


def setting(value: Any) -> Value:
    """Refuse a value that one option of an INI file cannot hold."""
    if not isinstance(value, list):
        return _scalar(value)
    if len(value) > MAXIMUM_ITEMS:  # pyright: ignore[reportUnknownArgumentType]
        raise _refusal(f"has more than {MAXIMUM_ITEMS} items", "shorten the list")
    return [_scalar(item) for item in value]  # pyright: ignore[reportUnknownVariableType]


_SETTING_SCHEMA: dict[str, Any] = {
    "description": "Text of one line, a number, a boolean, or a list of those.",
    "x-kubernetes-preserve-unknown-fields": True,
    "pattern": rf"^{values.LINE}\z",
    "maxLength": MAXIMUM_LENGTH,
}

_Section = Annotated[str, AfterValidator(section)]
_Option = Annotated[str, AfterValidator(option)]
_Setting = Annotated[Any, PlainValidator(setting), WithJsonSchema(_SETTING_SCHEMA)]

Config = Annotated[
    dict[_Section, Annotated[dict[_Option, _Setting], Field(max_length=128)]], Field(max_length=64)
]
"""Options by section and name."""

_POLICY_NAME = r"[A-Za-z0-9_][A-Za-z0-9_:.*-]{0,254}"
_compiled_policy_name = re.compile(_POLICY_NAME)

HAS_POLICY_NAMES = rules.Invariant(
    cel=f"self.all(name, name.matches({rules.whole(_POLICY_NAME)}))",
    check=lambda value: all(_compiled_policy_name.fullmatch(name) for name in value),
    message="has a key that is not the name of a policy rule",
    hint="write names as OpenStack does, such as os_compute_api:servers:create",
)

Policy = Annotated[dict[str, values.Line], Field(max_length=256), HAS_POLICY_NAMES]
"""Check strings by rule."""
