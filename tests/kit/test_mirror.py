"""Does who begins to act know everything already, and is it true what he knows?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx2
import pytest

from ouranos.kit import cluster, controller, effects, kinds, outcome, seams

pytestmark = pytest.mark.virtual_time
Make = Callable[..., Any]


class Fence:
    def __init__(self) -> None:
        self.shut = False

    def prove(self) -> None:
        if self.shut:
            raise effects.FencedError("shut")


@contextlib.asynccontextmanager
async def going_on(*running: Any) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(one.run()) for one in running]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class World:
    """A mirror, and a controller that counts its passes and keeps a ConfigMap."""

    def __init__(
        self, source: cluster.Cluster, given: seams.Seams, config: Make, controlling: Make
    ) -> None:
        self.source, self.given = source, given
        self.passes = 0

        async def reconcile(p: controller.Pass) -> outcome.Outcome:
            self.passes += 1
            await p.apply(config(a=str(p.object["metadata"].get("annotations"))))
            return outcome.DONE

        self.controllers: Sequence[controller.Controller] = [controlling(reconcile)]
        self.mirror = controller.Mirror(source, self.controllers, given)

    def runner(self) -> controller.ControllerRunner:
        return controller.ControllerRunner(self.controllers, self.mirror)

    async def touch(self, source: cluster.Cluster, value: str) -> None:
        patch = {"metadata": {"annotations": {"touched": value}}}
        await source.patch(kinds.KEYSTONE, "keystone", "home", patch)


@pytest.fixture
def world(source: cluster.Cluster, given: seams.Seams, config: Make, controlling: Make) -> World:
    return World(source, given, config, controlling)


@pytest.fixture
async def other(api: Any) -> AsyncIterator[cluster.Cluster]:
    """Another client, past the tap."""
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http:
        yield cluster.Cluster(http, manager="other")


async def test_who_begins_to_act_lists_nothing(
    world: World, given: seams.Seams, tap: Any, keystone: Make
) -> None:
    await world.source.create(keystone())
    async with going_on(world.mirror):
        await given.clock.sleep(60)
        assert world.mirror.unknown == ()
        assert world.passes == 0
        tap.requests.clear()
        for term in ("first", "second"):
            async with going_on(world.runner()):
                await given.clock.sleep(1)
                await world.touch(world.source, term)
                await given.clock.sleep(1)
                held = await world.source.get(kinds.CONFIG_MAP, "config", "home")
                assert held is not None
                assert term in held["data"]["a"]
        assert world.mirror.listeners == []
        read = [path for method, path in tap.requests if method == "GET"]
        assert read == ["/api/v1/namespaces/home/configmaps/config"] * 2, "only what the test read"


async def test_a_pass_that_a_reflector_wakes_passes_the_fence(
    world: World, given: seams.Seams, tap: Any, keystone: Make, other: cluster.Cluster
) -> None:
    await other.create(keystone())
    fence = Fence()
    async with going_on(world.mirror):
        await given.clock.sleep(1)
        with effects.fenced(fence):
            acting = asyncio.ensure_future(world.runner().run())
        await given.clock.sleep(1)
        assert len(tap.writes()) >= 2, "the ConfigMap and the status"
        tap.requests.clear()
        before, fence.shut = world.passes, True
        await world.touch(other, "again")
        await given.clock.sleep(1)
        assert world.passes > before
        assert tap.writes() == []
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)


async def test_who_begins_to_act_knows_all_kinds_at_the_same_time(
    world: World, given: seams.Seams, tap: Any
) -> None:
    def late(request: httpx2.Request) -> httpx2.Response | None:
        of_maps = request.url.path == "/api/v1/configmaps"
        return httpx2.Response(503, json={"message": "soon"}) if of_maps else None

    tap.answer = late
    async with going_on(world.mirror):
        synced = asyncio.ensure_future(world.mirror.synced())
        await given.clock.sleep(1)
        assert world.mirror.unknown == ("configmaps",)
        tap.cut.set()
        await given.clock.sleep(1)
        tap.cut.clear()

        def later(request: httpx2.Request) -> httpx2.Response | None:
            of_keystones = request.url.path == "/apis/ouranos.cloud/v1alpha1/keystones"
            return httpx2.Response(503, json={"message": "soon"}) if of_keystones else None

        tap.answer = later
        await given.clock.sleep(60)
        assert world.mirror.unknown == ("keystones.ouranos.cloud",)
        assert not synced.done()
        tap.answer = lambda _request: None
        await synced
        assert world.mirror.unknown == ()


async def test_nobody_acts_on_what_no_watch_keeps_true(
    world: World, given: seams.Seams, tap: Any, keystone: Make, other: cluster.Cluster
) -> None:
    await other.create(keystone())
    async with going_on(world.mirror):
        await given.clock.sleep(1)
        tap.cut.set()
        await given.clock.sleep(60)
        assert set(world.mirror.unknown) == {"keystones.ouranos.cloud", "configmaps"}
        await world.touch(other, "meanwhile")
        async with going_on(world.runner()):
            await given.clock.sleep(60)
            assert world.passes == 0
            tap.cut.clear()
            await given.clock.sleep(11)
            assert world.mirror.unknown == ()
            held = await other.get(kinds.CONFIG_MAP, "config", "home")
            assert held is not None
            assert "meanwhile" in held["data"]["a"]
