"""Does a page become a running service, and stay one, whatever happens to its parts?"""

from datetime import timedelta
from typing import Any

import pytest

from ouranos.engine.simulation import script
from ouranos.kit import errors, kinds, objects, scheduling
from ouranos.services import (
    cinder,
    files,
    glance,
    keystone,
    labels,
    neutron,
    nova,
    page,
    placement,
    secrets,
)

pytestmark = pytest.mark.virtual_time

SIX = tuple(one.SERVICE for one in (keystone, glance, placement, neutron, cinder, nova))
ALL = tuple(one.name for one in SIX)


async def test_all_six_services_become_ready(house: Any) -> None:
    async with house(*SIX) as world:
        took = await world.until_ready(*ALL)
        assert took < 60
        assert len(world.cloud.tables["endpoints"]) == 18
        users = sorted(row["name"] for row in world.cloud.tables["users"].values())
        assert users == ["cinder", "glance", "neutron", "nova", "placement"]
        assert len(world.cloud.named("networks", "public")) == 1
        assert len(world.cloud.tables["flavors"]) == 5
        status = (await world.service("glance"))["status"]
        assert status["endpoints"] == {
            "public": "http://172.31.0.11:9292",
            "internal": "http://glance:9292",
        }
        assert status["release"] == "2026.2"
        assert status["replicas"] == 1


async def test_a_pod_without_a_node_is_told_of_by_its_service(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        labels_ = {"labels": {scheduling.CONTROL_PLANE: None}}
        await world.cluster.patch(kinds.NODE, "node1", "", {"metadata": labels_})
        for pod in await world.twin.all(kinds.POD, labels="app.kubernetes.io/component=api"):
            await world.gone(kinds.POD, pod["metadata"]["name"])
        told = await world.until_said("keystone", "WorkloadReady", "finds no node")
        assert "0/1 nodes are available" in told


async def test_a_settled_service_asks_for_nothing(house: Any) -> None:
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        await world.twin.passes(5)
        before = len(world.cloud.writes)
        await world.twin.passes(600)
        assert len(world.cloud.writes) == before


@pytest.mark.parametrize("table", ["endpoints", "users", "services", "projects", "regions"])
async def test_what_is_deleted_in_keystone_is_made_again(house: Any, table: str) -> None:
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        before = len(world.cloud.tables[table])
        world.cloud.tables[table].clear()

        async def back() -> bool:
            return len(world.cloud.tables[table]) >= before

        assert await world.twin.until(back, 150) < 150


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kinds.DEPLOYMENT, "glance-api"),
        (kinds.SERVICE, "glance"),
        (kinds.DATABASE, "glance"),
        (kinds.SECRET, "glance-user-1"),
        (kinds.SECRET, "glance-database-1"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.kind,
)
async def test_what_is_deleted_in_kubernetes_is_made_again(
    house: Any, kind: objects.Kind, name: str
) -> None:
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        uid = objects.uid_of(await world.twin.get(kind, name))
        await world.gone(kind, name)

        async def back() -> bool:
            found = await world.cluster.get(kind, name, "home")
            return found is not None and objects.uid_of(found) != uid

        await world.twin.until(back, 30)
        await world.until_ready("glance")


async def test_a_new_password_restarts_who_reads_it_and_reaches_keystone(house: Any) -> None:
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        before = await world.twin.get(kinds.DEPLOYMENT, "glance-api")
        mark = next(iter(world.cloud.named("users", "glance")))["ouranos_password"]
        await world.gone(kinds.SECRET, "glance-user-1")

        async def restarted() -> bool:
            now = await world.twin.get(kinds.DEPLOYMENT, "glance-api")
            return now["spec"]["template"] != before["spec"]["template"]

        await world.twin.until(restarted, 60)
        await world.until_ready("glance")
        assert next(iter(world.cloud.named("users", "glance")))["ouranos_password"] != mark


async def test_a_new_admin_password_is_told_to_keystone_by_its_initialiser(house: Any) -> None:
    name = "keystone-admin-1"
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        (first,) = await world.twin.all(kinds.JOB, "app.kubernetes.io/name=keystone")
        before = (await world.secret(name))["password"]
        await world.gone(kinds.SECRET, name)

        async def told() -> bool:
            jobs = await world.twin.all(kinds.JOB, "app.kubernetes.io/name=keystone")
            return [job["metadata"]["name"] for job in jobs] != [first["metadata"]["name"]]

        await world.twin.until(told, 60)
        password = (await world.secret(name))["password"]
        assert password != before
        world.cloud.password = lambda: password
        world.cloud.revoke()
        await world.until_ready("keystone", "glance", within=300)


