"""Arithmetic and order: what `+ - * / % < [i]` do with values; asked by compiled expressions."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, cast

from ouranos.engine.apiserver.schema.cel import values
from ouranos.engine.apiserver.schema.cel.syntax import Uint
from ouranos.engine.apiserver.schema.cel.values import NONE, Fault, Optional, no_overload

_LOWEST = -(2**63)
_HIGHEST = 2**63 - 1
_HIGHEST_UINT = 2**64 - 1
_MOMENT = {dt.datetime, dt.timedelta}


def fitted(value: int) -> int:
    """Return a signed integer that fits in 64 bits.

    Raises:
        Fault: it does not fit.
    """
    if _LOWEST <= value <= _HIGHEST:
        return value
    raise Fault("integer overflow")


def fitted_unsigned(value: int) -> Uint:
    """Return an unsigned integer that fits in 64 bits.

    Raises:
        Fault: it does not fit.
    """
    if 0 <= value <= _HIGHEST_UINT:
        return Uint(value)
    raise Fault("unsigned integer overflow")


def _typed(left: Any, right: Any) -> type:
    kind: type = left.__class__
    if kind is not type(right):
        raise no_overload()
    return kind


def add(left: Any, right: Any) -> Any:
    """Evaluate `left + right`."""
    if {type(left), type(right)} == _MOMENT:
        return _timely(lambda: left + right)
    kind = _typed(left, right)
    if kind is int:
        return fitted(left + right)
    if kind is Uint:
        return fitted_unsigned(int(left) + int(right))
    if kind in {float, str, bytes, list}:
        return left + right
    if kind is dt.timedelta:
        return _timely(lambda: left + right)
    raise no_overload()


def _timely(compute: Callable[[], Any]) -> Any:
    try:
        return compute()
    except OverflowError:
        raise Fault("timestamp overflow") from None


def subtract(left: Any, right: Any) -> Any:
    """Evaluate `left - right`."""
    if (type(left), type(right)) == (dt.datetime, dt.timedelta):
        return _timely(lambda: left - right)
    kind = _typed(left, right)
    if kind is int:
        return fitted(left - right)
    if kind is Uint:
        return fitted_unsigned(int(left) - int(right))
    if kind in {float, dt.datetime, dt.timedelta}:
        return left - right
    raise no_overload()


def multiply(left: Any, right: Any) -> Any:
    """Evaluate `left * right`."""
    kind = _typed(left, right)
    if kind is int:
        return fitted(left * right)
    if kind is Uint:
        return fitted_unsigned(int(left) * int(right))
    if kind is float:
        return left * right
    raise no_overload()


def divide(left: Any, right: Any) -> Any:
    """Evaluate `left / right`; integers are cut towards zero."""
    kind = _typed(left, right)
    if kind is float:
        if right == 0:
            return float("nan") if left == 0 or left != left else left * float("inf")  # noqa: PLR0124
        return left / right
    if kind not in {int, Uint}:
        raise no_overload()
    if right == 0:
        raise Fault("division by zero")
    quotient = abs(int(left)) // abs(int(right))
    signed = quotient if (left < 0) == (right < 0) else -quotient
    return fitted_unsigned(signed) if kind is Uint else fitted(signed)


def modulo(left: Any, right: Any) -> Any:
    """Evaluate `left % right`; the sign is the left one's."""
    kind = _typed(left, right)
    if kind not in {int, Uint}:
        raise no_overload()
    if right == 0:
        raise Fault("modulus by zero")
    rest = abs(int(left)) % abs(int(right))
    signed = rest if left >= 0 else -rest
    return Uint(signed) if kind is Uint else signed


def negate(value: Any) -> Any:
    """Evaluate `-value`."""
    if type(value) is int:
        return fitted(-value)
    if type(value) is float:
        return -value
    raise no_overload()


def invert(value: Any) -> bool:
    """Evaluate `!value`."""
    if value is True:
        return False
    if value is False:
        return True
    raise no_overload()


def index(container: Any, key: Any) -> Any:
    """Evaluate `container[key]`."""
    if type(container) is Optional:
        return optional_index(container, key)
    if type(container) is dict:
        found = cast("dict[Any, Any]", container)
        if type(key) is bool or key not in found:
            raise Fault(f"no such key: {key}")
        return found[key]
    if type(container) is list:
        items = cast("list[Any]", container)
        if not values.is_number(key) or key != int(key):
            raise Fault(f"unsupported index type '{values.type_name(key)}' in list")
        if not 0 <= key < len(items):
            raise Fault(f"index out of bounds: {key}")
        return items[int(key)]
    raise no_overload()


def optional_index(container: Any, key: Any) -> Optional:
    """Evaluate `container[?key]`, and `container.?key`."""
    if type(container) is Optional:
        return optional_index(container.value, key) if container.present else NONE
    try:
        return Optional(present=True, value=index(container, key))
    except Fault:
        return NONE


def _two(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    return function


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "_+_": add,
    "_-_": subtract,
    "_*_": multiply,
    "_/_": divide,
    "_%_": modulo,
    "-_": negate,
    "!_": invert,
    "@in": _two(lambda item, container: values.contains(container, item)),
    "_==_": values.equal,
    "_!=_": _two(lambda left, right: not values.equal(left, right)),
    "_<_": _two(lambda left, right: values.compare(left, right) < 0),
    "_<=_": _two(lambda left, right: values.compare(left, right) <= 0),
    "_>_": _two(lambda left, right: values.compare(left, right) > 0),
    "_>=_": _two(lambda left, right: values.compare(left, right) >= 0),
}
"""Operators that take their operands evaluated, by the name that CEL gives them."""
