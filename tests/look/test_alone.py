"""Two people do not do the same to one cloud; who dies keeps nobody out for long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ouranos.kit import cluster, conditions, errors, kinds, objects
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


async def test_who_was_taken_for_dead_is_interrupted_and_removes_nothing_of_the_next(
    source: cluster.Cluster,
) -> None:
    async def first() -> None:
        async with alone.hold(source, "home", "verify"):
            await asyncio.sleep(alone.LASTS)

    holding = asyncio.ensure_future(first())
    await asyncio.sleep(1)
    await source.delete(kinds.LEASE, "ouranos-verify", "home")
    async with alone.hold(source, "home", "verify"):
        theirs = objects.uid_of(await held(source))
        with pytest.raises(place.RefusedError, match="home/ouranos-verify was taken away"):
            await holding
        assert objects.uid_of(await held(source)) == theirs


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_what_was_done_is_told_though_the_lease_cannot_be_given_back(
    source: cluster.Cluster, status: int
) -> None:
    class Refusing:
        get, create, patch = source.get, source.create, source.patch

        async def delete(self, *_: object, **__: object) -> None:
            raise errors.api_error(status, {"message": "not now"})

    api: Any = Refusing()
    done: list[str] = []
    async with alone.hold(api, "home", "verify"):
        done.append("proved")
    with pytest.raises(ValueError, match="not proved"):
        async with alone.hold(api, "home", "other"):
            raise ValueError("not proved")
    assert done


async def test_a_deadline_of_what_is_done_stays_one(source: cluster.Cluster) -> None:
    with pytest.raises(TimeoutError):
        async with alone.hold(source, "home", "verify"), asyncio.timeout(1):
            await asyncio.sleep(2)


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": "x"}])
def test_a_lease_that_nobody_holds_has_ended(spec: dict[str, str]) -> None:
    assert alone.ended({"spec": spec}, datetime.now(UTC))
