"""How many is `25%` of them? Counts that may be percentages, rounded as Kubernetes does."""

import math
from fractions import Fraction


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
