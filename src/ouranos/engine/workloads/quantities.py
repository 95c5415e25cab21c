"""How much is `500m`, `10Gi`, `25%`? Kubernetes' quantities and rounded percentages as numbers."""

import math
import re
from fractions import Fraction
from typing import Final

_BINARY: Final = {
    unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)
}
_DECIMAL: Final = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_SMALL: Final = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": 1}
_UNITS: Final[dict[str, Fraction | int]] = {**_SMALL, **_DECIMAL, **_BINARY}
_SHAPE: Final = re.compile(r"([+-]?[0-9]*\.?[0-9]+)(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")


def quantity(text: str | float) -> Fraction:
    """Return the exact number that a quantity means.

    Raises:
        ValueError: it is no quantity.
    """
    found = _SHAPE.fullmatch(str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is no quantity")
    number, exponent, unit = found.groups()
    if exponent is not None:
        return Fraction(number) * Fraction(10) ** int(exponent)
    return Fraction(number) * _UNITS[unit or ""]


def share(value: str | int, of: int, *, up: bool) -> int:
    """Return a count, or a percentage of `of`, rounded up or down.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, int):
        return value
    if not value.endswith("%"):
        raise ValueError(f"{value!r} is neither a number nor a percentage")
    exact = Fraction(value[:-1]) * of / 100
    return math.ceil(exact) if up else math.floor(exact)
