"""Is it said what stands in the way of the controllers, and is it waited for no longer?"""

import asyncio
from typing import Any

import cluster_worlds as worlds
import pytest

from ouranos.install import order, trouble, waiting, work
from ouranos.kit import kinds, objects

pytestmark = pytest.mark.virtual_time

DEPLOYMENT = (kinds.DEPLOYMENT, order.NAME, worlds.NS)


async def wait(world: worlds.World, seconds: float = 60) -> None:
    await waiting.available(world.source, worlds.WANTED, world.given, world.said.append, seconds)


async def report(world: worlds.World, **status: Any) -> None:
    """Write what the cluster would say of the Deployment."""
    found = await world.there(*DEPLOYMENT)
    told = {"observedGeneration": found["metadata"]["generation"], **status}
    await world.source.replace_status({**found, "status": told})


async def a_pod(world: worlds.World, **status: Any) -> None:
    found = await world.there(*DEPLOYMENT)
    template = found["spec"]["template"]
    spec = {**template["spec"]}
    metadata = {"labels": objects.labels_of(template)}
    made = await world.apply(kinds.POD, "controllers-1", worlds.NS, metadata=metadata, spec=spec)
    await world.source.replace_status({**made, "status": status})


def container(**state: Any) -> dict[str, Any]:
    image = {"name": "controllers", "image": "registry.test/controllers:0.2.0", "imageID": ""}
    return {"containerStatuses": [{**image, "ready": False, "restartCount": 0, "state": state}]}


async def test_it_ends_when_every_replica_is_available(world: worlds.World) -> None:
    await world.install()
    waited = asyncio.create_task(wait(world))
    await world.given.clock.sleep(3)
    assert not waited.done()
    await report(world, replicas=3, updatedReplicas=2, availableReplicas=2)
    await world.given.clock.sleep(3)
    assert not waited.done()
    await report(world, replicas=2, updatedReplicas=2, availableReplicas=2)
    await waited
    assert world.said[-1] == (
        "waiting for Deployment ouranos-controllers: 2 of 2 replicas are available"
    )


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            container(waiting={"reason": "ErrImagePull", "message": "not found"}),
            "the node cannot pull registry.test/controllers:0.2.0 (ErrImagePull: not found); push",
        ),
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "message": "0/1 nodes are available",
                    }
                ]
            },
            "pod controllers-1 finds no node: 0/1 nodes are available",
        ),
        (
            container(terminated={"reason": "Error", "exitCode": 1, "message": "no such option"}),
            "container controllers of pod controllers-1: Error: no such option",
        ),
    ],
    ids=["image", "node", "crash"],
)
async def test_what_stands_in_the_way_is_said_at_once_and_at_the_end(
    world: worlds.World, status: dict[str, Any], told: str
) -> None:
    await world.install()
    await a_pod(world, **status)
    with pytest.raises(trouble.LateError) as caught:
        await wait(world)
    assert str(caught.value).startswith(
        f"not available after 60 s: Deployment {order.NAME}: {told}"
    )
    assert [one for one in world.said if told in one] == [world.said[-1]]


async def test_pods_that_may_not_be_made_are_said(world: worlds.World) -> None:
    await world.install()
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    await report(world, conditions=[failure])
    with pytest.raises(trouble.LateError, match="exceeded quota"):
        await wait(world)


async def test_a_deployment_that_is_gone_is_said(world: worlds.World) -> None:
    with pytest.raises(trouble.LateError, match="Deployment ouranos-controllers, which is gone"):
        await wait(world)


async def test_a_cluster_that_is_away_is_said(world: worlds.World) -> None:
    await world.install()
    world.door.refused["GET", "/deployments/ouranos-controllers"] = (503, "not now")
    with pytest.raises(trouble.LateError, match="the cluster: not now"):
        await wait(world)


async def _unestablished(world: worlds.World, *said: tuple[str, str]) -> str:
    name = "vhosts.ouranos.cloud"
    found = await world.there(kinds.CUSTOM_RESOURCE_DEFINITION, name)
    wrong = [{"type": one, "status": truth, "message": "taken"} for one, truth in said]
    world.door.answers[f"/{name}"] = {**found, "status": {"conditions": wrong}}
    return name


async def test_kinds_that_are_not_served_in_time_are_said(world: worlds.World) -> None:
    await world.install()
    made = await world.plan()
    name = await _unestablished(world, ("Established", "False"))
    with pytest.raises(trouble.LateError, match=f"60 s for CustomResourceDefinition {name}"):
        await work.carry_out(world.source, made, world.given, world.said.append)


async def test_a_name_that_is_taken_is_said(world: worlds.World) -> None:
    await world.install()
    made = await world.plan()
    name = await _unestablished(world, ("NamesAccepted", "False"))
    with pytest.raises(trouble.BrokenOffError, match=f"CustomResourceDefinition {name}: taken"):
        await work.carry_out(world.source, made, world.given, world.said.append)
