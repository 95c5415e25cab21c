"""What is awaited, while somebody waits? Asked by `up`, which prints each change, and `status`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2

from ouranos.kit import cluster, errors, kinds
from ouranos.look import state
from ouranos.solo import doctor, machine, obstacles, paths, supervisor

Say = Callable[[str], None]
Object = dict[str, Any]
_DOOR_PATIENCE = 60.0  # seconds for the daemon to answer, where nothing is in its way
_LOOK_AGAIN = 0.3  # seconds
_LOOK_AT_MACHINE = 2.0  # seconds


class DeadlineError(Exception):
    """The cloud was not Ready in time; it goes on without us."""


async def look(
    api: cluster.Cluster,
    cloud: paths.Paths,
    place: machine.Machine,
    found: list[doctor.Finding] | None = None,
) -> tuple[Object | None, state.State | None]:
    """The Cloud and how it is, going by itself, its node and its machine.

    Nothing of either where nobody has given the daemon a Cloud.

    Args:
        api: the cloud's API.
        cloud: where it is.
        place: its networks.
        found: what stands in the way, by whoever has looked a moment ago.

    Raises:
        errors.Unreachable: the daemon does not answer.
    """
    held = await api.get(kinds.CLOUD, cloud.cloud, cloud.cloud)
    if held is None:
        return None, None
    told_ready = state.of_cloud(held).ready
    if told_ready:
        full = list(obstacles.disks(cloud))
        if full or await api.is_ready():
            return held, state.of_world(held, [], full)
    if found is None:
        found = await asyncio.to_thread(obstacles.find, cloud, place)
    if told_ready and not found:
        return held, state.STALE
    nodes = (await api.list(kinds.NODE)).items
    return held, state.of_world(held, nodes, found)


class Watch:
    """Says each change of what is awaited, once."""

    def __init__(
        self, cloud: paths.Paths, place: machine.Machine, api: cluster.Cluster, say: Say
    ) -> None:
        self._cloud = cloud
        self._place = place
        self._api = api
        self._say = say
        self._told = ""
        self._cause = ""
        self._events: set[str] | None = None
        self._found: list[doctor.Finding] = []
        self._look_at = 0.0
        self._ensure_at = 0.0

    async def door_answers(self, deadline: float) -> None:
        """Return once the daemon's API answers.

        What stands in its way is told, and its end awaited.

        Raises:
            DeadlineError: it does not answer in time.
        """
        clock = asyncio.get_running_loop().time
        patience = clock() + _DOOR_PATIENCE
        while True:
            try:
                if await self._api.get(kinds.CUSTOM_RESOURCE_DEFINITION, kinds.CLOUD.qualified):
                    return
            except (httpx2.HTTPError, errors.Transient, OSError) as error:
                now = await self._obstacle()
                if now is not None:
                    self._tell(now)
                    patience = clock() + _DOOR_PATIENCE
                if clock() > min(deadline, patience):
                    said = self._told or f"the daemon's API does not answer: {error}"
                    raise DeadlineError(said) from error
            if clock() > min(deadline, patience):
                raise DeadlineError("the daemon's API is not complete yet")
            await asyncio.sleep(0.1)

    async def ready(self, deadline: float) -> state.State:
        """Return once the cloud is Ready, or stopped: until a person changes something.

        Raises:
            DeadlineError: it is neither in time.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    now = await self._look()
                    if now is not None and (now.ready or now.stopped):
                        return now
                    if now is not None:
                        self._tell(now)
                    await asyncio.sleep(_LOOK_AGAIN)
        except TimeoutError as error:
            awaited = "; ".join(filter(None, (self._told, self._cause)))
            raise DeadlineError(
                f"not Ready after {clock() - began:.0f} s: {awaited or 'nothing was told yet'}"
            ) from error

    def _tell(self, now: state.State) -> None:
        if now.cause and now.cause != self._cause:
            self._say(now.cause)
        self._cause = now.cause
        if now.message != self._told:
            self._say(f"{now.message} (hint: {now.hint})" if now.hint else now.message)
            self._told = now.message

    async def _look(self) -> state.State | None:
        """How the cloud is, or None while the daemon is being started again."""
        try:
            await self._tell_images()
            found = await self._in_the_way()
            _, now = await look(self._api, self._cloud, self._place, found)
        except (httpx2.TransportError, errors.Transient):
            return await self._obstacle()
        return now

    async def _obstacle(self) -> state.State | None:
        """What may be in the way of an answer; who starts the daemon again may have gone too."""
        now = asyncio.get_running_loop().time()
        if now >= self._ensure_at:
            self._ensure_at = now + _LOOK_AT_MACHINE
            await asyncio.to_thread(supervisor.ensure, self._cloud)
        found = await self._in_the_way()
        return state.of_world({"metadata": {}}, [], found) if found else None

    async def _in_the_way(self) -> list[doctor.Finding]:
        """What stands in the way, looked for now and then: it costs more than asking the API."""
        now = asyncio.get_running_loop().time()
        if now >= self._look_at:
            self._found = await asyncio.to_thread(obstacles.find, self._cloud, self._place)
            self._look_at = now + _LOOK_AT_MACHINE
        return self._found

    async def _tell_images(self) -> None:
        """Say which images have become ready since the first look."""
        found = (
            await self._api.list(
                kinds.EVENT, self._cloud.cloud, fields=f"reason={state.IMAGE_READY}"
            )
        ).items
        if self._events is None:
            self._events = {each["metadata"]["name"] for each in found}
        for each in found:
            if each["metadata"]["name"] not in self._events:
                self._events.add(each["metadata"]["name"])
                self._say(each["message"])
