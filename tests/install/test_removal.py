"""What does an uninstallation refuse, what does it remove, and what does it leave and name?"""

import asyncio
import json

import cluster_worlds as worlds
import pytest

from ouranos.cli import install
from ouranos.install import order, plan, removal, trouble, work
from ouranos.kit import cluster, kinds, objects

pytestmark = pytest.mark.virtual_time


async def planned(world: worlds.World, *, controllers_only: bool = False) -> plan.Plan:
    return await removal.planned(world.source, worlds.WANTED, controllers_only=controllers_only)


async def remove(world: worlds.World, *, controllers_only: bool = False) -> plan.Plan:
    made = await planned(world, controllers_only=controllers_only)
    await world.do(made)
    await removal.gone(world.source, made, world.given, world.said.append, 60)
    return made


async def ours(source: cluster.Cluster) -> set[str]:
    """Everything that an installation has in the cluster."""
    found: set[str] = set()
    for kind in removal.manifests.KINDS:
        for one in await plan.ours(source, kind, ""):
            found.add(f"{one['kind']}/{one['metadata']['name']}")
    return found


async def test_everything_goes_and_can_come_again(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.LEASE, order.NAME, worlds.NS, spec={"holderIdentity": "x"})
    made = await remove(world)
    assert set(worlds.actions(made)) == {"remove"}
    assert "Lease/ouranos-controllers" in worlds.actions(made)["remove"]
    assert made.rows[0].kind == kinds.DEPLOYMENT
    assert made.rows[-1].kind == kinds.NAMESPACE
    assert await ours(world.source) == set()
    assert await world.get(kinds.NAMESPACE, worlds.NS) is None
    assert await removal.data(world.source) == []
    assert (await planned(world)).rows == ()
    assert set(worlds.actions(await world.install())) == {"create"}


async def test_while_a_cloud_is_there_nothing_is_removed(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.NAMESPACE, "home")
    await world.source.apply(worlds.a_cloud())
    before = len(world.door.writes)
    with pytest.raises(trouble.RefusedError) as caught:
        await planned(world)
    told = worlds.said(caught)
    assert told.startswith("Cloud home/home is still there (kubectl delete cloud home")
    assert "--controllers-only" in told
    assert len(world.door.writes) == before


@pytest.mark.parametrize("controllers_only", [False, True])
async def test_an_installation_elsewhere_is_not_removed_by_half(
    world: worlds.World, *, controllers_only: bool
) -> None:
    await world.install(order.Order(namespace="platform", version="0.2.0"))
    with pytest.raises(trouble.RefusedError) as caught:
        await planned(world, controllers_only=controllers_only)
    assert worlds.said(caught) == (
        "Ouranos is installed in namespace platform, not in ouranos-system "
        "(say --namespace platform)"
    )


async def test_a_cloud_that_comes_while_a_person_is_asked_breaks_it_off(
    world: worlds.World,
) -> None:
    await world.install()
    made = await planned(world)
    await world.apply(kinds.NAMESPACE, "home")
    await world.source.apply(worlds.a_cloud())
    with pytest.raises(trouble.BrokenOffError, match="Cloud home/home has come since the plan"):
        await world.do(made)
    assert set(worlds.actions(await world.plan())) == {"unchanged"}


async def test_a_cloud_that_comes_while_controllers_go_keeps_its_kind(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.NAMESPACE, "home")
    made = await planned(world)

    def say(_message: str) -> None:
        if not coming:
            coming.append(asyncio.ensure_future(world.source.apply(worlds.a_cloud())))

    coming: list[asyncio.Future[objects.Object]] = []
    with pytest.raises(trouble.BrokenOffError, match="ouranos install brings back"):
        await work.carry_out(world.source, made, world.given, say)
    assert await world.get(kinds.CLOUD, "home", "home") is not None
    created = worlds.actions(await world.install())["create"]
    assert "Deployment/ouranos-controllers" in created
    assert not any(one.startswith("CustomResourceDefinition") for one in created)


async def test_a_cloud_without_controllers_gets_them_back_first(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.NAMESPACE, "home")
    await world.source.apply(worlds.a_cloud())
    await remove(world, controllers_only=True)
    with pytest.raises(trouble.RefusedError) as caught:
        await planned(world)
    assert "(ouranos install --namespace ouranos-system, for only" in worlds.said(caught)


async def test_the_lease_goes_when_nobody_acts_by_it_any_more(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.LEASE, order.NAME, worlds.NS, spec={"holderIdentity": "x"})
    spec = {"containers": [{"name": "controllers", "image": "x"}]}
    await world.apply(
        kinds.POD, "acting", worlds.NS, metadata={"labels": order.SELECTOR}, spec=spec
    )
    made = await planned(world)
    with pytest.raises(trouble.LateError, match="for pod ouranos-system/acting to end"):
        await world.do(made)
    assert await world.get(kinds.LEASE, order.NAME, worlds.NS) is not None
    await world.source.delete(kinds.POD, "acting", worlds.NS, grace_seconds=0)
    await world.do(await planned(world))
    assert await world.get(kinds.LEASE, order.NAME, worlds.NS) is None


async def test_what_is_left_of_a_cloud_is_named_too(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.NAMESPACE, "home")
    spec = {"release": "2026.2", "builtin": {}}
    await world.apply(kinds.MEMCACHED, "memcached", "home", spec=spec)
    with pytest.raises(trouble.RefusedError) as caught:
        await planned(world)
    assert worlds.said(caught).startswith("Memcached home/memcached is still there")


