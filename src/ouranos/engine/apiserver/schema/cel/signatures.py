"""Which types may an operator or function be given, and what does it return?"""

import inspect
import re
from collections.abc import Callable, Mapping

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
from ouranos.engine.apiserver.schema.cel.tokens import SyntaxFault

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
    possible = _POSSIBLE.get(name)
    if possible is not None and not possible(*(one.kind for one in known)):
        raise mismatch(name, known, offset)
    if name in _RETURNS:
        return _RETURNS[name]
    derive = _DERIVED.get(name)
    return DYN if derive is None or not known else derive(known)


_GLOBAL = frozenset(
    {
        "int", "uint", "double", "bool", "string", "bytes", "dyn", "type", "duration",
        "timestamp", "isIP", "cidr", "isCIDR", "quantity", "isQuantity", "sign", "semver",
        "isSemver", "url", "isURL",
    }
)  # fmt: skip
_EITHER = frozenset({"ip", "matches", "size"})


def takes(function: Callable[..., object], name: str, count: int, *, method: bool) -> bool:
    """Whether a function can be called so, and with so many arguments."""
    if name.startswith(("_", "!", "-", "@")) or "." in name:
        form = True
    else:
        form = name in _EITHER or method is (name not in _GLOBAL)
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    return form


def _first(known: tuple[Static, ...]) -> Static:
    return known[0]


def _item(known: tuple[Static, ...]) -> Static:
    return known[0].item or DYN


def _wrapped(known: tuple[Static, ...]) -> Static:
    return Static("optional_type", None, known[0])


def _computed(known: tuple[Static, ...]) -> Static:
    one, other = known
    if one.kind == "list":
        return one if one.node is not None else other
    return one if one.kind == other.kind and one.kind in _NUMBERS | {"string"} else DYN


_DERIVED: Mapping[str, Callable[[tuple[Static, ...]], Static]] = {
    **dict.fromkeys(("_+_", "_-_", "_*_", "_/_", "_%_"), _computed),
    **dict.fromkeys(("-_", "distinct", "reverse", "slice", "sort"), _first),
    **dict.fromkeys(("min", "max", "sum", "value"), _item),
    **dict.fromkeys(("optional.of", "optional.ofNonZeroValue"), _wrapped),
}


def _equatable(one: str, other: str) -> bool:
    return one == other or not {one, other} <= _PLAIN


def _comparable(one: str, other: str) -> bool:
    if "dyn" in {one, other}:
        return {one, other} <= _ORDERED
    return (one == other and one in _ORDERED) or {one, other} <= _NUMBERS


def _computable(allowed: frozenset[str], *, times: bool) -> Callable[[str, str], bool]:
    def possible(one: str, other: str) -> bool:
        if "dyn" in {one, other} or (times and {one, other} <= _TIMES):
            return True
        return one == other and one in allowed

    return possible


def _contained(_: str, container: str) -> bool:
    return container in {"list", "map", "dyn", "object"}


def _first_is(*kinds: str) -> Callable[..., bool]:
    allowed = frozenset({*kinds, "dyn"})
    return lambda *given: bool(given) and given[0] in allowed


_POSSIBLE: Mapping[str, Callable[..., bool]] = {
    **dict.fromkeys(("_==_", "_!=_"), _equatable),
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _comparable),
    "_+_": _computable(_ADDABLE, times=True),
    "_-_": _computable(_NUMBERS, times=True),
    **dict.fromkeys(("_*_", "_/_", "_%_"), _computable(_NUMBERS, times=False)),
    "!_": _first_is("bool"),
    "-_": _first_is("int", "double"),
    "@in": _contained,
    "size": _first_is("string", "bytes", "list", "map"),
    **dict.fromkeys(("distinct", "reverse", "slice", "sort"), _first_is("list")),
    **dict.fromkeys(_OF_STRINGS, _first_is("string")),
}
"""Whether an operator or function may be given some types; any where none is named."""
