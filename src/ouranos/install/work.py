"""How is a plan carried out? In its order, each step such that the same again goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from ouranos.install import plan, preflight, trouble
from ouranos.kit import cluster, errors, kinds, objects, seams

Say = Callable[[str], None]
_ESTABLISHED_SECONDS: Final = 60.0
_LOOK_EVERY: Final = 0.2


async def carry_out(
    source: cluster.Cluster, made: plan.Plan, given: seams.Seams, say: Say, *, force: bool = False
) -> None:
    """Do what a plan says; each thing that was done is said.

    Raises:
        trouble.BrokenOffError: the cluster refused something; what was done before stays.
        trouble.LateError: the API server does not serve our kinds in time.
    """
    done = 0
    try:
        for row in made.changes:
            if row.kind == kinds.DEPLOYMENT and row.action != plan.Action.REMOVE:
                await _served(source, made, given)
            await _do(source, row, force=force)
            done += 1
            say(f"{row.action.value}d {row.kind.kind} {row.key}")
        await _served(source, made, given)
    except errors.ApiError as error:
        raise trouble.BrokenOffError(
            f"after {done} of {len(made.changes)} steps the cluster refused: {error.message}"
        ) from error


async def _do(source: cluster.Cluster, row: plan.Row, *, force: bool) -> None:
    if row.action == plan.Action.REMOVE:
        await source.delete(row.kind, row.key.name, row.key.namespace, uid=row.uid or None)
    else:
        await source.apply(cast("objects.Object", row.wanted), force=force)


async def _served(source: cluster.Cluster, made: plan.Plan, given: seams.Seams) -> None:
    """Return when the API server serves our kinds: the controllers need them at once."""
    names = [row.key.name for row in made.rows if _is_served_by(row)]
    began = given.clock.monotonic()
    while awaited := await preflight.established(source, names):
        if given.clock.monotonic() - began > _ESTABLISHED_SECONDS:
            raise trouble.LateError(f"waited {_ESTABLISHED_SECONDS:.0f} s for {awaited}")
        await given.clock.sleep(_LOOK_EVERY)


def _is_served_by(row: plan.Row) -> bool:
    gone = (plan.Action.REMOVE, plan.Action.KEEP)
    return row.kind == kinds.CUSTOM_RESOURCE_DEFINITION and row.action not in gone
