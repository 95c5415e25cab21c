"""Does the table say what was measured, and does nobody overlook what is above its must?"""

from __future__ import annotations

import pytest

from ouranos.bench import figures


def full(**changed: figures.Measured) -> figures.Table:
    """A table in which every row has reached its aim, but for those that are given."""
    table = figures.Table()
    for name, row in figures.ROWS.items():
        limit = row.aim or figures.Limit(1.0)
        table.measured[name] = figures.Measured(limit.most, 1.0)
    table.measured |= changed
    return table


def test_a_row_says_must_aim_measured_and_cpu_seconds() -> None:
    table = full(bare=figures.Measured(93.4, 145.2))
    assert table.line("bare") == (
        "| bare machine → guest answers HTTP by its floating IP | ≤ 130 s, 180 CPU-s | ≤ 80 s "
        "| 93 s | 145 | must |"
    )


def test_figures_within_their_must_are_no_complaint() -> None:
    table = full()
    assert table.complaints() == []
    assert "Every figure is within its must." in figures.section("Solo", table, facts={})


@pytest.mark.parametrize(
    "measured", [figures.Measured(131, 100), figures.Measured(90, 181), figures.Measured(90)]
)
def test_a_figure_above_its_must_is_marked_and_named(measured: figures.Measured) -> None:
    table = full(bare=measured)
    (complaint,) = table.complaints()
    assert complaint.startswith("bare machine")
    assert "≤ 130 s, 180 CPU-s" in complaint
    assert table.line("bare").endswith("| **NO** |")
    page = figures.section("Solo", table, facts={})
    assert "**Above their must, or not measured:**" in page
    assert f"- {complaint}" in page


def test_a_row_that_was_not_measured_says_so_and_why() -> None:
    table = full()
    del table.measured["idle"]
    table.missing["idle"] = "ouranos up failed"
    assert table.complaints() == [
        "idle: share of one core: not measured (ouranos up failed)",
    ]
    assert "**not measured**" in table.line("idle")


def test_a_row_without_bounds_is_never_a_complaint() -> None:
    table = full(**{"gap-switch": figures.Measured(99.0, 3.2)})
    assert table.complaints() == []
    assert table.line("gap-switch").endswith("| 99.0 s | 3.2 |  |")


def test_small_cpu_seconds_are_those_of_one_and_keep_their_digits() -> None:
    table = full(get=figures.Measured(0.7, 0.00044))
    assert "| 0.7 ms | 0.0004 each | aim |" in table.line("get")


def test_what_has_no_cpu_seconds_says_so() -> None:
    assert "| 3.10 GB | - |" in full(memory=figures.Measured(3.1)).line("memory")


def test_a_section_holds_facts_rows_and_details() -> None:
    table = full()
    table.details.append("### More\n")
    section = figures.section("Solo", table, facts={"Machine": "two cores"})
    assert section.startswith("## Solo\n")
    assert "- Machine: two cores" in section
    assert section.count("\n| ") == len(figures.ROWS) + 2
    assert section.endswith("### More\n")


def test_the_page_keeps_the_sections_that_are_not_measured_anew() -> None:
    kubernetes = figures.section("Kubernetes", figures.Table(rows=figures.CLUSTER_ROWS), facts={})
    first = figures.page("", kubernetes)
    assert "## Solo" not in first
    both = figures.page(first, figures.section("Solo", full(), facts={"Machine": "two cores"}))
    assert both.index("## Solo") < both.index("## Kubernetes")
    assert kubernetes.rstrip() in both
    again = figures.page(both, figures.section("Solo", full(), facts={"Machine": "four cores"}))
    assert "four cores" in again
    assert "two cores" not in again
    assert figures.page(again) == again


def test_a_percentile_is_one_of_the_values() -> None:
    assert figures.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert figures.percentile(list(map(float, range(100))), 0.95) == 95.0
    assert figures.percentile([1.0], 0.95) == 1.0
