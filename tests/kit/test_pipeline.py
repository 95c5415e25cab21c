"""Do steps become conditions, and does a stage wait for the one before it?"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ouranos.kit import cache, cluster, conditions, errors, outcome, passes, pipeline, seams

pytestmark = pytest.mark.virtual_time


class Steps:
    """Steps that return what they are told; the scope is this."""

    def __init__(self) -> None:
        self.results: dict[str, outcome.Outcome | Exception] = {}
        self.ran: list[str] = []

    def come_to(self, name: str) -> outcome.Outcome:
        self.ran.append(name)
        result = self.results.get(name, outcome.DONE)
        if isinstance(result, Exception):
            raise result
        return result


async def database(scope: Steps) -> outcome.Outcome:
    return scope.come_to("database")


async def message_queue(scope: Steps) -> outcome.Outcome:
    return scope.come_to("message_queue")


async def health(scope: Steps) -> outcome.Outcome:
    return scope.come_to("health")


class Notice:
    async def __call__(self, scope: Steps) -> outcome.Outcome:
        return scope.come_to("notice")


STAGES = (pipeline.Stage((database, message_queue)), pipeline.Stage((health,)))


@pytest.fixture
async def current(
    source: cluster.Cluster, given: seams.Seams, keystone: Any, memory: passes.Memory
) -> passes.Pass:
    made = await source.create(keystone())
    return passes.Pass("keystone", made, source, cache.Cache(), given, memory)


def said(current: passes.Pass) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in current.conditions}


async def test_all_steps_of_a_stage_run_even_if_one_fails(current: passes.Pass) -> None:
    steps = Steps()
    steps.results = {"database": OSError("refused"), "message_queue": outcome.wait("Vhost nova")}
    result = await pipeline.run(current, steps, STAGES)
    assert steps.ran == ["database", "message_queue"]
    assert result.waits == ("Vhost nova",)
    assert said(current) == {
        "DatabaseReady": ("False", "TransientError"),
        "MessageQueueReady": ("False", "Waiting"),
        "HealthReady": ("Unknown", "WaitingForPrevious"),
        "Ready": ("False", "TransientError"),
        "Progressing": ("True", "TransientError"),
        "Available": ("False", "TransientError"),
    }
    health_said = conditions.find(current.conditions, "HealthReady") or {}
    assert health_said["message"] == "Waiting for step database"
    assert {one["observedGeneration"] for one in current.conditions} == {1}


async def test_when_all_is_done_all_is_true(current: passes.Pass) -> None:
    await pipeline.run(current, Steps(), STAGES)
    assert set(said(current).values()) == {("True", "Succeeded"), ("False", "Succeeded")}
    assert said(current)["Progressing"] == ("False", "Succeeded")


async def test_what_still_serves_is_available(current: passes.Pass) -> None:
    steps = Steps()
    steps.results = {"health": outcome.wait("Deployment keystone-api")}
    asked: Callable[[Steps], bool] = lambda _scope: True  # noqa: E731
    await pipeline.run(current, steps, STAGES, available=asked)
    assert said(current)["Available"] == ("True", "Waiting")
    assert said(current)["Ready"] == ("False", "Waiting")


async def test_what_is_terminal_stops_progress(current: passes.Pass) -> None:
    steps = Steps()
    final = errors.Terminal(conditions.Reason.UNRECOVERABLE, "a stranger's database")
    steps.results = {"database": final}
    await pipeline.run(current, steps, STAGES)
    assert said(current)["Progressing"] == ("False", "Unrecoverable")


async def test_a_proof_is_made_again_after_something_was_not_done(current: passes.Pass) -> None:
    steps = Steps()

    async def look() -> outcome.Outcome:
        return steps.come_to("look")

    async def proof(_: Steps) -> outcome.Outcome:
        return await current.look("proof", "", look, timedelta(minutes=1))

    async def once() -> None:
        stages = (pipeline.Stage((database,)), pipeline.Stage[Steps]((proof,)))
        await pipeline.run(current, steps, stages, proofs=("proof",))

    await once()
    await once()
    assert steps.ran.count("look") == 1
    steps.results = {"database": outcome.wait("the server")}
    await once()
    steps.results = {}
    await once()
    assert steps.ran.count("look") == 2


async def test_a_step_that_is_no_more_leaves_no_condition(current: passes.Pass) -> None:
    await pipeline.run(current, Steps(), STAGES)
    await pipeline.run(current, Steps(), STAGES[:1])
    assert "HealthReady" not in said(current)
    assert "Ready" in said(current)


async def test_a_step_may_be_an_object(current: passes.Pass) -> None:
    await pipeline.run(current, Steps(), [pipeline.Stage((Notice(),))])
    assert "NoticeReady" in said(current)


async def test_two_steps_of_one_name_are_refused(current: passes.Pass) -> None:
    with pytest.raises(ValueError, match="share a name"):
        await pipeline.run(current, Steps(), [pipeline.Stage((database, database))])
