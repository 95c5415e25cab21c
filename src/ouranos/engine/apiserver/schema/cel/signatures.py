"""Which types may an operator or function be given, and what does it return? As far as errors pay."""

import re
from collections.abc import Mapping

from ouranos.engine.apiserver.schema.cel.static import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    Static,
)
from ouranos.engine.apiserver.schema.cel.syntax import SyntaxFault

TYPES: Mapping[str, str] = {
    "bool": "bool", "int": "int", "uint": "uint", "double": "double", "string": "string",
    "bytes": "bytes", "list": "list", "map": "map", "null_type": "null_type", "type": "type",
}  # fmt: skip
"""Types that an expression can name, for `type(x) == string`."""

_KEYWORDS = (
    "true|false|null|in|as|break|const|continue|else|for|function|if|import|let|loop|package"
    "|namespace|return|var|void|while"
)
_ESCAPED = re.compile(rf"__(?:(dot)|(dash)|(slash)|(underscores)|({_KEYWORDS}))__")
_ESCAPES = (".", "-", "/", "__")

_SCALARS = frozenset({"bool", "int", "uint", "double", "string", "bytes"})
_PLAIN = _SCALARS | {"null"}
_NUMBERS = frozenset({"int", "uint", "double"})
_TIMES = frozenset({TIMESTAMP.kind, DURATION.kind})
_ADDABLE = _NUMBERS | _TIMES | {"string", "bytes", "list", "dyn"}
_ORDERED = _SCALARS | _TIMES | {"dyn"}

_RETURNS: Mapping[str, Static] = {
    **dict.fromkeys(
        (
            "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "!_", "matches", "contains",
            "startsWith", "endsWith", "isSorted", "sets.contains", "sets.equivalent",
            "sets.intersects", "hasValue", "isIP", "ip.isCanonical", "isUnspecified",
            "isLoopback", "isLinkLocalMulticast", "isLinkLocalUnicast", "isGlobalUnicast",
            "isCIDR", "containsIP", "containsCIDR", "isQuantity", "isInteger", "isLessThan",
            "isGreaterThan", "isSemver", "isURL", "bool",
        ),
        BOOL,
    ),
    **dict.fromkeys(
        (
            "size", "int", "indexOf", "lastIndexOf", "family", "prefixLength", "sign",
            "asInteger", "compareTo", "major", "minor", "patch", "getFullYear", "getMonth",
            "getDayOfMonth", "getDate", "getDayOfYear", "getDayOfWeek", "getHours", "getMinutes",
            "getSeconds", "getMilliseconds",
        ),
        INT,
    ),
    **dict.fromkeys(
        (
            "string", "charAt", "substring", "replace", "join", "trim", "lowerAscii",
            "upperAscii", "find", "format", "strings.quote", "getScheme",
            "getHost", "getHostname", "getPort", "getEscapedPath",
        ),
        STRING,
    ),
    **dict.fromkeys(("findAll", "split"), Static("list", None, STRING)),
    "double": DOUBLE,
    "asApproximateFloat": DOUBLE,
    "uint": UINT,
    "bytes": BYTES,
    "duration": DURATION,
    "timestamp": TIMESTAMP,
    "type": TYPE,
    "lists.range": Static("list", None, INT),
}  # fmt: skip

_OF_STRINGS = frozenset(
    {
        "startsWith", "endsWith", "contains", "charAt", "substring", "replace", "split", "trim",
        "lowerAscii", "upperAscii", "find", "findAll", "format", "matches",
    }
)  # fmt: skip
_SAME_LIST = frozenset({"distinct", "reverse", "slice", "sort"})


def unescaped(name: str) -> str:
    """Return the field's name that an expression has to escape: `__dot__`, `__namespace__`."""
    if "__" not in name:
        return name

    def replaced(match: re.Match[str]) -> str:
        for group, text in zip(match.groups(), _ESCAPES, strict=False):
            if group:
                return text
        return match[5]

    return _ESCAPED.sub(replaced, name)


def mismatch(name: str, known: tuple[Static, ...], offset: int) -> SyntaxFault:
    """Say that there is no such operator or function for values of these types."""
    kinds = ", ".join(one.kind for one in known)
    return SyntaxFault(f"found no matching overload for '{name}' applied to '({kinds})'", offset)


def result(name: str, known: tuple[Static, ...], offset: int) -> Static:
    """Return the type that an operator or function returns.

    Raises:
        SyntaxFault: it can never take values of these types.
    """
    if not _possible(name, known):
        raise mismatch(name, known, offset)
    if name in _RETURNS:
        return _RETURNS[name]
    if name in {"_+_", "_-_", "_*_", "_/_", "_%_"}:
        if name == "_+_" and known[0].kind == "list":
            return known[0] if known[0].node is not None else known[1]
        return (
            known[0]
            if known[0].kind == known[1].kind and known[0].kind in _NUMBERS | {"string"}
            else DYN
        )
    if name == "-_" or name in _SAME_LIST:
        return known[0]
    if name in {"min", "max", "sum"}:
        return known[0].item or DYN
    if name == "value" and known[0].kind == "optional_type":
        return known[0].item or DYN
    if name in {"optional.of", "optional.ofNonZeroValue"}:
        return Static("optional_type", None, known[0])
    return DYN


def _possible(name: str, known: tuple[Static, ...]) -> bool:
    kinds = [one.kind for one in known]
    if name in {"_==_", "_!=_"}:
        return kinds[0] == kinds[1] or not set(kinds) <= _PLAIN
    if name in {"_<_", "_<=_", "_>_", "_>=_"}:
        return _comparable(kinds)
    if name in {"_-_", "_*_", "_/_", "_%_", "_+_"}:
        return _computable(name, kinds)
    if name == "!_":
        return kinds[0] in {"bool", "dyn"}
    if name == "-_":
        return kinds[0] in {"int", "double", "dyn"}
    if name == "@in":
        return kinds[1] in {"list", "map", "dyn", "object"}
    if name == "size":
        return kinds[0] in {"string", "bytes", "list", "map", "dyn"}
    if name in _SAME_LIST:
        return kinds[0] in {"list", "dyn"}
    if name in _OF_STRINGS and kinds:
        return kinds[0] in {"string", "dyn"}
    return True


def _comparable(kinds: list[str]) -> bool:
    one, other = kinds
    if "dyn" in kinds:
        return set(kinds) <= _ORDERED
    return (one == other and one in _ORDERED) or (one in _NUMBERS and other in _NUMBERS)


def _computable(name: str, kinds: list[str]) -> bool:
    if "dyn" in kinds:
        return True
    one, other = kinds
    if name in {"_+_", "_-_"} and one in _TIMES and other in _TIMES:
        return True
    allowed = _ADDABLE if name == "_+_" else _NUMBERS
    return one == other and one in allowed
