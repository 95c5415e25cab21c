"""Did a pass change anything, and may it? Said by whatever changes the world, asked by the loop."""

import contextlib
from collections.abc import Generator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol


class WithheldError(Exception):
    """Who was only to look would have changed something; nothing was sent."""


class FencedError(Exception):
    """This process may not change anything any more; nothing was sent."""


class Fence(Protocol):
    """What changes must pass: nothing is changed by who cannot prove that he still may."""

    def prove(self) -> None:
        """Return if changes may be sent now.

        MUST be quick, and safe to call in any thread.

        Raises:
            FencedError: they may not.
        """
        ...


@dataclass(slots=True)
class Effects:
    """What one pass has tried to change, here or outside; shared by all its tasks and threads."""

    count: int = 0
    allowed: bool = True


_PRESENT: ContextVar[Effects | None] = ContextVar("effects", default=None)
_FENCE: ContextVar[Fence | None] = ContextVar("fence", default=None)

_BEFORE_BYTES: Final = ".send_request_headers.started"


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


@contextlib.contextmanager
def fenced(fence: Fence) -> Generator[None]:
    """Let no change leave the block, and the tasks and threads that it starts, but by a fence."""
    token = _FENCE.set(fence)
    try:
        yield
    finally:
        _FENCE.reset(token)


def note() -> None:
    """Say that something is about to be changed; outside `counted` nobody listens.

    MUST be called before the change is sent.

    Raises:
        WithheldError: it must not be, because who sends it was only to look.
        FencedError: it must not be, because this process may have been replaced.
    """
    effects = _PRESENT.get()
    if effects is not None:
        effects.count += 1
        if not effects.allowed:
            raise WithheldError("something outside is not as it should be")
    prove()


def prove() -> None:
    """Say that something that was noted is sent now, after whatever it waited for.

    Raises:
        FencedError: it must not be.
    """
    fence = _FENCE.get()
    if fence is not None:
        fence.prove()


async def when_sent(event: str, _info: Any) -> None:
    """Ask for the proof once more where a request's first byte is sent: a `trace` of httpx2."""
    if event.endswith(_BEFORE_BYTES):
        prove()
