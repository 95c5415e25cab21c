"""Did a pass change anything? Said by whatever changes the world, asked by the loop."""

import contextlib
from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import dataclass


class WithheldError(Exception):
    """Who was only to look would have changed something; nothing was sent."""


@dataclass(slots=True)
class Effects:
    """What one pass has tried to change, here or outside; shared by all its tasks and threads."""

    count: int = 0
    allowed: bool = True


_PRESENT: ContextVar[Effects | None] = ContextVar("effects", default=None)


@contextlib.contextmanager
def counted(*, allowed: bool = True) -> Generator[Effects]:
    """Count what is changed in the block, and in the tasks and threads that it starts.

    Args:
        allowed: whether anything may be changed; else the first try raises `WithheldError`.
    """
    effects = Effects(allowed=allowed)
    token = _PRESENT.set(effects)
    try:
        yield effects
    finally:
        _PRESENT.reset(token)


def note() -> None:
    """Say that something is about to be changed; outside `counted` nobody listens.

    MUST be called before the change is sent.

    Raises:
        WithheldError: it must not be.
    """
    effects = _PRESENT.get()
    if effects is not None:
        effects.count += 1
        if not effects.allowed:
            raise WithheldError("something outside is not as it should be")
