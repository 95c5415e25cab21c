"""Who else owns what an apply wants to change? The error that says so."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One field that another manager owns; the shape of a `Status` cause."""

    field: str
    manager: str
    reason: str = "FieldManagerConflict"

    @property
    def message(self) -> str:
        """What `kubectl apply --server-side` prints."""
        return f"conflict with {self.manager}"


class Conflicts(Exception):
    """An apply that would change fields of other managers and was not forced to."""

    def __init__(self, found: Sequence[Cause]) -> None:
        super().__init__(_message(found))
        self.causes = tuple(found)


def _message(found: Sequence[Cause]) -> str:
    if len(found) == 1:
        (only,) = found
        return f"Apply failed with 1 conflict: {only.message}: {only.field}"
    lines: list[str] = []
    for manager in sorted({cause.manager for cause in found}):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {cause.field}" for cause in found if cause.manager == manager]
    return f"Apply failed with {len(found)} conflicts: " + "\n".join(lines)
