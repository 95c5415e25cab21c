"""Does a Cloud become its parts, and say how they are?"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest

from ouranos import services
from ouranos.api import crds
from ouranos.engine.apiserver import server
from ouranos.kit import (
    cache,
    cluster,
    conditions,
    controller,
    errors,
    kinds,
    objects,
    scheduling,
    seams,
)
from ouranos.kit.objects import Key, Object
from ouranos.services import cloud, cloud_parts, registry

pytestmark = pytest.mark.virtual_time

HOME = Key("home", "home")
ALL = ("keystone", "placement", "glance", "neutron", "cinder", "nova")
PARTS = {
    name: kind for name, kind in services.KNOWN.parts.items() if name in {*registry.BACKING, *ALL}
}
EVERY_PART = tuple(PARTS)


class Clients(cluster.Cluster):
    """Ouranos' own client, and that of a person."""

    person: cluster.Cluster


def a_cloud(*services: str, name: str = "home", **spec: Any) -> Object:
    chosen = {service: {} for service in services or ALL}
    return {
        "apiVersion": "ouranos.cloud/v1alpha1",
        "kind": "Cloud",
        "metadata": {"name": name, "namespace": "home"},
        "spec": {"release": "2026.2", "region": "Düdingen Test", "services": chosen, **spec},
    }


def a_node(name: str, *labels: str) -> Object:
    metadata = {"name": name, "labels": dict.fromkeys(labels, "")}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}}


def a_storage_class(name: str, *, default: str = "true") -> Object:
    marks = {"storageclass.kubernetes.io/is-default-class": default}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": marks},
        "provisioner": "example.org/local",
    }


@pytest.fixture
async def api(given: seams.Seams) -> AsyncGenerator[Clients]:
    """The embedded API with our kinds and a namespace, as Ouranos and as a person sees it."""
    running = await server.ApiServer.open(None, given)
    async with httpx2.AsyncClient(transport=running.transport(), base_url="http://api") as http:
        ours = Clients(http, manager="ouranos")
        ours.person = cluster.Cluster(http, manager="kubectl")
        for crd in services.definitions():
            await ours.apply(crd)
        await ours.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}})
        await ours.create(a_node("n1", scheduling.CONTROL_PLANE))
        await ours.create(a_storage_class("local"))
        yield ours
    await running.close()


@pytest.fixture
def person(api: Clients) -> cluster.Cluster:
    """The same API, as a person's kubectl uses it."""
    return api.person


async def one_pass(api: cluster.Cluster, given: seams.Seams) -> Object:
    """Make one pass over the cloud and return it."""
    await controller.run_pass(cloud.controller(services.KNOWN), api, HOME, given)
    return await found(api, "home", kinds.CLOUD)


async def found(api: cluster.Cluster, name: str, kind: Any = None) -> Object:
    obj = await api.get(kind or PARTS[name], name, "home")
    assert obj is not None
    return obj


async def say(
    api: cluster.Cluster, obj: Object, *said: tuple[str, str, str, str], **more: Any
) -> None:
    """Write conditions (type, status, reason, message) as the object's own controller would."""
    generation = obj["metadata"]["generation"]
    status = {
        "observedGeneration": generation,
        "conditions": [
            {
                "type": kind,
                "status": status,
                "reason": reason,
                "message": message,
                "lastTransitionTime": "2026-11-01T11:00:00Z",
                "observedGeneration": generation,
            }
            for kind, status, reason, message in said
        ],
        **more,
    }
    await api.replace_status({**obj, "status": status})


READY = ("Ready", "True", "Succeeded", "")
AVAILABLE = ("Available", "True", "Succeeded", "")


async def ready(api: cluster.Cluster, *names: str) -> None:
    """Let parts be ready."""
    for name in names:
        endpoint = {"public": f"http://192.0.2.1/{name}", "internal": f"http://{name}"}
        more = {} if cloud_parts.is_backing(name) else {"endpoints": endpoint}
        await say(api, await found(api, name), READY, AVAILABLE, **more)


