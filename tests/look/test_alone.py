"""Two people do not do the same to one cloud; who dies keeps nobody out for long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ouranos.kit import cluster, conditions, kinds, objects
from ouranos.look import alone, place

pytestmark = pytest.mark.virtual_time


async def held(source: cluster.Cluster) -> objects.Object:
    found = await source.get(kinds.LEASE, "ouranos-verify", "home")
    assert found is not None
    return found


async def test_the_second_is_told_who_is_first(source: cluster.Cluster) -> None:
    async with alone.hold(source, "home", "verify"):
        with pytest.raises(place.RefusedError) as caught:
            async with alone.hold(source, "home", "verify"):
                pytest.fail("two at once")
        holder = (await held(source))["spec"]["holderIdentity"]
        assert caught.value.message == f"the Lease home/ouranos-verify is held by {holder}"
        assert "(process " in holder
    assert await source.get(kinds.LEASE, "ouranos-verify", "home") is None
    async with alone.hold(source, "home", "verify"):
        assert await held(source)


async def test_a_holder_is_heard_of_again_and_again(source: cluster.Cluster) -> None:
    async with alone.hold(source, "home", "verify"):
        before = (await held(source))["spec"]["renewTime"]
        await asyncio.sleep(alone.LASTS)
        assert (await held(source))["spec"]["renewTime"] > before


async def test_the_lease_of_one_who_died_is_taken(source: cluster.Cluster) -> None:
    async with alone.hold(source, "home", "verify"):
        found = await held(source)
        died = datetime.now(UTC) - timedelta(seconds=alone.LASTS + 1)
        spec = {**found["spec"], "renewTime": conditions.micro_timestamp(died)}
        await source.replace({**found, "spec": spec})
        async with alone.hold(source, "home", "verify"):
            assert objects.uid_of(await held(source)) != objects.uid_of(found)
            again = await held(source)
        assert not alone.ended(again, datetime.now(UTC))


async def test_who_was_taken_for_dead_removes_nothing_of_the_next(source: cluster.Cluster) -> None:
    first = alone.hold(source, "home", "verify")
    await first.__aenter__()
    await source.delete(kinds.LEASE, "ouranos-verify", "home")
    async with alone.hold(source, "home", "verify"):
        theirs = objects.uid_of(await held(source))
        await asyncio.sleep(alone.LASTS)
        await first.__aexit__(None, None, None)
        assert objects.uid_of(await held(source)) == theirs


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": "x"}])
def test_a_lease_that_nobody_holds_has_ended(spec: dict[str, str]) -> None:
    assert alone.ended({"spec": spec}, datetime.now(UTC))
