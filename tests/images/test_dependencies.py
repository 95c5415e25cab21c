import hypothesis
import pytest
from hypothesis import strategies

from ouranos.images import dependencies

STANZAS = """\
Package: server
Version: 1
Depends: library (>= 1), shell | other-shell, mailer [linux-any]
Pre-Depends: loader
Description: a server
 that: serves

Package: library
Version: 2
Depends: loader, server-common (= 1)

Package: loader

Package: server-common

Package: postman
Provides: mailer (= 3), letter-box
Depends: loader

Package: shell
Depends: perl:any
"""


def closure(names: list[str], absent: list[str]) -> list[str]:
    return dependencies.parse(STANZAS).closure(names, absent)


def test_everything_that_is_needed_comes_along_by_alternatives_and_provided_names() -> None:
    assert closure(["server"], ["perl"]) == [
        "library",
        "loader",
        "postman",
        "server",
        "server-common",
        "shell",
    ]


def test_what_counts_as_there_brings_nothing_along() -> None:
    assert closure(["server"], ["shell", "mailer", "library"]) == ["loader", "server"]


def test_a_later_alternative_that_is_there_is_enough() -> None:
    assert "shell" in closure(["server"], ["other-shell", "perl"])


def test_a_need_that_apt_saw_fulfilled_by_what_is_taken_for_installed_is_fulfilled() -> None:
    assert closure(["shell"], []) == ["shell"]


def test_a_package_that_was_not_chosen_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        closure(["stranger"], [])


@hypothesis.given(
    strategies.dictionaries(
        strategies.sampled_from("abcdef"),
        strategies.lists(strategies.lists(strategies.sampled_from("abcdef"), min_size=1)),
    ),
    strategies.sets(strategies.sampled_from("abcdef")),
)
def test_dividing_among_layers_loses_nothing_and_repeats_nothing(
    needs: dict[str, list[list[str]]], lower: set[str]
) -> None:
    graph = dependencies.Graph(needs, {})
    everything = set(needs)
    below = set(graph.closure(lower & everything, []))
    above = set(graph.closure(everything, below))
    assert (below | above) & everything == everything
    assert not below & above