async def a_hypervisor(api: cluster.Cluster, name: str = "home-1") -> Object:
    return await api.create(
        {
            "apiVersion": "ouranos.cloud/v1alpha1",
            "kind": "Hypervisor",
            "metadata": {"name": name, "namespace": "home"},
            "spec": {"nodeName": name},
        }
    )


def condition(obj: Object, type_: str) -> tuple[str, str, str]:
    one = conditions.find(conditions.of(obj), type_)
    assert one is not None, f"there is no {type_}"
    return one["status"], one["reason"], one["message"]


async def test_the_first_pass_makes_every_part_and_says_what_is_awaited(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud())
    after = await one_pass(api, given)
    for name in EVERY_PART:
        part = await found(api, name)
        assert part["metadata"]["ownerReferences"][0]["uid"] == after["metadata"]["uid"]
        assert part["metadata"]["labels"]["app.kubernetes.io/part-of"] == "home"
    types = [one["type"] for one in after["status"]["conditions"]]
    assert sorted(types) == sorted(
        [
            *(cloud_parts.condition(kind) for kind in PARTS.values()),
            "ClusterReady",
            "HypervisorsReady",
            "InControl",
            "Ready",
            "Progressing",
            "Available",
        ]
    )
    assert after["status"]["observedGeneration"] == 1
    assert after["status"]["awaited"]["kind"] == "MariaDB"
    assert condition(after, "Ready") == (
        "False",
        "Waiting",
        "MariaDB/mariadb: its controller has not looked at its present spec yet",
    )
    assert condition(after, "InControl")[0] == "True"


async def test_every_part_with_volumes_is_told_the_storage_class(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud(storageClassName="fast"))
    await one_pass(api, given)
    told = {name for name in EVERY_PART if "storageClassName" in (await found(api, name))["spec"]}
    assert told == {"mariadb", "rabbitmq", "memcached", "ovn", "glance", "cinder"}


