"""What is wrong with what a person wrote, and where? Asked by whoever refuses or prints it."""

from __future__ import annotations

import json
from dataclasses import dataclass

Path = tuple[str | int, ...]


def dotted(path: Path) -> str:
    """A path in one line, as Kubernetes writes it: `spec.items[0].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text if text.isprintable() else json.dumps(text)[1:-1]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an object.

    Attributes:
        path: the field that is to blame; it need not be there.
        value: the offending value as the person wrote it; empty where there is none to show.
        message: what is wrong, as the end of a sentence that begins with the field.
        hint: what to do.
        names_key: whether the field's name is wrong, not its value.
    """

    path: Path
    value: str
    message: str
    hint: str
    names_key: bool = False

    def __str__(self) -> str:
        """The problem in one line, as a controller puts it into a condition."""
        subject = ": ".join(part for part in (dotted(self.path), self.value) if part)
        return f"{subject}: {self.message}; hint: {self.hint}"


class InvalidObject(Exception):
    """An object that is not as its kind says."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a file, and where; lines and columns count from 1.

    A line of 0 means the file as a whole.
    """

    file: str
    line: int
    column: int
    message: str
    hint: str

    @property
    def where(self) -> str:
        """What is wrong and where, in a line that editors and terminals understand."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"

    def __str__(self) -> str:
        """Two lines: what is wrong and where, and what to do."""
        return f"{self.where}\n  hint: {self.hint}"


class InputError(Exception):
    """A file that cannot be used. Printing it says all that a person needs."""

    def __init__(self, *mistakes: Mistake) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = mistakes
