"""How do many controllers share one cache, and one process? The outermost part of the kit."""

import asyncio
from collections.abc import Sequence
from typing import Final

from ouranos.kit import (
    cache,
    cluster,
    definition,
    errors,
    loop,
    mirror,
    outcome,
    seams,
)
from ouranos.kit.objects import Key


class ControllerRunner:
    """Runs controllers on one cache; each starts as soon as the kinds it named are known."""

    def __init__(self, controllers: Sequence[definition.Controller], held: mirror.Mirror) -> None:
        """Prepare to run.

        Args:
            controllers: what is run.
            held: what is known of all their kinds; who runs it, keeps it true.

        Raises:
            ValueError: two controllers have one name, or name what is not held.
        """
        names = [controller.name for controller in controllers]
        if len(names) != len(set(names)):
            raise ValueError(f"controllers share a name: {sorted(names)}")
        for kind in (kind for one in controllers for kind in one.kinds):
            if not held.cache.holds(kind):
                raise ValueError(f"controllers ask for {kind.qualified}, which is not held")
        self.mirror: Final = held
        """What is known."""
        self._loops = [loop.Loop(one, held.source, held.cache, held.seams) for one in controllers]

    async def run(self) -> None:
        """Run until cancelled; what was done by then stays done, and the next run goes on."""
        self.mirror.listeners.extend(self._loops)
        try:
            async with asyncio.TaskGroup() as tasks:
                for one in self._loops:
                    tasks.create_task(self._run_when_synced(one))
        finally:
            for one in self._loops:
                self.mirror.listeners.remove(one)

    @property
    def is_at_rest(self) -> bool:
        """Whether every controller has begun and none has anything to look at now."""
        return all(one.is_at_rest for one in self._loops)

    async def finish(self) -> None:
        """Begin no further pass; return when those that were begun have ended."""
        for one in self._loops:
            one.queue.close()
        for one in self._loops:
            await one.queue.finished.wait()

    async def _run_when_synced(self, one: loop.Loop) -> None:
        await self.mirror.synced(*one.controller.kinds)
        await one.run()


async def run_alone(runner: ControllerRunner) -> None:
    """Run controllers that alone use what they know, and keep it true, until cancelled."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(runner.mirror.run())
        tasks.create_task(runner.run())


async def run_pass(
    controller: definition.Controller, source: cluster.Cluster, key: Key, given: seams.Seams
) -> outcome.Outcome:
    """Make exactly one pass over one object, on what the API holds now, and write its status.

    Raises:
        LookupError: there is no such object.
    """
    held = cache.Cache()
    for kind in controller.kinds:
        try:
            listing = await source.list(kind)
        except errors.NotFound:
            if kind not in controller.optional:
                raise
            held.store(kind).unserved()
            continue
        held.store(kind).heard_all(listing.items, int(listing.resource_version or 0))
    obj = held.get(controller.kind, key.name, key.namespace)
    if obj is None:
        raise LookupError(f"there is no {controller.kind.kind} {key}")
    single = loop.Loop(controller, source, held, given)
    return await single.pass_over(obj)
