"""The functions of CEL's string extension and of Kubernetes' regular expressions."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

from ouranos.engine.apiserver.schema.cel import values
from ouranos.engine.apiserver.schema.cel.values import Fault, no_overload

_EXPONENT_FROM = 1e6
_EXPONENT_BELOW = 1e-4


def number(value: float) -> str:
    """Write a floating point number as Go does: the shortest text that reads back the same."""
    if value != value:  # noqa: PLR0124 - NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "+Inf" if value > 0 else "-Inf"
    if value and not _EXPONENT_BELOW <= abs(value) < _EXPONENT_FROM:
        mantissa, _, exponent = f"{value!r}".partition("e")
        if not exponent:
            mantissa, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent):+03d}"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _text(value: Any) -> str:
    if type(value) is not str:
        raise no_overload()
    return value


def _char_at(text: Any, at: int) -> str:
    if not 0 <= at <= len(_text(text)):
        raise Fault(f"index out of range: {at}")
    return text[at : at + 1]


def index_of(text: Any, part: Any, offset: int = 0) -> int:
    """Find a text in another one, from an offset on."""
    if offset < 0:
        raise Fault(f"index out of range: {offset}")
    return _text(text).find(_text(part), offset)


def last_index_of(text: Any, part: Any, offset: int | None = None) -> int:
    """Find the last place of a text in another one, not behind an offset."""
    if offset is None:
        return _text(text).rfind(_text(part))
    if offset < 0:
        raise Fault(f"index out of range: {offset}")
    if offset > len(_text(text)):
        return -1
    return text.rfind(_text(part), 0, offset + len(part))


def _substring(text: Any, start: int, end: int | None = None) -> str:
    last = len(_text(text)) if end is None else end
    if not 0 <= start <= len(text) or not 0 <= last <= len(text):
        raise Fault(f"index out of range: {start if not 0 <= start <= len(text) else last}")
    if start > last:
        raise Fault(f"invalid substring range. start: {start}, end: {last}")
    return text[start:last]


def _replace(text: Any, old: Any, new: Any, limit: int = -1) -> str:
    return _text(text).replace(_text(old), _text(new), limit)


def _split(text: Any, separator: Any, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if separator == "":
        characters = list(_text(text))
        if limit < 0 or limit >= len(characters):
            return characters
        return [*characters[: limit - 1], "".join(characters[limit - 1 :])]
    return _text(text).split(_text(separator), limit - 1 if limit > 0 else -1)


def _join(items: Any, separator: Any = "") -> str:
    if type(items) is not list:
        raise no_overload()
    return _text(separator).join(_text(item) for item in cast("list[Any]", items))


def _trim(text: Any) -> str:
    return _text(text).strip()


def _ascii(change: Callable[[str], str]) -> Callable[[Any], str]:
    def convert(text: Any) -> str:
        return "".join(change(one) if one.isascii() else one for one in _text(text))

    return convert


def _contains(text: Any, part: Any) -> bool:
    return _text(part) in _text(text)


def _starts_with(text: Any, part: Any) -> bool:
    return _text(text).startswith(_text(part))


def _ends_with(text: Any, part: Any) -> bool:
    return _text(text).endswith(_text(part))


def _find(text: Any, pattern: Any) -> str:
    found = re.search(_text(pattern), _text(text))
    return found.group() if found else ""


def _find_all(text: Any, pattern: Any, limit: int = -1) -> list[str]:
    found = [match.group() for match in re.finditer(_text(pattern), _text(text))]
    return found if limit < 0 else found[:limit]


def _quote(text: Any) -> str:
    return json.dumps(_text(text), ensure_ascii=False)


_CLAUSE = re.compile(r"%(?:(%)|(?:\.(\d+))?([a-zA-Z]))")


def _format(text: Any, arguments: Any) -> str:
    """Fill in `%s %d %f %e %b %x %X %o` as `string.format` does."""
    rest = iter(cast("list[Any]", arguments))

    def fill(match: re.Match[str]) -> str:
        if match[1]:
            return "%"
        try:
            return _clause(match[3], match[2], next(rest))
        except StopIteration:
            raise Fault("index out of range: not enough arguments to format") from None

    return _CLAUSE.sub(fill, _text(text))


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _scientific(value: Any, _: str) -> str:
    mantissa, _, exponent = f"{value:e}".partition("e")
    return f"{mantissa}\N{MULTIPLICATION SIGN}10{exponent.removeprefix('+').translate(_RAISED)}"


def _decimal(value: Any, _: str) -> str:
    if type(value) is bool or not isinstance(value, int):
        raise TypeError
    return str(value)


_CLAUSES: Mapping[str, Callable[[Any, str], str]] = {
    "s": lambda value, _: shown(value),
    "d": _decimal,
    "f": lambda value, digits: f"{value:.{digits or 6}f}",
    "e": _scientific,
    "b": lambda value, _: f"{int(value):b}",
    "o": lambda value, _: f"{value:o}",
    "x": lambda value, _: _hex(value),
    "X": lambda value, _: _hex(value).upper(),
}


def _hex(value: Any) -> str:
    if type(value) is str:
        return value.encode().hex()
    return value.hex() if type(value) is bytes else f"{value:x}"


def _clause(verb: str, digits: str, value: Any) -> str:
    clause = _CLAUSES.get(verb)
    if clause is None:
        raise Fault(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    try:
        return clause(value, digits)
    except (TypeError, ValueError):
        name = values.type_name(value)
        raise Fault(f"error during formatting: {name} cannot be formatted with %{verb}") from None


def shown(value: Any) -> str:
    """Write any value as `%s` does."""
    kind: type = value.__class__
    if kind in {str, bytes}:
        return value.decode() if kind is bytes else value
    if kind is float:
        return number(value)
    write = WRITERS.get(values.type_name(value))
    return _inside(value) if write is None else write(value)


WRITERS: dict[str, Callable[[Any], str]] = {}
"""How values of other types are written, by the name of their type."""


def _inside(value: Any) -> str:
    """Write a value as it stands in a list or map."""
    kind: type = value.__class__
    if kind is list:
        return f"[{', '.join(map(_inside, value))}]"
    if kind is dict:
        entries = sorted((_inside(key), _inside(item)) for key, item in value.items())
        return f"{{{', '.join(f'{key}:{item}' for key, item in entries)}}}"
    if kind is str:
        return _quote(value)
    if kind is bytes:
        return f"b{_quote(value.decode())}"
    if kind is float:
        return f"{value:f}"
    return "null" if value is None else shown(value)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "charAt": _char_at,
    "substring": _substring,
    "replace": _replace,
    "split": _split,
    "join": _join,
    "trim": _trim,
    "lowerAscii": _ascii(str.lower),
    "upperAscii": _ascii(str.upper),
    "contains": _contains,
    "startsWith": _starts_with,
    "endsWith": _ends_with,
    "find": _find,
    "findAll": _find_all,
    "format": _format,
    "strings.quote": _quote,
}
"""Functions by name; a method's target is its first argument."""