async def test_a_cluster_without_a_node_for_services_is_told_first(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.delete(kinds.NODE, "n1", "")
    await api.create(a_node("n2", scheduling.HYPERVISOR))
    await api.create(a_cloud())
    after = await one_pass(api, given)
    told = condition(after, "ClusterReady")
    assert told[:2] == ("False", "Waiting")
    assert "no Node has the label ouranos.cloud/control-plane" in told[2]
    assert "hint: kubectl label node NAME ouranos.cloud/control-plane=" in told[2]
    assert condition(after, "Ready") == told
    await api.create(a_node("n3", scheduling.CONTROL_PLANE))
    assert condition(await one_pass(api, given), "ClusterReady")[0] == "True"


async def test_a_storage_class_that_volumes_wait_for_is_named(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud("keystone", storageClassName="fast"))
    told = condition(await one_pass(api, given), "ClusterReady")
    assert told[2].startswith("StorageClass/fast: it does not exist, and volumes wait for it")
    assert "there is local" in told[2]
    await api.create(a_storage_class("fast", default="false"))
    assert condition(await one_pass(api, given), "ClusterReady")[0] == "True"


async def test_a_cluster_without_a_default_class_says_so_while_volumes_wait(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.delete(kinds.STORAGE_CLASS, "local", "")
    await api.create(a_cloud("keystone"))
    told = condition(await one_pass(api, given), "ClusterReady")
    assert "none is the default, and volumes wait for one; there are none" in told[2]
    size = {"resources": {"requests": {"storage": "1Gi"}}, "accessModes": ["ReadWriteOnce"]}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-mariadb-0", "namespace": "home"},
        "spec": size,
    }
    made = await api.create(claim)
    assert condition(await one_pass(api, given), "ClusterReady")[0] == "False"
    await api.replace_status({**made, "status": {"phase": "Bound"}})
    assert condition(await one_pass(api, given), "ClusterReady")[0] == "True"


async def policies_of(api: cluster.Cluster) -> set[str]:
    held = (await api.list(kinds.NETWORK_POLICY, "home")).items
    return {one["metadata"]["name"] for one in held}


async def test_network_policies_come_and_go_with_what_they_protect(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud("keystone", "glance"))
    await one_pass(api, given)
    few = {"ouranos-nothing-else", "ouranos-mariadb", "ouranos-memcached", "ouranos-keystone-api"}
    assert await policies_of(api) == {*few, "ouranos-glance-api"}
    fewer = {"spec": {"services": {"glance": None}}}
    await api.patch(kinds.CLOUD, "home", "home", fewer)
    await one_pass(api, given)
    assert await policies_of(api) == few


async def test_a_network_policy_of_somebody_else_is_left_alone_and_named(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    theirs = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "ouranos-mariadb", "namespace": "home"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"]},
    }
    await person.create(theirs)
    await api.create(a_cloud("keystone"))
    after = await one_pass(api, given)
    said = condition(after, "InControl")
    assert said[0] == "False"
    assert "NetworkPolicy/ouranos-mariadb was set by somebody else" in said[2]
    kept = await found(api, "ouranos-mariadb", kinds.NETWORK_POLICY)
    assert kept["spec"]["policyTypes"] == ["Egress"]


async def test_only_what_the_services_need_is_made(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud("keystone"))
    after = await one_pass(api, given)
    there = {name for name, kind in PARTS.items() if await api.get(kind, name, "home")}
    assert there == {"mariadb", "memcached", "keystone"}
    assert conditions.find(conditions.of(after), "HypervisorsReady") is None


async def test_a_part_is_told_what_the_cloud_says(api: cluster.Cluster, given: seams.Seams) -> None:
    wanted = a_cloud(
        network={"publicHost": "cloud.example.org", "mtu": 9000},
        compute={"virtualization": "qemu", "datapath": "netdev"},
    )
    wanted["spec"]["services"]["nova"] = {
        "replicas": 2,
        "config": {"DEFAULT": {"debug": True, "ratio": 1.5, "names": ["a", "b"]}},
        "policy": {"os_compute_api:servers:create": "role:member"},
    }
    wanted["spec"]["services"]["cinder"] = {
        "backend": {"nfs": {"server": "192.0.2.9", "path": "/exports"}}
    }
    await api.create(wanted)
    await one_pass(api, given)
    nova = (await found(api, "nova"))["spec"]
    assert nova == {
        "management": "Running",
        "release": "2026.2",
        "region": "Düdingen Test",
        "publicHost": "cloud.example.org",
        "replicas": 2,
        "config": {"DEFAULT": {"debug": True, "ratio": 1.5, "names": ["a", "b"]}},
        "policy": {"os_compute_api:servers:create": "role:member"},
        "backing": {
            "mariadbRef": {"name": "mariadb"},
            "memcachedRef": {"name": "memcached"},
            "rabbitmqRef": {"name": "rabbitmq"},
        },
        "compute": {"virtualization": "qemu", "datapath": "netdev"},
    }
    neutron = (await found(api, "neutron"))["spec"]
    assert neutron["network"] == {
        "management": "172.31.0.0/24",
        "public": "172.24.4.0/24",
        "mtu": 9000,
    }
    assert neutron["compute"] == {"datapath": "netdev"}
    cinder = (await found(api, "cinder"))["spec"]
    assert cinder["backend"] == {"nfs": {"server": "192.0.2.9", "path": "/exports"}}
    mariadb = (await found(api, "mariadb"))["spec"]
    assert mariadb == {
        "management": "Running",
        "release": "2026.2",
        "builtin": {"storage": "10Gi"},
    }


async def test_a_cloud_is_ready_when_every_part_is(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud())
    await one_pass(api, given)
    await ready(api, *EVERY_PART)
    await say(api, await a_hypervisor(api), READY)
    after = await one_pass(api, given)
    assert condition(after, "Ready")[0] == "True"
    assert condition(after, "Available")[0] == "True"
    assert "awaited" not in after["status"]
    assert after["status"]["release"] == "2026.2"
    assert after["status"]["endpoints"] == {name: f"http://192.0.2.1/{name}" for name in ALL}


async def test_what_is_awaited_is_the_step_of_the_first_part_in_order(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud())
    await one_pass(api, given)
    await ready(api, "mariadb", "rabbitmq", "memcached", "ovn", "keystone", "glance", "neutron")
    await say(
        api,
        await found(api, "nova"),
        ("SecretsReady", "True", "Succeeded", ""),
        ("SchemaReady", "False", "Waiting", "Job/nova-schema runs"),
        ("Ready", "False", "Waiting", "Job/nova-schema runs"),
    )
    await say(
        api,
        await found(api, "placement"),
        ("DatabaseReady", "False", "Waiting", "Database/placement is being made"),
        ("SchemaReady", "Unknown", "WaitingForPrevious", "Waiting for step database"),
        ("Ready", "False", "Waiting", "Database/placement is being made"),
    )
    after = await one_pass(api, given)
    assert after["status"]["awaited"] == {
        "kind": "Placement",
        "name": "placement",
        "condition": "DatabaseReady",
        "reason": "Waiting",
        "message": "Database/placement is being made",
        "since": "2026-11-01T11:00:00Z",
    }
    assert condition(after, "Ready") == (
        "False",
        "Waiting",
        "Placement/placement DatabaseReady: Database/placement is being made",
    )
    assert condition(after, "NovaReady")[2] == "Nova/nova SchemaReady: Job/nova-schema runs"


async def test_what_waits_for_a_person_is_told_before_what_passes(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud())
    await one_pass(api, given)
    await say(
        api,
        await found(api, "cinder"),
        ("DatabaseReady", "False", "Waiting", "Database/cinder is being made"),
        ("SecretsReady", "False", "Unrecoverable", "Secret/cinder-keys is gone: put it back"),
        ("Ready", "False", "Unrecoverable", "Secret/cinder-keys is gone: put it back"),
    )
    after = await one_pass(api, given)
    assert condition(after, "Ready") == (
        "False",
        "Unrecoverable",
        "Cinder/cinder SecretsReady: Secret/cinder-keys is gone: put it back",
    )
    assert condition(after, "Progressing")[0] == "False"


async def test_readiness_for_an_older_spec_does_not_count(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    await api.create(a_cloud("keystone"))
    await one_pass(api, given)
    await ready(api, "mariadb", "memcached", "keystone")
    assert condition(await one_pass(api, given), "Ready")[0] == "True"
    patch = {"spec": {"services": {"keystone": {"replicas": 3}}}}
    await person.patch(kinds.CLOUD, "home", "home", patch)
    after = await one_pass(api, given)
    assert after["status"]["awaited"]["kind"] == "Keystone"
    assert condition(after, "KeystoneReady")[0] == "False"
    assert condition(after, "Available")[0] == "True"


async def test_an_object_that_a_person_made_is_left_alone(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    mine = {
        "apiVersion": "ouranos.cloud/v1alpha1",
        "kind": "Keystone",
        "metadata": {"name": "keystone", "namespace": "home"},
        "spec": {"release": "2026.2", "region": "mine", "replicas": 5},
    }
    before = await person.create(mine)
    await api.create(a_cloud("keystone"))
    after = await one_pass(api, given)
    assert (await found(api, "keystone"))["metadata"]["resourceVersion"] == before["metadata"][
        "resourceVersion"
    ]
    status, _, message = condition(after, "InControl")
    assert status == "False"
    assert "Keystone/keystone was made by somebody else" in message
    await ready(api, "mariadb", "memcached", "keystone")
    assert condition(await one_pass(api, given), "Ready")[0] == "True"


async def test_a_field_that_a_person_set_stays_and_the_rest_follows_the_cloud(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    await api.create(a_cloud("keystone"))
    await one_pass(api, given)
    await person.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"replicas": 4}})
    patch = {"spec": {"services": {"keystone": {"config": {"DEFAULT": {"debug": True}}}}}}
    await person.patch(kinds.CLOUD, "home", "home", patch)
    after = await one_pass(api, given)
    spec = (await found(api, "keystone"))["spec"]
    assert (spec["replicas"], spec["config"]) == (4, {"DEFAULT": {"debug": True}})
    status, reason, message = condition(after, "InControl")
    assert (status, reason) == ("False", "Unrecoverable")
    assert "Keystone/keystone .spec.replicas was set by kubectl" in message


async def test_a_field_that_a_person_gives_back_follows_the_cloud_again(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    await api.create(a_cloud("keystone"))
    await one_pass(api, given)
    await person.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"replicas": 4}})
    await one_pass(api, given)
    await person.patch(kinds.KEYSTONE, "keystone", "home", {"spec": {"replicas": 1}})
    assert condition(await one_pass(api, given), "InControl")[0] == "True"


