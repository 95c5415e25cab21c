"""How do steps become conditions? Stages in order, the steps of one side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from ouranos.kit import conditions, metrics, outcome, passes, summary
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Object

S = TypeVar("S")

Step = Callable[[S], Awaitable[outcome.Outcome]]
"""One part of a pass. Its function's name is log key, metric label and, in CamelCase, condition."""


@dataclass(frozen=True)  # no slots: Python 3.11 then refuses Stage[Scope](…)
class Stage(Generic[S]):
    """Steps that do not wait for each other; the next stage waits for all of them."""

    steps: tuple[Step[S], ...]


async def run(
    pass_: passes.Pass,
    scope: S,
    stages: Sequence[Stage[S]],
    *,
    available: Callable[[S], bool] | None = None,
    proofs: Sequence[str] = (),
) -> outcome.Outcome:
    """Run the stages until one is not done, and say in the draft of the status how far it went.

    Args:
        pass_: the pass whose status is written.
        scope: everything the pass has read; given to each step.
        stages: what to do, in order.
        available: whether the object serves its users although a step is not done (a rollout);
            without it, it does when every step is done.
        proofs: looks of the pass that readiness rests on. What was found right before something
            changed has to be found right after it, so a pass that is not done distrusts them.

    Raises:
        ValueError: two steps have one name.
    """
    names = [name_of(step) for stage in stages for step in stage.steps]
    if len(names) != len(set(names)):
        raise ValueError(f"steps share a name: {names}")
    now = pass_.seams.clock.now()
    results: dict[str, outcome.Outcome] = {}
    total = outcome.DONE
    for stage in stages:
        came_to = await asyncio.gather(*(_run_step(pass_, scope, step) for step in stage.steps))
        for step, result in zip(stage.steps, came_to, strict=True):
            results[name_of(step)] = result
            total |= result
        if not total.done:
            break
    if not total.done:
        for what in proofs:
            pass_.distrust(what)
    _say_steps(pass_, names, results, now)
    summary.summarise(pass_.conditions, total, now, pass_.generation)
    _say_available(pass_, total.done or (available is not None and available(scope)), now)
    return total


def name_of(step: Callable[..., object]) -> str:
    """Return the name of a step: its function's."""
    name: str = getattr(step, "__name__", "")
    return name or type(step).__name__


def condition_of(name: str) -> str:
    """Return the condition that tells of a step: `schema_check` → `SchemaCheckReady`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_")) + "Ready"


async def _run_step(pass_: passes.Pass, scope: S, step: Step[S]) -> outcome.Outcome:
    name = name_of(step)
    clock = pass_.seams.clock
    started = clock.monotonic()
    # A step is a task of its own: what it binds ends with it, and unbinding is dear.
    structlog.contextvars.bind_contextvars(step=name)
    result = await outcome.settle(step(scope))
    elapsed = clock.monotonic() - started
    metrics.RECONCILE_SECONDS.observe(pass_.controller, name, value=elapsed)
    return result


def _say_steps(
    pass_: passes.Pass, names: list[str], results: dict[str, outcome.Outcome], now: datetime
) -> None:
    wanted = {condition_of(name) for name in names}
    draft = pass_.conditions
    draft[:] = [one for one in draft if one["type"] in wanted or not _is_of_a_step(one)]
    blocking = next((name for name, result in results.items() if not result.done), "")
    for name in names:
        result = results.get(name)
        if result is None:
            status, reason = conditions.UNKNOWN, Reason.WAITING_FOR_PREVIOUS
            message = f"Waiting for step {blocking}"
        else:
            status = conditions.TRUE if result.done else conditions.FALSE
            reason, message = result.reason, result.sentence
        conditions.set_condition(
            draft, condition_of(name), status, reason, message, now, pass_.generation
        )


def _is_of_a_step(condition: Object) -> bool:
    name: str = condition["type"]
    return name.endswith("Ready") and name != summary.READY


def _say_available(pass_: passes.Pass, is_available: bool, now: datetime) -> None:  # noqa: FBT001
    ready = conditions.find(pass_.conditions, summary.READY) or {}
    conditions.set_condition(
        pass_.conditions,
        summary.AVAILABLE,
        conditions.TRUE if is_available else conditions.FALSE,
        ready.get("reason", Reason.WAITING),
        ready.get("message", ""),
        now,
        pass_.generation,
    )
