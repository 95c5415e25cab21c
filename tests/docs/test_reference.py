"""The reference is what the code says of itself, now."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_not_stale() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_room_has_a_short_readme() -> None:
    rooms = [path.parent for path in (ROOT / "src" / "ouranos").glob("*/__init__.py")]
    rooms += [path.parent for path in (ROOT / "src" / "ouranos" / "engine").glob("*/__init__.py")]
    for room in rooms:
        readme = room / "README.md"
        assert readme.exists(), f"{room.name} has no README"
        assert len(readme.read_text(encoding="utf-8").splitlines()) <= 40, room.name


def test_adr_numbers_are_used_once() -> None:
    numbers = [path.name[:4] for path in (ROOT / "docs" / "adr").glob("*.md")]
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)
    assert len(numbers) == len(set(numbers))
