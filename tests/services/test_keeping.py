"""Is kept what a service's data needs, and left alone what a person has done about it?"""

from typing import Any

import pytest

from ouranos.kit import conditions, controller, kinds, objects
from ouranos.openstack import sessions
from ouranos.services import KNOWN, glance, keystone, pipeline, secrets

pytestmark = pytest.mark.virtual_time

KEYS = "keystone-credential-1"


def a_keystone() -> objects.Object:
    return {
        "apiVersion": keystone.SERVICE.kind.api_version,
        "kind": keystone.SERVICE.kind.kind,
        "metadata": {"name": "keystone", "namespace": "home"},
        "spec": {"release": "2026.2", "region": "R"},
    }


async def test_keys_of_stored_data_stay_with_the_data(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        before = await world.secret(KEYS)
        await world.gone(kinds.KEYSTONE, "keystone")
        await world.twin.passes(60)
        assert await world.cluster.get(kinds.SECRET, "keystone-fernet-1", "home") is None
        await world.cluster.create(a_keystone())
        await world.twin.passes(5)
        assert (await world.told("keystone", "SecretsReady"))["status"] == "True"
        assert await world.secret(KEYS) == before


async def test_keys_that_still_go_are_not_taken_for_those_of_a_new_service(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        held = {"metadata": {"finalizers": ["backup.example.org/hold"]}}
        await world.cluster.patch(kinds.SECRET, KEYS, "home", held)
        await world.gone(kinds.KEYSTONE, "keystone")
        await world.gone(kinds.SECRET, KEYS)
        await world.cluster.create(a_keystone())
        await world.until_said("keystone", "SecretsReady", f"Secret/{KEYS} to be gone")
        released = {"metadata": {"finalizers": None}}
        await world.cluster.patch(kinds.SECRET, KEYS, "home", released)
        await world.twin.passes(5)
        assert (await world.told("keystone", "SecretsReady"))["status"] == "True"
        assert not objects.is_deleting(await world.twin.get(kinds.SECRET, KEYS))


async def test_one_word_of_a_person_is_for_one_loss(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        await world.gone(kinds.SECRET, KEYS)
        await world.until_said("keystone", "SecretsReady", KEYS, "hint")
        note = {"metadata": {"annotations": {secrets.RECREATE: KEYS}}}
        await world.cluster.patch(kinds.KEYSTONE, "keystone", "home", note)
        await world.until_ready("keystone")
        await world.gone(kinds.SECRET, KEYS)
        await world.until_said("keystone", "SecretsReady", KEYS, "hint")


async def test_a_secret_that_a_person_has_restored_is_noticed(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        kept = await world.twin.get(kinds.SECRET, KEYS)
        await world.gone(kinds.SECRET, KEYS)
        await world.until_said("keystone", "SecretsReady", KEYS, "hint: restore it")
        restored = {"name": KEYS, "namespace": "home"}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": restored}
        await world.cluster.create({**secret, "data": kept["data"]})
        await world.until_ready("keystone")


async def test_a_database_that_was_made_again_gets_its_tables(house: Any) -> None:
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        before = await world.twin.all(kinds.JOB)
        claim = await world.twin.get(kinds.DATABASE, "keystone")
        claim["status"]["created"] = "2031-01-01T00:00:00Z"
        await world.cluster.replace_status(claim)

        async def again() -> bool:
            return await world.twin.all(kinds.JOB) != before

        await world.twin.until(again, 60)
        await world.until_ready("keystone")


async def test_a_volume_that_a_person_has_grown_stays_as_it_is(house: Any) -> None:
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        more = {"spec": {"resources": {"requests": {"storage": "40Gi"}}}}
        await world.cluster.patch(kinds.PERSISTENT_VOLUME_CLAIM, "glance-images", "home", more)
        await world.change("glance", config={"DEFAULT": {"debug": True}})
        await world.twin.passes(60)
        await world.until_ready("glance")
        found = await world.twin.get(kinds.PERSISTENT_VOLUME_CLAIM, "glance-images")
        assert found["spec"]["resources"] == more["spec"]["resources"]


async def test_copies_that_cannot_share_their_volume_are_refused(house: Any) -> None:
    async with house(keystone.SERVICE, glance.SERVICE) as world:
        await world.until_ready("keystone", "glance")
        await world.change("glance", replicas=2)
        told = "PersistentVolumeClaim/glance-images is not ReadWriteMany"
        await world.until_said("glance", "WorkloadReady", told, "hint: set replicas to 1")
        assert (await world.told("glance", "Ready"))["reason"] == conditions.Reason.INVALID_SPEC
        assert (await world.twin.get(kinds.DEPLOYMENT, "glance-api"))["spec"]["replicas"] == 1
        await world.change("glance", replicas=1)
        await world.until_ready("glance")


async def test_why_there_are_no_pods_is_told(house: Any) -> None:
    why = 'pods "keystone-api-x" is forbidden: violates PodSecurity "restricted:latest"'
    async with house(keystone.SERVICE) as world:
        await world.until_ready("keystone")
        await world.twin.stop()
        found = await world.twin.get(kinds.DEPLOYMENT, "keystone-api")
        refused = {"type": "ReplicaFailure", "status": "True", "message": why}
        status = {**found["status"], "readyReplicas": 0, "conditions": [refused]}
        await world.cluster.replace_status({**found, "status": status})
        one = pipeline.controller_of(keystone.SERVICE, KNOWN, sessions.Sessions(world.cloud))
        key = objects.Key("home", "keystone")
        result = await controller.run_pass(one, world.cluster, key, world.twin.seams)
        assert why in result.sentence