async def test_keys_that_encrypt_stored_data_are_not_replaced_without_a_word(house: Any) -> None:
    name = "keystone-credential-1"
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        await world.gone(kinds.SECRET, name)
        said = await world.until_said("keystone", "SecretsReady", name, "hint")
        assert "would lose" in said
        note = {"metadata": {"annotations": {secrets.RECREATE: name}}}
        await world.cluster.patch(kinds.KEYSTONE, "keystone", "home", note)
        await world.until_ready("keystone")
        assert (await world.secret(name)).keys() == {"0", "1"}


async def test_fernet_keys_are_rotated_in_time_and_the_old_ones_kept(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        first = await world.secret("keystone-fernet-1")
        secret = await world.twin.get(kinds.SECRET, "keystone-fernet-1")
        old = {"metadata": {"annotations": {secrets.ROTATED: "2020-01-01T00:00:00Z"}}}
        await world.cluster.patch(kinds.SECRET, secret["metadata"]["name"], "home", old)

        async def rotated() -> bool:
            return "2" in await world.secret("keystone-fernet-1")

        await world.twin.until(rotated, 120)
        now = await world.secret("keystone-fernet-1")
        assert now["2"] == first["0"]
        assert now["1"] == first["1"]
        assert now["0"] not in first.values()
        await world.until_ready("keystone")


async def test_a_new_configuration_is_a_new_name_and_the_old_one_goes(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        before = await world.twin.get(kinds.DEPLOYMENT, "keystone-api")
        await world.change("keystone", config={"token": {"expiration": 60}})

        async def rolled() -> bool:
            now = await world.twin.get(kinds.DEPLOYMENT, "keystone-api")
            maps = await world.twin.all(kinds.CONFIG_MAP, "app.kubernetes.io/name=keystone")
            return now["spec"]["template"] != before["spec"]["template"] and len(maps) == 1

        await world.twin.until(rolled, 60)
        jobs = await world.twin.all(kinds.JOB)
        assert len(jobs) == 1, "a configuration is no reason to run the schema again"


async def test_a_configuration_of_another_is_left_alone(house: Any) -> None:
    """The agents of hypervisors belong to Nova's object, as Nova's own configuration does."""
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        owner = objects.owner_reference(await world.service("keystone"))
        metadata = {"name": "keystone-agent-config-0", "namespace": "home"}
        agents = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {**metadata, "ownerReferences": [owner]},
        }
        await world.cluster.create(agents)
        await world.change("keystone", config={"token": {"expiration": 60}})
        await world.twin.passes(60)
        assert await world.cluster.get(kinds.CONFIG_MAP, metadata["name"], "home") is not None


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"fernet_tokens": {"key_repository": "/tmp"}}, "fernet_tokens.key_repository"),
        ({"DEFAULT": {"transport_url": "x"}}, "transport_url"),
        ({"database": {"connection": "x"}}, "database.connection"),
    ],
    ids=["a path of ours", "the queue", "the database"],
)
def test_an_option_of_ours_is_refused_with_a_hint(config: Any, named: str) -> None:
    scope = page.Scope("home", "2026.2", "R", spec={"config": config})
    with pytest.raises(errors.Terminal, match="hint") as caught:
        files.rendered(keystone.SERVICE, scope)
    assert named in str(caught.value)


