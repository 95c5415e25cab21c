"""Are people told what they would ask about, once, and not too much?"""

from collections.abc import Callable
from typing import Any

import pytest

from ouranos.kit import cluster, conditions, controller, errors, events, kinds, outcome, seams

pytestmark = pytest.mark.virtual_time
Make = Callable[..., Any]


def ready(status: str, reason: str = "Waiting", message: str = "m") -> dict[str, str]:
    return {"type": "Ready", "status": status, "reason": reason, "message": message}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, None, None),
        (None, ready("True"), ("Normal", "Ready", "m")),
        (ready("False"), ready("True"), ("Normal", "Ready", "m")),
        (ready("True"), ready("True"), None),
        (None, ready("False"), None),
        (ready("False"), ready("False", message="other"), None),
        (ready("True"), ready("False"), ("Warning", "NotReady", "m")),
        (ready("True"), ready("False", "InvalidSpec"), ("Warning", "InvalidSpec", "m")),
        (None, ready("False", "Unrecoverable"), ("Warning", "Unrecoverable", "m")),
        (ready("False", "Unrecoverable"), ready("False", "Unrecoverable"), None),
        (
            ready("False", "Unrecoverable", "one"),
            ready("False", "Unrecoverable", "two"),
            ("Warning", "Unrecoverable", "two"),
        ),
    ],
)
def test_what_is_told_of_a_change(before: Any, after: Any, told: Any) -> None:
    assert events.of_change(before, after) == told


async def test_an_object_s_way_is_told(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    said = ["wait", "done", "fail", "done"]

    async def reconcile(_pass: controller.Pass) -> outcome.Outcome:
        now = said[0]
        if now == "fail":
            raise errors.Terminal(conditions.Reason.UNRECOVERABLE, "a person must decide")
        return outcome.DONE if now == "done" else outcome.wait("Secret/x to be made")

    await source.create(keystone())
    async with running(controlling(reconcile)):
        while said:
            await given.clock.sleep(2)
            said.pop(0)
            touch = {"metadata": {"annotations": {"left": str(len(said))}}}
            if said:
                await source.patch(kinds.KEYSTONE, "keystone", "home", touch)
    found = (await source.list(kinds.EVENT, "home")).items
    told = [(one["type"], one["reason"], one["message"], one["count"]) for one in found]
    assert sorted(told) == [
        ("Normal", "Ready", "Everything is as described", 1),
        ("Warning", "Unrecoverable", "a person must decide", 1),
    ]
    assert {one["involvedObject"]["name"] for one in found} == {"keystone"}


async def test_of_one_reason_not_too_much_is_told(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        for number in range(30):
            await p.event("Warning", "Noisy", f"message {number}")
        await p.event("Normal", "Quiet", "something else")
        return outcome.DONE

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(2)
    found = [one["reason"] for one in (await source.list(kinds.EVENT, "home")).items]
    assert found.count("Noisy") == 10
    assert found.count("Quiet") == 1


async def test_an_event_that_the_server_has_let_go_is_told_anew(
    source: cluster.Cluster, given: seams.Seams, running: Make, controlling: Make, keystone: Make
) -> None:
    async def reconcile(p: controller.Pass) -> outcome.Outcome:
        await p.event("Warning", "Broken", "the same as ever")
        return outcome.DONE

    async def told() -> list[str]:
        found = (await source.list(kinds.EVENT, "home")).items
        return [one["metadata"]["name"] for one in found if one["reason"] == "Broken"]

    await source.create(keystone())
    async with running(controlling(reconcile)):
        await given.clock.sleep(1)
        (first,) = await told()
        await source.delete(kinds.EVENT, first, "home")
        await given.clock.sleep(120)
        touch = {"metadata": {"annotations": {"touched": "again"}}}
        await source.patch(kinds.KEYSTONE, "keystone", "home", touch)
        await given.clock.sleep(1)
        assert len(await told()) == 1
