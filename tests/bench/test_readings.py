"""Are counters, histograms and answers read as what they are?"""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from ouranos.bench import command, figures, gap, machine, passes, place, servers
from ouranos.kit import metrics

_BEFORE = """
x_bucket{kind="nova",le="0.005"} 10
x_bucket{kind="nova",le="+Inf"} 20
"""
_AFTER = """
x_bucket{kind="nova",le="0.005"} 29
x_bucket{kind="nova",le="+Inf"} 40
x_bucket{kind="cloud",le="0.005"} 80
x_bucket{kind="cloud",le="+Inf"} 80
x_bucket{kind="idle",le="0.005"} 0
x_bucket{kind="idle",le="+Inf"} 0
y_bucket{kind="nova",le="0.005"} 7
"""


def test_only_what_a_histogram_has_gained_counts() -> None:
    found = passes.gained(_BEFORE, _AFTER, "x")
    assert set(found) == {"nova", "cloud"}
    assert passes.count(found["nova"]) == 20
    assert passes.quantile(found["nova"], 0.95) == 5.0
    assert passes.quantile(found["nova"], 1.0) == float("inf")
    assert passes.quantile(found["cloud"], 1.0) == 5.0


def test_the_histogram_of_the_daemon_is_read() -> None:
    before = metrics.render()
    for value in (0.0004, 0.0045, 0.019):
        metrics.UNCHANGED_SECONDS.observe("bench-test", value=value)
    found = passes.gained(before, metrics.render(), metrics.UNCHANGED_SECONDS.name)
    assert passes.count(found["bench-test"]) == 3
    assert passes.quantile(found["bench-test"], 0.5) == 5.0
    assert passes.quantile(found["bench-test"], 1.0) == 20.0


def test_all_kinds_together_make_the_row_and_each_has_a_line() -> None:
    table = figures.Table()
    looks = passes.gained(_BEFORE, _AFTER, "x")["cloud"]
    found = passes.Passes(passes.gained(_BEFORE, _AFTER, "x"), cpu=2.0, looks=looks)
    passes.fill(table, found)
    assert table.measured["look"] == figures.Measured(5.0)
    assert table.measured["pass"] == figures.Measured(5.0, 0.02)
    assert "| cloud | 80 | ≤ 5 | ≤ 5 | ≤ 5 |" in table.details[0]
    assert "| nova | 20 | ≤ 5 | ≤ 5 | ≤ inf |" in table.details[0]


def test_a_cloud_where_nothing_outside_was_looked_at_has_no_such_figure() -> None:
    table = figures.Table()
    found = passes.Passes(passes.gained(_BEFORE, _AFTER, "x"), cpu=2.0, looks=Counter())
    passes.fill(table, found)
    assert "look" not in table.measured
    assert table.missing["look"]


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ("", 0.0),
        ("yyyy", 0.0),
        ("yynyy", 0.05),
        ("ynnnyny", 0.15),
        ("ynnnn", 0.2),
    ],
)
def test_a_gap_is_the_longest_row_of_questions_without_an_answer(
    answers: str, seconds: float
) -> None:
    asked = [(number * 0.05, letter == "y") for number, letter in enumerate(answers)]
    assert gap.longest_gap(list(reversed(asked))) == pytest.approx(seconds)


def test_a_server_is_counted_from_the_line_before_it() -> None:
    spending = servers.Spending(itertools.count(10).__next__)
    for line in (
        "   0.10s  network",
        "   4.00s  server ACTIVE: x",
        "   3.00s  HTTP by floating IP",
    ):
        spending.listen(line)
    assert spending.until(servers.ACTIVE) == 1
    assert spending.until(servers.ANSWERS) == 2


def test_without_a_line_before_the_server_nothing_is_counted() -> None:
    spending = servers.Spending(lambda: 0.0)
    spending.listen("server ACTIVE")
    with pytest.raises(LookupError):
        spending.until(servers.ACTIVE)
    with pytest.raises(LookupError):
        spending.until(servers.ANSWERS)


class Counting(machine.Meter):
    """Reads one second more each time."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self) -> machine.Spent:
        self.reads += 1
        return machine.Spent(float(self.reads), self.reads * 2.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Proving(command.Ouranos):
    """Verifies a cloud whose proofs are known."""

    lines: tuple[str, ...] = ()

    def verify(self, listen: command.Listener) -> dict[str, float]:
        for line in self.lines:
            listen(line)
        return {}


def test_a_guest_has_answered_when_it_is_first_said(tmp_path: Path) -> None:
    lines = ("server ACTIVE: x", "HTTP by floating IP", "HTTP by floating IP, again")
    ouranos = Proving(place.Place(tmp_path), lines=lines)
    assert servers.guest_answers(ouranos, Counting()) == figures.Measured(1.0, 2.0)


def test_the_middle_of_three_is_one_of_them() -> None:
    found = [figures.Measured(value, value * 2) for value in (5.0, 3.0, 4.0)]
    assert servers.middle(found) == figures.Measured(4.0, 8.0)


def test_a_process_has_used_what_its_ended_children_have() -> None:
    before = machine.cpu_of(os.getpid()).children
    subprocess.run(
        ["/bin/sh", "-c", "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done"], check=True
    )
    used = machine.cpu_of(os.getpid())
    assert used.children > before
    assert used.own > 0
    assert machine.cpu_of(2**22 + 1) == machine.Used(0.0, 0.0)


def test_the_machine_is_described() -> None:
    assert len(machine.load().split()) == 3
    assert "cores" in machine.described()
    assert os.getpid() in machine.processes_naming("python")
    spent = machine.Meter().read()
    assert spent.wall >= 0
    assert machine.pss_of({os.getpid()}) > machine.MIB
