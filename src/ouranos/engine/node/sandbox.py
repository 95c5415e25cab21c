"""Who holds a PID namespace that a pod's containers share? A container of its own."""

import asyncio

from ouranos.engine.node import context, identity, preparation, records, runc
from ouranos.kit import objects


class Sandbox:
    """A pod's own sandbox, if it asks for one."""

    def __init__(self, shared: context.Context) -> None:
        self._shared = shared
        self.record: records.Record | None = None

    def of(self, pod: objects.Object) -> records.Record | None:
        """Return the container whose PID namespace the pod's containers join."""
        return self.record if _is_wanted(pod) else None

    def is_missing(self, pod: objects.Object) -> bool:
        """Whether the pod has first to get its sandbox."""
        if not _is_wanted(pod):
            return False
        if objects.mapping(pod, "status").get("phase") in {"Succeeded", "Failed"}:
            return False
        return self.record is None or not identity.is_alive(self.record.init)

    async def renew(self, pod: objects.Object, alone: asyncio.Lock) -> None:
        """Make a new one in the place of one that has ended."""
        await self.end()
        shared = self._shared
        image = await shared.source.ensure(shared.told.image)
        async with alone:
            await shared.held.space.run(records.save_pod, shared.layout, pod)
            made = await preparation.make_sandbox(shared, pod, image)
        if made.has_ended:
            await shared.held.forget(made)
            raise runc.RuncError(f"the pod's sandbox did not start: {made.message}")
        self.record = made

    async def end(self) -> None:
        """End it; what shares its namespace ends with it."""
        ended = self.record
        if ended is not None:
            if not ended.has_ended:
                await self._shared.held.stop(ended, 0)
                ended = await self._shared.held.finish(ended)
            await self._shared.held.forget(ended)
            self.record = None


def _is_wanted(pod: objects.Object) -> bool:
    return bool(pod["spec"].get("shareProcessNamespace")) and not pod["spec"].get("hostPID")