async def test_controllers_alone_leave_what_clouds_need(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.NAMESPACE, "home")
    await world.source.apply(worlds.a_cloud())
    made = await remove(world, controllers_only=True)
    left = await ours(world.source)
    assert {name.partition("/")[0] for name in left} == {
        "Namespace",
        "CustomResourceDefinition",
        "PriorityClass",
        "ClusterRole",
    }
    assert {"ClusterRole/ouranos-view", "ClusterRole/ouranos-edit"} <= left
    assert "ClusterRole/ouranos-controllers" not in left
    assert worlds.actions(made)["keep"] == left
    assert await world.get(kinds.CLOUD, "home", "home") is not None
    assert {"create"} < set(worlds.actions(await world.install()))


async def test_a_namespace_that_was_there_before_stays(world: worlds.World) -> None:
    await world.apply(kinds.NAMESPACE, worlds.NS, metadata={"labels": order.OURS})
    await world.install()
    made = await remove(world)
    (row,) = [one for one in made.rows if one.action == plan.Action.KEEP]
    assert (row.kind, row.detail) == (kinds.NAMESPACE, "ouranos install has not made it")
    assert await world.get(kinds.NAMESPACE, worlds.NS) is not None


async def test_somebodys_namespace_is_not_even_named(world: worlds.World) -> None:
    before = await world.apply(kinds.NAMESPACE, worlds.NS)
    await world.install()
    assert set(worlds.actions(await remove(world))) == {"remove"}
    after = await world.there(kinds.NAMESPACE, worlds.NS)
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


async def test_a_namespace_in_which_somebody_has_something_stays(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.CONFIG_MAP, "mine", worlds.NS, data={"a": "b"})
    made = await remove(world)
    (row,) = [one for one in made.rows if one.action == plan.Action.KEEP]
    assert row.detail == "ConfigMap mine is in it"
    assert await world.get(kinds.CONFIG_MAP, "mine", worlds.NS) is not None


async def test_data_is_named_and_stays(world: worlds.World) -> None:
    await world.install()
    await world.apply(kinds.NAMESPACE, "home")
    size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "3Gi"}}}
    managed = {"labels": {"app.kubernetes.io/managed-by": "ouranos"}}
    server = {
        "app.kubernetes.io/component": "server",
        "app.kubernetes.io/name": "mariadb",
    }
    claims = kinds.PERSISTENT_VOLUME_CLAIM
    bound = {**size, "volumeName": "pv-7"}
    await world.apply(claims, "glance", "home", metadata=managed, spec=bound)
    await world.apply(claims, "data-mariadb-0", "home", metadata={"labels": server}, spec=size)
    await world.apply(claims, "of-others", "home", metadata={"labels": server}, spec=size)
    await world.apply(kinds.SECRET, "nova-user-1", "home", metadata=managed)
    await remove(world)
    assert [str(one) for one in await removal.data(world.source)] == [
        "PersistentVolumeClaim home/glance (3Gi, PersistentVolume pv-7)",
        "PersistentVolumeClaim home/data-mariadb-0 (3Gi)",
        "Secret home/nova-user-1",
    ]


async def test_a_plan_and_what_is_left_are_one_document(
    world: worlds.World, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.install()
    install.show(await planned(world), "json", left=["Secret home/nova-user-1"])
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"plan", "warnings", "left"}
    assert told["left"] == ["Secret home/nova-user-1"]


async def test_missing_rights_are_named_before_anything_is_removed(world: worlds.World) -> None:
    await world.install()
    before = len(world.door.writes)
    world.door.denied = {("delete", "deployments")}
    with pytest.raises(trouble.RefusedError) as caught:
        await planned(world)
    assert "delete deployments.apps in namespace ouranos-system" in worlds.said(caught)
    assert len(world.door.writes) == before


async def test_what_does_not_go_in_time_is_said(world: worlds.World) -> None:
    await world.install()
    role = (kinds.CLUSTER_ROLE, "ouranos-edit")
    await world.annotate(*role, finalizers=["test/held"])
    made = await planned(world)
    await world.do(made)
    with pytest.raises(trouble.LateError, match="not gone after 60 s: ClusterRole ouranos-edit"):
        await removal.gone(world.source, made, world.given, world.said.append, 60)
    assert world.said[-1] == "waiting for ClusterRole ouranos-edit to go"
    await world.annotate(*role, finalizers=None)
    await removal.gone(world.source, made, world.given, world.said.append, 60)


async def test_a_cluster_that_is_away_for_a_while_is_waited_for(world: worlds.World) -> None:
    await world.install()
    made = await planned(world)
    await world.do(made)
    world.door.refused["GET", "/deployments/ouranos-controllers"] = (503, "not now")
    with pytest.raises(trouble.LateError, match=r"the cluster: .*not now"):
        await removal.gone(world.source, made, world.given, world.said.append, 5)


async def test_a_kind_that_is_not_served_any_more_has_no_objects(world: worlds.World) -> None:
    await world.install()
    definition = await world.there(kinds.CUSTOM_RESOURCE_DEFINITION, "vhosts.ouranos.cloud")
    world.door.refused["GET", "/vhosts"] = (404, "no such kind")
    assert await plan.held(world.source, definition) == 0
    assert objects.labels_of(definition)[order.VERSION] == "0.2.0"
    for version in definition["spec"]["versions"]:
        version["served"] = False
    assert await plan.held(world.source, definition) == 0
