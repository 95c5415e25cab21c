"""How much is `500m` or `1Gi`? Kubernetes' quantities as numbers."""

from fractions import Fraction
from typing import Final

_SUFFIXES: Final = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "E": Fraction(10**18),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "Pi": Fraction(2**50),
    "Ei": Fraction(2**60),
}


def parse(value: str | float) -> Fraction:
    """Return the number that a quantity stands for.

    Raises:
        ValueError: it is not a quantity.
    """
    text = str(value).strip()
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if text.endswith(suffix):
            return Fraction(text[: -len(suffix)]) * _SUFFIXES[suffix]
    return Fraction(text)


def whole(value: str | float) -> int:
    """Return a quantity as a whole number, rounded up, as Kubernetes does."""
    return -((-parse(value)) // 1)


def milli(value: str | float) -> int:
    """Return a quantity in thousandths, rounded up: `0.5` CPU is 500."""
    return -((-parse(value) * 1000) // 1)