async def test_an_unknown_release_is_refused(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        await world.change("keystone", release="2027.1")
        await world.until_said("keystone", "Ready", "no release 2027.1", "hint")


async def test_a_service_waits_for_what_it_needs_and_says_so(house: Any) -> None:
    async with house(keystone.SERVICE, nova.SERVICE) as world:
        await world.until_ready("keystone")
        said = await world.until_said("nova", "AccountReady", "which nova needs")
        assert said.startswith("placement and glance and neutron")


def behaving(component: str, **more: Any) -> script.Behaviour:
    def behaviour(pod: objects.Object) -> script.Script:
        wanted = objects.labels_of(pod).get(labels.COMPONENT)
        if wanted == component:
            return script.Script(**more)
        return (
            script.Script(exits_after=timedelta(seconds=2))
            if wanted == "schema"
            else (script.Script())
        )

    return behaviour


async def test_a_schema_that_fails_for_a_while_is_tried_until_it_works(house: Any) -> None:
    failing = behaving("schema", exits_after=timedelta(seconds=1), code=1, good_runs_after=2)
    async with house(keystone.SERVICE, behaviour=failing) as world:
        await world.until_ready("keystone", within=600)


async def test_a_schema_that_keeps_failing_is_started_again_and_again(house: Any) -> None:
    failing = behaving("schema", exits_after=timedelta(seconds=1), code=1)
    async with house(keystone.SERVICE, behaviour=failing) as world:
        told = "container schema of pod keystone-schema"
        await world.until_said("keystone", "SchemaReady", "Job/keystone-schema", told)
        seen: set[str] = set()

        async def again() -> bool:
            seen.update(objects.uid_of(job) for job in await world.twin.all(kinds.JOB))
            return len(seen) > 1

        await world.twin.until(again, 7200, every=10)


async def test_a_part_that_does_not_come_up_is_named(house: Any) -> None:
    async with house(
        keystone.SERVICE,
        placement.SERVICE,
        glance.SERVICE,
        neutron.SERVICE,
        nova.SERVICE,
        behaviour=behaving("conductor", ready_after=None),
    ) as world:
        await world.until_said("nova", "WorkloadReady", "Deployment/nova-conductor")
        # What is ready serves, though one part is not.
        assert not await world.is_ready("nova")


async def test_a_service_whose_parts_do_not_report_is_not_ready(house: Any) -> None:
    async with house(keystone.SERVICE, glance.SERVICE, cinder.SERVICE) as world:
        await world.until_ready("keystone", "glance", "cinder")
        world.cloud.reports[cinder.PORT][1]["state"] = "down"
        await world.until_said("cinder", "HealthReady", "cinder-volume not reporting")
        world.cloud.reports[cinder.PORT][1]["state"] = "up"
        pools, world.cloud.pools = world.cloud.pools, [{"name": "other@lvm#nfs"}]
        await world.until_said("cinder", "HealthReady", "does not know backend nfs yet")
        world.cloud.pools = pools
        await world.until_ready("cinder")


async def test_a_strangers_user_is_left_alone_and_named(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        stranger = world.cloud.add("users", name="glance", domain_id="default")
        await world.until_ready("keystone")
        await world.cluster.apply(
            {
                "apiVersion": "ouranos.cloud/v1alpha1",
                "kind": "Glance",
                "metadata": {"name": "glance", "namespace": "home"},
                "spec": {"release": "2026.2", "region": "R"},
            }
        )
        await world.until_said("glance", "AccountReady", "user glance", "hint")
        assert "ouranos_password" not in stranger


async def test_paused_changes_nothing(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        await world.change("keystone", management="Paused")
        await world.twin.passes(1)
        await world.gone(kinds.DEPLOYMENT, "keystone-api")
        await world.twin.passes(120)
        assert await world.cluster.get(kinds.DEPLOYMENT, "keystone-api", "home") is None
        await world.change("keystone", management="Running")
        await world.until_ready("keystone")


async def test_a_crash_at_any_moment_leaves_one_of_everything(house: Any) -> None:
    async with house(*SIX) as world:
        for _ in range(15):
            await world.twin.stop()
            world.twin.start()
            await world.twin.passes(0.7)
        await world.until_ready(*ALL)
        assert len(world.cloud.tables["endpoints"]) == 18
        assert len(world.cloud.tables["users"]) == 5
        assert len(world.cloud.tables["networks"]) == 1


async def test_lost_answers_leave_one_of_everything(house: Any) -> None:
    async with house(*SIX) as world:
        count = [0]

        def every_third(method: str, _: str) -> bool:
            count[0] += method == "POST"
            return method == "POST" and count[0] % 3 == 0

        world.cloud.loses = every_third
        await world.until_ready(*ALL, within=600)
        assert len(world.cloud.tables["endpoints"]) == 18
        assert len(world.cloud.tables["types"]) == 1


@pytest.mark.parametrize(
    ("first", "then", "first_is"),
    [
        ("neutron", "neutron-workers", "api"),
        ("placement", "nova-conductor", "the catalogue entry of Placement/placement"),
    ],
)
async def test_a_component_waits_for_those_before_it(
    house: Any, first: str, then: str, first_is: str
) -> None:
    def behaviour(pod: objects.Object) -> script.Script:
        stuck = objects.labels_of(pod).get(labels.NAME) == first
        return behaving("api" if stuck else "", ready_after=None)(pod)

    async with house(*SIX, behaviour=behaviour) as world:
        service = then.partition("-")[0]
        told = f"Deployment/{then} comes after {first_is}"
        await world.until_said(service, "WorkloadReady", told)
        assert await world.cluster.get(kinds.DEPLOYMENT, then, "home") is None
