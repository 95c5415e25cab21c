"""Does an outcome keep what it is told, however outcomes are merged?"""

import asyncio
from datetime import timedelta

from hypothesis import given as over
from hypothesis import strategies as st

from ouranos.kit import conditions, errors, outcome

FAILURES = [
    errors.Transient("later"),
    errors.Terminal(conditions.Reason.INVALID_SPEC, "never"),
    errors.Terminal(conditions.Reason.UNRECOVERABLE, "ask"),
    OSError("disk"),
    KeyError("bug"),
]

outcomes = st.builds(
    outcome.Outcome,
    waits=st.lists(st.sampled_from(["a", "b", "c"]), max_size=3).map(tuple),
    failures=st.lists(st.sampled_from(FAILURES), max_size=3).map(tuple),
    again_in=st.none() | st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)),
)


@over(outcomes, outcomes, outcomes)
def test_merging_is_associative(
    one: outcome.Outcome, two: outcome.Outcome, three: outcome.Outcome
) -> None:
    assert (one | two) | three == one | (two | three)


@over(outcomes)
def test_done_is_neutral(one: outcome.Outcome) -> None:
    assert one | outcome.DONE == one == outcome.DONE | one


@over(outcomes, outcomes)
def test_merging_loses_nothing_and_wakes_sooner(one: outcome.Outcome, two: outcome.Outcome) -> None:
    both = one | two
    assert set(both.waits) == {*one.waits, *two.waits}
    assert len(both.failures) == len(one.failures) + len(two.failures)
    assert both.done == (one.done and two.done)
    for part in (one, two):
        if part.again_in is not None:
            assert both.again_in is not None
            assert both.again_in <= part.again_in


@over(outcomes, outcomes)
def test_the_worst_reason_does_not_depend_on_the_order(
    one: outcome.Outcome, two: outcome.Outcome
) -> None:
    final = {conditions.Reason.INVALID_SPEC, conditions.Reason.UNRECOVERABLE}
    there, back = (one | two).reason, (two | one).reason
    assert there == back or {there, back} == final


@over(outcomes)
def test_it_is_terminal_only_if_every_failure_is(one: outcome.Outcome) -> None:
    kinds = {isinstance(failure, errors.Terminal) for failure in one.failures}
    assert one.terminal == (kinds == {True})


def test_a_sentence_names_failures_first_and_nothing_twice() -> None:
    result = outcome.wait("Secret a") | outcome.fail(errors.Transient("no answer"))
    assert (result | outcome.wait("Secret a")).sentence == "no answer; Secret a"
    assert outcome.fail(KeyError("spec")).sentence == "KeyError: 'spec'"
    assert outcome.fail(TimeoutError()).sentence == "TimeoutError"
    assert outcome.fail(errors.Transient()).sentence == "Transient"
    assert outcome.DONE.sentence == ""


async def test_what_a_step_raises_becomes_a_failure() -> None:
    async def broken() -> outcome.Outcome:
        raise OSError("disk")

    async def fine() -> outcome.Outcome:
        await asyncio.sleep(0)
        return outcome.wait("it", poll=timedelta(seconds=1))

    assert (await outcome.settle(broken())).reason == conditions.Reason.TRANSIENT_ERROR
    assert await outcome.settle(fine()) == outcome.Outcome(("it",), (), timedelta(seconds=1))


def test_a_function_that_fails_is_told_of_and_replaced() -> None:
    told: list[Exception] = []

    def broken() -> int:
        raise ValueError("bad")

    assert outcome.attempt(told.append, broken, 7) == 7
    assert outcome.attempt(told.append, lambda: 3, 7) == 3
    assert [str(error) for error in told] == ["bad"]
    assert outcome.is_bug(told[0])
    assert not outcome.is_bug(errors.Transient("x"))
