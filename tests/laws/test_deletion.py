"""Objects go when nothing holds them: preconditions, finalizers, grace, policies."""

import json
from typing import Any

import httpx2
import pytest

Object = dict[str, Any]


def config_map(name: str, *finalizers: str, **labels: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "finalizers": list(finalizers), "labels": labels},
    }


@pytest.fixture
def maps(home: str) -> str:
    return f"/api/v1/namespaces/{home}/configmaps"


async def delete(
    api: httpx2.AsyncClient, path: str, options: Object | None = None, **query: str
) -> httpx2.Response:
    text = json.dumps({"kind": "DeleteOptions", "apiVersion": "v1", **(options or {})})
    headers = {"content-type": "application/json"}
    return await api.request("DELETE", path, content=text, headers=headers, params=query)


async def merge(api: httpx2.AsyncClient, path: str, change: Object) -> httpx2.Response:
    headers = {"content-type": "application/merge-patch+json"}
    return await api.patch(path, content=json.dumps(change), headers=headers)


async def test_a_deleted_object_is_gone(api: httpx2.AsyncClient, maps: str) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    gone = await api.delete(f"{maps}/one")
    assert gone.status_code == 200
    assert gone.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": "one", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    }
    assert (await api.get(f"{maps}/one")).status_code == 404


async def test_nothing_cannot_be_deleted(api: httpx2.AsyncClient, maps: str) -> None:
    assert (await api.delete(f"{maps}/one")).status_code == 404


async def test_a_service_is_answered_with_itself(api: httpx2.AsyncClient, home: str) -> None:
    services = f"/api/v1/namespaces/{home}/services"
    service = {"metadata": {"name": "one"}, "spec": {"ports": [{"port": 80}]}}
    await api.post(services, json=service)
    assert (await api.delete(f"{services}/one")).json()["kind"] == "Service"


@pytest.mark.parametrize(
    ("preconditions", "words"),
    [
        ({"uid": "11111111-1111-1111-1111-111111111111"}, "the UID in the precondition"),
        ({"resourceVersion": "1"}, "the ResourceVersion in the precondition"),
    ],
)
async def test_a_precondition_protects(
    api: httpx2.AsyncClient, maps: str, preconditions: Object, words: str
) -> None:
    await api.post(maps, json=config_map("one"))
    refused = await delete(api, f"{maps}/one", {"preconditions": preconditions})
    assert refused.status_code == 409
    assert words in refused.json()["message"]
    assert (await api.get(f"{maps}/one")).status_code == 200


async def test_a_precondition_that_holds_lets_go(api: httpx2.AsyncClient, maps: str) -> None:
    uid = (await api.post(maps, json=config_map("one"))).json()["metadata"]["uid"]
    gone = await delete(api, f"{maps}/one", {"preconditions": {"uid": uid}})
    assert gone.status_code == 200


