"""How is a plan carried out? In its order, each step such that the same again goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, cast

from ouranos.install import order, plan, preflight, trouble
from ouranos.kit import cluster, errors, kinds, objects, seams

Say = Callable[[str], None]
_PATIENCE: Final = 60.0
"""Seconds that the API server has to serve kinds, and controllers to end."""
_LOOK_EVERY: Final = 0.2


async def carry_out(
    source: cluster.Cluster, made: plan.Plan, given: seams.Seams, say: Say, *, force: bool = False
) -> None:
    """Do what a plan says; each thing that was done is said.

    Raises:
        trouble.BrokenOffError: the cluster refused something, or a kind that would go is used
            again; what was done before stays.
        trouble.LateError: the API server does not serve our kinds in time, or controllers do not
            end.
    """
    done = 0
    try:
        await _unused(source, made)
        for row in made.changes:
            await _awaited(source, made, row, given)
            await _do(source, row, force=force)
            done += 1
            say(f"{row.action.value}d {row.kind.kind} {row.key}")
        await _until(lambda: _served(source, made), given)
    except errors.ApiError as error:
        raise trouble.BrokenOffError(
            f"after {done} of {len(made.changes)} steps the cluster refused: {error.message}"
        ) from error


async def _awaited(
    source: cluster.Cluster, made: plan.Plan, row: plan.Row, given: seams.Seams
) -> None:
    """Return when a row may be done."""
    if row.kind == kinds.DEPLOYMENT and row.action != plan.Action.REMOVE:
        await _until(lambda: _served(source, made), given)
    if row.kind == kinds.LEASE:
        # Without it, new controllers would not know of those that still act.
        await _until(lambda: _acting(source, row.key.namespace), given)
    if row in _ended_kinds(made)[:1]:
        await _unused(source, made)


async def _do(source: cluster.Cluster, row: plan.Row, *, force: bool) -> None:
    if row.action == plan.Action.REMOVE:
        await source.delete(row.kind, row.key.name, row.key.namespace, uid=row.uid or None)
    else:
        await source.apply(cast("objects.Object", row.wanted), force=force)


def _ended_kinds(made: plan.Plan) -> list[plan.Row]:
    return [
        row
        for row in made.changes
        if row.kind == kinds.CUSTOM_RESOURCE_DEFINITION and row.action == plan.Action.REMOVE
    ]


async def _unused(source: cluster.Cluster, made: plan.Plan) -> None:
    """Return if nobody uses the kinds that a plan removes: they would take all objects along.

    Raises:
        trouble.BrokenOffError: somebody has made an object since the plan was.
    """
    for row in _ended_kinds(made):
        definition = await source.get(row.kind, row.key.name)
        for one in await plan.every(source, definition) if definition else []:
            raise trouble.BrokenOffError(
                f"{one['kind']} {objects.key_of(one)} has come since the plan was made; "
                "what has gone before, ouranos install brings back"
            )


async def _until(look: Callable[[], Awaitable[str]], given: seams.Seams) -> None:
    """Return when nothing is awaited any more."""
    began = given.clock.monotonic()
    while awaited := await look():
        if given.clock.monotonic() - began > _PATIENCE:
            raise trouble.LateError(f"waited {_PATIENCE:.0f} s for {awaited}")
        await given.clock.sleep(_LOOK_EVERY)


async def _served(source: cluster.Cluster, made: plan.Plan) -> str:
    """What the API server does not serve of our kinds: the controllers need them at once."""
    names = [row.key.name for row in made.rows if _is_served_by(row)]
    return await preflight.established(source, names)


async def _acting(source: cluster.Cluster, place: str) -> str:
    """The first of the controllers' pods that has not ended."""
    pods = (await source.list(kinds.POD, place, labels=order.SELECTED)).items
    return f"pod {objects.key_of(pods[0])} to end" if pods else ""


def _is_served_by(row: plan.Row) -> bool:
    gone = (plan.Action.REMOVE, plan.Action.KEEP)
    return row.kind == kinds.CUSTOM_RESOURCE_DEFINITION and row.action not in gone
