"""One run of `verify`: who we are in the cloud, what we made, and how long each proof took."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

Say = Callable[[str], None]


class ProofError(Exception):
    """The cloud does not do what it must; the message says what was seen."""


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing that was shown."""

    name: str
    seconds: float
    detail: str


@dataclass(slots=True)
class Story:
    """What the proofs have in common.

    Attributes:
        admin: the administrator's openstacksdk connection; makes the project, finds leftovers.
        tenant: the connection of an ordinary user; everything is proved with it.
        token: random text that has to come back from inside the guest.
    """

    admin: Any
    token: str
    public_network: str
    flavor: str
    say: Say
    tenant: Any = None
    project: str = ""
    user: str = ""
    made: dict[str, Any] = field(default_factory=dict[str, Any])
    proofs: list[Proof] = field(default_factory=list[Proof])
    begun: float = field(default_factory=time.monotonic)

    @contextmanager
    def proof(self, name: str) -> Generator[list[str]]:
        """Time one proof; what is put into the list becomes its detail."""
        detail: list[str] = []
        began = time.monotonic()
        yield detail
        proof = Proof(name, round(time.monotonic() - began, 2), ", ".join(detail))
        self.proofs.append(proof)
        self.say(f"{proof.seconds:7.2f}s  {name}" + (f": {proof.detail}" if detail else ""))

    def report(self) -> dict[str, Any]:
        """The whole as JSON."""
        return {
            "proofs": [asdict(proof) for proof in self.proofs],
            "seconds": round(time.monotonic() - self.begun, 2),
        }


def until(
    look: Callable[[], Any],
    *,
    what: str,
    seconds: float,
    every: float = 0.25,
    failed: Callable[[Any], str] | None = None,
) -> Any:
    """Look again until `look` returns something true.

    Args:
        look: returns what was awaited, or something false.
        what: named in the error.
        seconds: the longest wait.
        every: seconds between two looks.
        failed: says why waiting longer is useless, or returns an empty text.

    Raises:
        ProofError: it did not come in time, or it failed.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if failed is not None and (why := failed(found)):
            raise ProofError(f"{what}: {why}")
        if time.monotonic() > deadline:
            raise ProofError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)
