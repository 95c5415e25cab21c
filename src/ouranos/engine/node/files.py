"""Is what a pod's containers read while they run as old as what the API says? Its worker asks.

Events only say that something may be old. It is so from the start: what has changed while nobody
looked, or while a container was being started, no event will tell again.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from ouranos.engine.node import context, preparation
from ouranos.kit import errors, objects


class Files:
    """A pod's /etc/hosts, and its volumes that are made of objects."""

    def __init__(self, shared: context.Context, alone: asyncio.Lock) -> None:
        """Know nothing to be up to date.

        Args:
            shared: what the node knows.
            alone: held while volumes are written.
        """
        self._shared = shared
        self._alone = alone
        self.names_are_old = True
        self.volumes_are_old = True

    def are_due(self, *, running: bool) -> bool:
        """Whether something is to be written.

        Volumes are only where a container runs: who starts one writes them before.
        """
        return self.names_are_old or (running and self.volumes_are_old)

    def renew(self, pod: objects.Object, *, running: bool) -> Coroutine[Any, Any, None]:
        """Return the writing of what is old as of now: what changes from here on is old again.

        It raises OSError where it cannot write; all is old then.
        """
        volumes = running and self.volumes_are_old
        self.names_are_old, self.volumes_are_old = False, self.volumes_are_old and not volumes
        return self._write(pod, volumes=volumes)

    async def _write(self, pod: objects.Object, *, volumes: bool) -> None:
        try:
            preparation.write_hosts(self._shared, pod)
            if volumes:
                async with self._alone:
                    await preparation.refresh(self._shared, pod)
        except (errors.OuranosError, OSError):
            self.names_are_old = self.volumes_are_old = True
            raise