async def test_a_part_that_a_person_deletes_is_awaited_until_it_is_made_again(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud("keystone"))
    await one_pass(api, given)
    held = {"metadata": {"finalizers": ["ouranos.cloud/x"]}}
    await api.patch(kinds.KEYSTONE, "keystone", "home", held)
    await ready(api, "mariadb", "memcached", "keystone")
    await api.delete(kinds.KEYSTONE, "keystone", "home")
    after = await one_pass(api, given)
    assert condition(after, "Ready")[2] == (
        "Keystone/keystone: it is being deleted, and is made again when it is gone"
    )
    assert condition(after, "KeystoneReady")[0] == "False"


async def test_a_part_that_the_api_refuses_is_told(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    older = crds.definition(services.KNOWN.kinds["Keystone"])
    version = older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    version["properties"]["spec"]["properties"]["replicas"]["maximum"] = 1
    await api.apply(older)
    wanted = a_cloud("keystone")
    wanted["spec"]["services"]["keystone"] = {"replicas": 2}
    await api.create(wanted)
    await given.clock.sleep(1)
    after = await one_pass(api, given)
    status, reason, message = condition(after, "Ready")
    assert (status, reason) == ("False", "InvalidSpec")
    assert "spec.replicas" in message


async def test_an_option_taken_out_of_the_cloud_goes_from_the_part(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    wanted = a_cloud("keystone")
    wanted["spec"]["services"]["keystone"] = {"config": {"DEFAULT": {"debug": True}}}
    await api.create(wanted)
    await one_pass(api, given)
    patch = {"spec": {"services": {"keystone": {"config": None}}}}
    await person.patch(kinds.CLOUD, "home", "home", patch)
    await one_pass(api, given)
    assert (await found(api, "keystone"))["spec"]["config"] == {}


async def test_a_service_taken_out_goes_and_what_may_hold_data_stays(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    await api.create(a_cloud("keystone", "glance", "cinder"))
    await one_pass(api, given)
    await person.patch(kinds.CLOUD, "home", "home", {"spec": {"services": {"cinder": None}}})
    after = await one_pass(api, given)
    assert await api.get(kinds.CINDER, "cinder", "home") is None
    assert await api.get(kinds.RABBITMQ, "rabbitmq", "home") is not None
    assert conditions.find(conditions.of(after), "CinderReady") is None
    assert "RabbitMQ/rabbitmq is used by no service any more" in condition(after, "InControl")[2]
    events = await api.list(kinds.EVENT, "home")
    assert [event["message"] for event in events.items] == [
        "Cinder is taken out of the cloud; its databases and volumes are kept"
    ]


async def test_a_service_that_is_needed_goes_last(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    await api.create(a_cloud())
    await one_pass(api, given)
    nova = await found(api, "nova")
    await api.patch(kinds.NOVA, "nova", "home", {"metadata": {"finalizers": ["ouranos.cloud/x"]}})
    gone = dict.fromkeys(("nova", "placement", "glance", "neutron", "cinder"))
    await person.patch(kinds.CLOUD, "home", "home", {"spec": {"services": gone}})
    after = await one_pass(api, given)
    assert (await found(api, "nova"))["metadata"]["deletionTimestamp"]
    assert await api.get(kinds.PLACEMENT, "placement", "home") is not None
    assert await api.get(kinds.CINDER, "cinder", "home") is None
    message = condition(after, "Ready")[2]
    assert "Nova/nova is being deleted; its data is kept" in message
    assert "Placement/placement stays until Nova is gone" in message
    await api.patch(kinds.NOVA, "nova", "home", {"metadata": {"finalizers": None}})
    await one_pass(api, given)
    assert await api.get(kinds.PLACEMENT, "placement", "home") is None
    assert nova["metadata"]["uid"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"release": "2031.1"}, "release '2031.1' is unknown"),
        ({"services": {"nova": {}}}, "Nova needs Keystone"),
        (
            {"services": {"keystone": {"config": {"DEFAULT": {"a_password": "x"}}}}},
            "would put a secret into a file that people edit",
        ),
        (
            {"services": {"keystone": {"config": {"a]\nb": {"c": 1}}}}},
            "is not the name of a section",
        ),
    ],
)
async def test_a_wrong_spec_changes_nothing_and_says_why(
    api: cluster.Cluster, given: seams.Seams, spec: dict[str, Any], why: str
) -> None:
    try:
        await api.create(a_cloud("keystone", **spec))
    except errors.Invalid as error:
        assert why in str(error)  # noqa: PT017 - either door may be the first to see it
        return
    after = await one_pass(api, given)
    status, reason, message = condition(after, "Ready")
    assert (status, reason) == ("False", "InvalidSpec")
    assert why in message
    assert condition(after, "Available")[:2] == ("False", "InvalidSpec")
    assert await api.get(kinds.KEYSTONE, "keystone", "home") is None


async def test_a_cloud_s_name_need_not_be_that_of_its_namespace(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud("keystone", name="other"))
    await controller.run_pass(cloud.controller(services.KNOWN), api, Key("home", "other"), given)
    part = await found(api, "keystone")
    assert part["metadata"]["ownerReferences"][0]["name"] == "other"


async def test_a_second_cloud_in_a_namespace_is_refused_until_the_first_is_gone(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud("keystone"))
    await given.clock.sleep(2)
    await api.create(a_cloud("keystone", "glance", name="other"))
    second = Key("home", "other")
    await controller.run_pass(cloud.controller(services.KNOWN), api, second, given)
    after = await found(api, "other", kinds.CLOUD)
    assert condition(after, "Ready")[1] == "Unrecoverable"
    assert "has a cloud already, Cloud/home; hint" in condition(after, "Ready")[2]
    assert await api.get(kinds.KEYSTONE, "keystone", "home") is None
    await api.delete(kinds.CLOUD, "home", "home")
    await controller.run_pass(cloud.controller(services.KNOWN), api, second, given)
    assert await found(api, "glance")


async def test_of_two_clouds_of_one_second_that_with_parts_stays(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    first = await api.create(a_cloud("keystone"))
    await one_pass(api, given)
    other = await api.create(a_cloud("keystone", name="other"))
    while objects.uid_of(other) > objects.uid_of(first):
        await api.delete(kinds.CLOUD, "other", "home")
        other = await api.create(a_cloud("keystone", name="other"))
    assert other["metadata"]["creationTimestamp"] == first["metadata"]["creationTimestamp"]
    assert condition(await one_pass(api, given), "Ready")[1] != "Unrecoverable"


def test_an_event_of_a_namespace_wakes_its_clouds() -> None:
    store = cache.Cache()
    for name, namespace in (("one", "home"), ("two", "home"), ("far", "away")):
        metadata = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"}
        store.store(kinds.CLOUD).wrote({"metadata": metadata})
    watches = {watch.kind: watch for watch in cloud.controller(services.KNOWN).watches}
    obj = {"metadata": {"name": "keystone", "namespace": "home"}}
    for kind in (kinds.KEYSTONE, kinds.CLOUD, kinds.HYPERVISOR):
        assert {key.name for key in watches[kind].keys(obj, store)} == {"one", "two"}


async def test_a_paused_cloud_changes_nothing(
    api: cluster.Cluster, given: seams.Seams, person: cluster.Cluster
) -> None:
    await api.create(a_cloud("keystone"))
    await one_pass(api, given)
    await person.patch(
        kinds.CLOUD,
        "home",
        "home",
        {"spec": {"management": "Paused", "services": {"glance": {}}}},
    )
    after = await one_pass(api, given)
    assert condition(after, "Progressing")[1] == "Paused"
    assert await api.get(kinds.GLANCE, "glance", "home") is None


async def test_without_a_machine_for_guests_it_says_how_to_get_one(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud())
    await one_pass(api, given)
    await ready(api, *EVERY_PART)
    after = await one_pass(api, given)
    assert after["status"]["awaited"]["condition"] == "Ready"
    assert "label a Node with ouranos.cloud/hypervisor" in condition(after, "Ready")[2]
    assert after["status"]["awaited"]["since"]


async def test_one_machine_that_is_late_does_not_make_a_cloud_unavailable(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    await api.create(a_cloud())
    await one_pass(api, given)
    await ready(api, *EVERY_PART)
    await say(api, await a_hypervisor(api, "a"), READY)
    late = ("AgentsReady", "False", "Waiting", "Pod/nova-compute-b starts")
    await say(api, await a_hypervisor(api, "b"), late, ("Ready", "False", "Waiting", "x"))
    after = await one_pass(api, given)
    assert condition(after, "Ready")[2] == "Hypervisor/b AgentsReady: Pod/nova-compute-b starts"
    assert condition(after, "Available")[0] == "True"


async def test_a_second_pass_writes_nothing(api: cluster.Cluster, given: seams.Seams) -> None:
    await api.create(a_cloud())
    before = await one_pass(api, given)
    after = await one_pass(api, given)
    assert before == after


async def test_a_cloud_gets_there_and_heals_what_is_deleted(
    api: cluster.Cluster, given: seams.Seams
) -> None:
    every = [cloud.controller(services.KNOWN)]
    runner = controller.ControllerRunner(every, controller.Mirror(api, every, given))
    task = asyncio.create_task(controller.run_alone(runner))
    try:
        await api.create(a_cloud())
        await given.clock.sleep(5)
        await ready(api, *EVERY_PART)
        await say(api, await a_hypervisor(api), READY)
        await given.clock.sleep(5)
        assert condition(await found(api, "home", kinds.CLOUD), "Ready")[0] == "True"
        await api.delete(kinds.GLANCE, "glance", "home")
        await given.clock.sleep(5)
        made_again = await found(api, "glance")
        after = await found(api, "home", kinds.CLOUD)
        assert after["status"]["awaited"]["kind"] == "Glance"
        await say(api, made_again, READY, AVAILABLE)
        await given.clock.sleep(5)
        assert condition(await found(api, "home", kinds.CLOUD), "Ready")[0] == "True"
        await api.delete(kinds.CLOUD, "home", "home")
        await given.clock.sleep(60)
        assert await api.get(kinds.CLOUD, "home", "home") is None
        for name in EVERY_PART:
            assert await api.get(PARTS[name], name, "home") is None
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
