"""Did a pass change anything? Said by whatever changes the world, asked by the loop."""

import contextlib
from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Effects:
    """What one pass has tried to change, here or outside; shared by all its tasks and threads."""

    count: int = 0


_PRESENT: ContextVar[Effects | None] = ContextVar("effects", default=None)


@contextlib.contextmanager
def counted() -> Generator[Effects]:
    """Count what is changed in the block, and in the tasks and threads that it starts."""
    effects = Effects()
    token = _PRESENT.set(effects)
    try:
        yield effects
    finally:
        _PRESENT.reset(token)


def note() -> None:
    """Say that something is about to be changed; outside `counted` nobody listens."""
    effects = _PRESENT.get()
    if effects is not None:
        effects.count += 1
