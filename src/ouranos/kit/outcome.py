"""What did a step, or a whole pass, come to? The value that every step returns."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

from ouranos.kit import conditions, errors

T = TypeVar("T")

_BUGS: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    RecursionError,
    TypeError,
    UnicodeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is awaited, what failed, when to look again, and what was found. `|` keeps all of both.

    Attributes:
        waits: each names an object or a fact that is awaited.
        failures: what went wrong.
        again_in: when to look again.
        found: facts that a look has brought home, for a status.
    """

    waits: tuple[str, ...] = ()
    failures: tuple[Exception, ...] = ()
    again_in: timedelta | None = None
    found: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __or__(self, other: "Outcome") -> "Outcome":
        """Merge two outcomes: all waits, all failures, the sooner wake-up, all facts."""
        return Outcome(
            self.waits + other.waits,
            self.failures + other.failures,
            _sooner(self.again_in, other.again_in),
            {**self.found, **other.found},
        )

    @property
    def done(self) -> bool:
        """Whether nothing is awaited and nothing failed."""
        return not self.waits and not self.failures

    @property
    def reason(self) -> conditions.Reason:
        """The reason that says what the reader should do about the whole."""
        final = [one.reason for one in self.failures if isinstance(one, errors.Terminal)]
        if any(map(is_bug, self.failures)):
            return conditions.Reason.INTERNAL_ERROR
        if len(final) < len(self.failures):
            return conditions.Reason.TRANSIENT_ERROR
        if final:
            return final[0]
        return conditions.Reason.WAITING if self.waits else conditions.Reason.SUCCEEDED

    @property
    def terminal(self) -> bool:
        """Whether something failed and nothing that failed is worth another try."""
        return bool(self.failures) and all(
            isinstance(failure, errors.Terminal) for failure in self.failures
        )

    @property
    def sentence(self) -> str:
        """The whole outcome in one sentence, failures first."""
        parts = [_told(failure) for failure in self.failures]
        parts += list(self.waits)
        return "; ".join(dict.fromkeys(parts))


DONE: Final = Outcome()


def wait(reason: str, poll: timedelta | None = None) -> Outcome:
    """Return an outcome that awaits something.

    Args:
        reason: names the object or fact that is awaited.
        poll: when to look again; only where no watch will report it.
    """
    return Outcome(waits=(reason,), again_in=poll)


def fail(error: Exception) -> Outcome:
    """Return an outcome of something that failed."""
    return Outcome(failures=(error,))


async def settle(work: Awaitable[Outcome]) -> Outcome:
    """Await a step or a pass; whatever it raises becomes a failure in the outcome."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the one place: a broken pass must not stop the others
        return fail(error)


def attempt(told: Callable[[Exception], None], work: Callable[[], T], otherwise: T) -> T:
    """Return what a pure function of a controller returns; tell of what it raises, and go on."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - as above: an author's mistake must not end the process
        told(error)
        return otherwise


def is_bug(error: Exception) -> bool:
    """Whether the error tells of a mistake in the code, not of the world."""
    return isinstance(error, _BUGS)


def _sooner(one: timedelta | None, other: timedelta | None) -> timedelta | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _told(error: Exception) -> str:
    text = str(error)
    if isinstance(error, errors.OuranosError):
        return text or type(error).__name__
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
