"""What stands in the way of an installation, and how is it said?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ouranos.kit import errors


class Trouble(NamedTuple):
    """One thing that is wrong, and what a person could do."""

    message: str
    hint: str = ""


class RefusedError(errors.OuranosError):
    """Nothing was changed, for every one of these reasons."""

    def __init__(self, troubles: Iterable[Trouble]) -> None:
        self.troubles = tuple(troubles)
        super().__init__("; ".join(one.message for one in self.troubles))


class BrokenOffError(errors.OuranosError):
    """The cluster refused something after other things were done; the same again goes on."""


class LateError(errors.OuranosError):
    """What was done is not working in time; the message says what is awaited."""
