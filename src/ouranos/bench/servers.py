"""How long does one more server take, and what does the cloud spend on it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ouranos.bench import command, figures, machine, place

ACTIVE = "server ACTIVE"
ANSWERS = "HTTP by floating IP"
"""How verify names the proofs of a server; the first begins with the POST."""
_RUNS = 3


@dataclass(slots=True)
class Spending:
    """What a counter said when each line came."""

    read: Callable[[], float]
    marks: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])

    def listen(self, line: str) -> None:
        """Take in a line."""
        self.marks.append((line, self.read()))

    def until(self, name: str) -> float:
        """What was spent from the POST until the proof of that name.

        Raises:
            LookupError: there was no such proof.
        """
        posted = self._index(ACTIVE) - 1
        if posted < 0:
            raise LookupError("verify said nothing before the server")
        return self.marks[self._index(name)][1] - self.marks[posted][1]

    def _index(self, name: str) -> int:
        for index, (line, _) in enumerate(self.marks):
            if name in line:
                return index
        raise LookupError(f"verify did not say: {name}")


def measure(ouranos: command.Ouranos, where: place.Place, table: figures.Table) -> None:
    """Fill the rows of one more server: the middle of three, each alone."""
    active: list[figures.Measured] = []
    answers: list[figures.Measured] = []
    for _ in range(_RUNS):
        spending = Spending(where.cpu)
        proofs = ouranos.verify(spending.listen)
        first = proofs[ACTIVE]
        second = sum(seconds for name, seconds in proofs.items() if name.startswith(ANSWERS))
        active.append(figures.Measured(first, spending.until(ACTIVE)))
        answers.append(figures.Measured(first + second, spending.until(ANSWERS)))
    table.measured |= {"active": middle(active), "answers": middle(answers)}


def guest_answers(ouranos: command.Ouranos, meter: machine.Meter) -> figures.Measured:
    """What was spent, since the meter was made, until a cloud's guest has answered."""
    answered: list[machine.Spent] = []

    def listen(line: str) -> None:
        if ANSWERS in line:
            answered.append(meter.read())

    ouranos.verify(listen)
    return figures.Measured(answered[0].wall, answered[0].cpu)


def middle(found: list[figures.Measured]) -> figures.Measured:
    """The one that is neither fast nor slow."""
    return sorted(found, key=lambda one: one.value)[len(found) // 2]
