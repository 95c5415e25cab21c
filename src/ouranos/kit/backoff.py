"""How long until the next try? One rule for the queue and the reflector."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """A wait that doubles from `first` to `longest` seconds, with full jitter."""

    first: float = 1.0
    longest: float = 300.0

    def ceiling(self, failures: int) -> float:
        """Return the longest wait after so many failures in a row, the first being 1."""
        doublings = min(max(failures - 1, 0), 32)
        return min(self.longest, self.first * 2.0**doublings)

    def wait(self, failures: int, chance: random.Random) -> float:
        """Return the wait: anything up to the ceiling, so that many that failed together part."""
        return chance.uniform(0, self.ceiling(failures))
