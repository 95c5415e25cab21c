"""What amount does a resource quantity such as `500m` or `10Gi` name?

Asked by the embedded API, which checks and writes quantities, and by nodes and workloads, which
reckon with them.
"""

import math
import re
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?:(?P<suffix>[KMGTPE]i|[numkMGTPE])|[eE](?P<exponent>[+-]?\d+))?\Z"
)
_SCALES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


def parse(text: str) -> Decimal | None:
    """Return the amount; None where the text is no quantity."""
    found = _QUANTITY.match(text)
    if found is None:
        return None
    number = Decimal(found["number"])
    if found["exponent"] is not None:
        return number.scaleb(int(found["exponent"]))
    return number * _SCALES[found["suffix"] or ""]


def number(value: str | float) -> Fraction:
    """Return the exact number that a quantity means.

    Raises:
        ValueError: it is no quantity.
    """
    amount = parse(str(value).strip())
    if amount is None:
        raise ValueError(f"{value!r} is no quantity")
    return Fraction(amount)


def whole(value: str | float) -> int:
    """Return a quantity as a whole number, rounded up, as Kubernetes does."""
    return math.ceil(number(value))


def milli(value: str | float) -> int:
    """Return a quantity in thousandths, rounded up: `0.5` CPU is 500."""
    return math.ceil(number(value) * 1000)


def same(one: str | float, other: str | float) -> bool:
    """Whether two quantities, however they are written, are the same amount."""
    return number(one) == number(other)


_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_SMALLEST = -9
_LEAST_BINARY = 1024


def canonical(text: str) -> str:
    """Return a quantity as Kubernetes writes it: `1024Mi` as `1Gi`, `0.5` as `500m`.

    Without a fraction, by the largest unit that needs none, of the family in which it is given
    (`Quantity.CanonicalizeBytes` in k8s.io/apimachinery); a text that is no quantity stays.
    """
    found = _QUANTITY.match(text)
    amount = parse(text)
    if found is None or amount is None:
        return text
    if (found["suffix"] or "").endswith("i") and abs(amount) >= _LEAST_BINARY:
        return _in_steps(int(amount.to_integral_value(ROUND_CEILING)), 1024, _BINARY)
    nano = int(amount.scaleb(-_SMALLEST).to_integral_value(ROUND_CEILING))
    if nano == 0:
        return "0"
    units = _EXPONENTS if found["exponent"] is not None else _DECIMAL
    return _in_steps(nano, 1000, units)


_EXPONENTS = tuple(f"e{power}" if power else "" for power in range(_SMALLEST, 19, 3))


def _in_steps(number: int, step: int, units: tuple[str, ...]) -> str:
    index = 0
    while number % step == 0 and index < len(units) - 1:
        number, index = number // step, index + 1
    return f"{number}{units[index]}"
