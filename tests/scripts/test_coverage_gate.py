"""Does the gate name a room that is covered too little, and what of it is missing?"""

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "coverage_gate.py"


@pytest.fixture(scope="module")
def gate() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.mark.parametrize(
    ("path", "room"),
    [
        ("src/ouranos/kit/queue.py", "kit"),
        ("src/ouranos/engine/apiserver/schema/cel/lists.py", "engine/apiserver"),
        ("src/ouranos/engine/__init__.py", "engine"),
        ("src/ouranos/__init__.py", "ouranos"),
        ("runtime/src/ouranos_runtime/nova.py", "runtime"),
    ],
)
def test_a_file_is_in_one_room(gate: dict[str, Any], path: str, room: str) -> None:
    assert gate["room_of"](path) == room


def test_lines_are_written_as_a_person_writes_them(gate: dict[str, Any]) -> None:
    assert gate["spans"]([9, 3, 4, 5, 12, 13]) == "3-5, 9, 12-13"
    assert gate["spans"]([]) == ""


def file(run: int, lines: tuple[int, ...] = (), branches: tuple[Any, ...] = ()) -> dict[str, Any]:
    missing = len(lines) + len(branches)
    return {
        "missing_lines": list(lines),
        "missing_branches": [list(one) for one in branches],
        "summary": {
            "num_statements": run + missing,
            "num_branches": 0,
            "covered_lines": run,
            "covered_branches": 0,
        },
    }


def test_lines_and_branches_count_alike_and_nothing_is_rounded_up(gate: dict[str, Any]) -> None:
    files = {
        "src/ouranos/kit/a.py": file(9_998, (7, 8), ((7, 9), (3, 5), (4, -1))),
        "src/ouranos/kit/b.py": file(50_000),
        "src/ouranos/api/c.py": file(1),
    }
    found = gate["rooms"](files)
    assert found["api"].share == 100
    assert found["kit"].share == 99.99
    assert found["kit"].missing == ["  src/ouranos/kit/a.py: 7-8, 3->5, 4->exit"]


def test_a_room_without_code_is_covered(gate: dict[str, Any]) -> None:
    assert gate["rooms"]({"src/ouranos/engine/__init__.py": file(0)})["engine"].share == 100