async def test_a_dry_deletion_changes_nothing(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    assert (await delete(api, f"{maps}/one", {"dryRun": ["All"]})).status_code == 200
    assert (await api.get(f"{maps}/one")).status_code == 200


async def test_a_finalizer_holds_an_object(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one", "law.test/hold"))
    marked = await api.delete(f"{maps}/one")
    assert marked.status_code == 200
    metadata = marked.json()["metadata"]
    assert metadata["deletionTimestamp"]
    assert metadata["deletionGracePeriodSeconds"] == 0
    assert (await api.get(f"{maps}/one")).status_code == 200
    last = await merge(api, f"{maps}/one", {"metadata": {"finalizers": None}})
    assert last.status_code == 200
    assert (await api.get(f"{maps}/one")).status_code == 404


async def test_a_second_deletion_changes_nothing(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one", "law.test/hold"))
    first = (await api.delete(f"{maps}/one")).json()
    second = (await api.delete(f"{maps}/one")).json()
    assert first == second
    await merge(api, f"{maps}/one", {"metadata": {"finalizers": None}})


async def test_no_finalizer_can_come_late(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one", "law.test/hold"))
    await api.delete(f"{maps}/one")
    late = {"metadata": {"finalizers": ["law.test/hold", "law.test/late"]}}
    refused = await merge(api, f"{maps}/one", late)
    assert refused.status_code == 422
    assert "no new finalizers can be added if the object is being deleted" in refused.text
    await merge(api, f"{maps}/one", {"metadata": {"finalizers": None}})


async def test_a_deletion_cannot_be_taken_back(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one", "law.test/hold"))
    marked = (await api.delete(f"{maps}/one")).json()
    after = await merge(api, f"{maps}/one", {"metadata": {"deletionTimestamp": None}})
    assert after.json()["metadata"]["deletionTimestamp"] == marked["metadata"]["deletionTimestamp"]
    await merge(api, f"{maps}/one", {"metadata": {"finalizers": None}})


async def test_a_deletion_counts_in_the_generation(api: httpx2.AsyncClient, widgets: str) -> None:
    widget = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": "one", "finalizers": ["law.test/hold"]},
    }
    await api.post(widgets, json=widget)
    marked = (await api.delete(f"{widgets}/one")).json()
    assert marked["metadata"]["generation"] == 2
    await merge(api, f"{widgets}/one", {"metadata": {"finalizers": None}})


@pytest.mark.parametrize(
    ("policy", "finalizers"),
    [
        ("Foreground", ["law.test/hold", "foregroundDeletion"]),
        ("Orphan", ["law.test/hold", "orphan"]),
        ("Background", ["law.test/hold"]),
    ],
)
async def test_a_policy_becomes_a_finalizer(
    api: httpx2.AsyncClient, maps: str, policy: str, finalizers: list[str]
) -> None:
    await api.post(maps, json=config_map("one", "law.test/hold"))
    marked = await delete(api, f"{maps}/one", {"propagationPolicy": policy})
    assert sorted(marked.json()["metadata"]["finalizers"]) == sorted(finalizers)
    await merge(api, f"{maps}/one", {"metadata": {"finalizers": None}})


async def test_an_unknown_policy_is_refused(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    refused = await delete(api, f"{maps}/one", {"propagationPolicy": "Sideways"})
    assert refused.status_code == 422
    assert 'Unsupported value: "Sideways"' in refused.json()["message"]


async def test_options_that_contradict_are_refused(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    both = {"propagationPolicy": "Foreground", "orphanDependents": True}
    refused = await delete(api, f"{maps}/one", both)
    assert refused.status_code in {400, 422}


@pytest.mark.parametrize(
    ("query", "finalizers"),
    [
        ({"propagationPolicy": "Foreground"}, {"law.test/hold", "foregroundDeletion"}),
        ({"orphanDependents": "true"}, {"law.test/hold", "orphan"}),
        ({"gracePeriodSeconds": "0"}, {"law.test/hold"}),
    ],
)
async def test_options_can_stand_in_the_query(
    api: httpx2.AsyncClient, maps: str, query: dict[str, str], finalizers: set[str]
) -> None:
    await api.post(maps, json=config_map("one", "law.test/hold"))
    marked = await api.delete(f"{maps}/one", params=query)
    assert set(marked.json()["metadata"]["finalizers"]) == finalizers
    await merge(api, f"{maps}/one", {"metadata": {"finalizers": None}})


async def test_a_job_leaves_its_pods_unless_told_otherwise(
    api: httpx2.AsyncClient, home: str
) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
    job = {
        "metadata": {"name": "one", "finalizers": ["law.test/hold"]},
        "spec": {"template": template},
    }
    jobs = f"/apis/batch/v1/namespaces/{home}/jobs"
    await api.post(jobs, json=job)
    marked = await api.delete(f"{jobs}/one")
    assert set(marked.json()["metadata"]["finalizers"]) == {"law.test/hold", "orphan"}
    await merge(api, f"{jobs}/one", {"metadata": {"finalizers": None}})


# Pods.


def pod(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
    }


@pytest.fixture
def pods(home: str) -> str:
    return f"/api/v1/namespaces/{home}/pods"


async def test_a_pod_without_a_node_goes_at_once(api: httpx2.AsyncClient, pods: str) -> None:
    await api.post(pods, json=pod("one"))
    gone = await api.delete(f"{pods}/one")
    assert gone.json()["kind"] == "Pod"
    assert (await api.get(f"{pods}/one")).status_code == 404


async def test_a_pod_on_a_node_has_time_to_end(api: httpx2.AsyncClient, pods: str) -> None:
    await api.post(pods, json=pod("one", nodeName="law-node"))
    marked = await api.delete(f"{pods}/one")
    metadata = marked.json()["metadata"]
    assert metadata["deletionGracePeriodSeconds"] == 30
    assert metadata["deletionTimestamp"] > metadata["creationTimestamp"]
    assert (await api.get(f"{pods}/one")).status_code == 200
    gone = await delete(api, f"{pods}/one", {"gracePeriodSeconds": 0})
    assert gone.status_code == 200
    assert (await api.get(f"{pods}/one")).status_code == 404


async def test_a_grace_period_can_be_shortened_only(api: httpx2.AsyncClient, pods: str) -> None:
    await api.post(pods, json=pod("one", nodeName="law-node"))
    for asked, given in ((20, 20), (25, 20), (5, 5)):
        marked = await delete(api, f"{pods}/one", {"gracePeriodSeconds": asked})
        assert marked.json()["metadata"]["deletionGracePeriodSeconds"] == given
    await delete(api, f"{pods}/one", {"gracePeriodSeconds": 0})


async def test_a_pod_that_has_ended_goes_at_once(api: httpx2.AsyncClient, pods: str) -> None:
    await api.post(pods, json=pod("one", nodeName="law-node"))
    headers = {"content-type": "application/merge-patch+json"}
    await api.patch(
        f"{pods}/one/status", content='{"status":{"phase":"Succeeded"}}', headers=headers
    )
    await api.delete(f"{pods}/one")
    assert (await api.get(f"{pods}/one")).status_code == 404


async def test_a_pod_with_a_finalizer_waits_for_both(api: httpx2.AsyncClient, pods: str) -> None:
    held = pod("one", nodeName="law-node")
    held["metadata"]["finalizers"] = ["law.test/hold"]
    await api.post(pods, json=held)
    await api.delete(f"{pods}/one")
    await delete(api, f"{pods}/one", {"gracePeriodSeconds": 0})
    assert (await api.get(f"{pods}/one")).status_code == 200
    await merge(api, f"{pods}/one", {"metadata": {"finalizers": None}})
    assert (await api.get(f"{pods}/one")).status_code == 404


# Collections.


async def test_a_collection_is_deleted_by_its_labels(api: httpx2.AsyncClient, maps: str) -> None:
    for name, colour in (("a", "red"), ("b", "red"), ("c", "green")):
        await api.post(maps, json=config_map(name, colour=colour))
    gone = await api.delete(maps, params={"labelSelector": "colour=red"})
    assert gone.status_code == 200
    left = (await api.get(maps)).json()["items"]
    names = [each["metadata"]["name"] for each in left]
    assert [name for name in names if not name.startswith("kube-root")] == ["c"]
