"""Objects change only as their writer has seen them, and only what the door lets through."""

from typing import Any

import httpx2
import pytest

Object = dict[str, Any]


def config_map(name: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": data or {"a": "1"},
    }


def deployment(name: str, replicas: int = 1) -> Object:
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
    }


@pytest.fixture
def maps(home: str) -> str:
    return f"/api/v1/namespaces/{home}/configmaps"


@pytest.fixture
def deployments(home: str) -> str:
    return f"/apis/apps/v1/namespaces/{home}/deployments"


async def test_an_update_moves_the_version(api: httpx2.AsyncClient, maps: str) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    made["data"] = {"b": "2"}
    changed = await api.put(f"{maps}/one", json=made)
    assert changed.status_code == 200
    assert changed.json()["data"] == {"b": "2"}
    before, after = (each["metadata"]["resourceVersion"] for each in (made, changed.json()))
    assert int(after) > int(before)


async def test_an_update_that_changes_nothing_writes_nothing(
    api: httpx2.AsyncClient, maps: str
) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    again = (await api.put(f"{maps}/one", json=made)).json()
    assert again["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_an_update_of_an_old_version_is_a_conflict(
    api: httpx2.AsyncClient, maps: str
) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    await api.put(f"{maps}/one", json={**made, "data": {"b": "2"}})
    refused = await api.put(f"{maps}/one", json={**made, "data": {"c": "3"}})
    assert refused.status_code == 409
    status = refused.json()
    assert status["reason"] == "Conflict"
    assert status["message"] == (
        'Operation cannot be fulfilled on configmaps "one": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_an_update_without_a_version_wins(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    changed = await api.put(f"{maps}/one", json=config_map("one", b="2"))
    assert changed.status_code == 200
    assert changed.json()["data"] == {"b": "2"}


async def test_an_update_of_another_identity_is_a_conflict(
    api: httpx2.AsyncClient, maps: str
) -> None:
    await api.post(maps, json=config_map("one"))
    wanted = config_map("one", b="2")
    wanted["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    refused = await api.put(f"{maps}/one", json=wanted)
    assert refused.status_code == 409
    assert "Precondition failed: UID in precondition" in refused.json()["message"]


async def test_an_update_of_nothing_is_not_found(api: httpx2.AsyncClient, maps: str) -> None:
    assert (await api.put(f"{maps}/one", json=config_map("one"))).status_code == 404


async def test_an_update_under_another_name_is_refused(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    refused = await api.put(f"{maps}/one", json=config_map("two"))
    assert refused.status_code == 400
    assert "does not match the name on the URL" in refused.json()["message"]


async def test_what_the_server_gave_stays(api: httpx2.AsyncClient, maps: str) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    wanted = config_map("one", b="2")
    wanted["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z"
    changed = (await api.put(f"{maps}/one", json=wanted)).json()
    for name in ("uid", "creationTimestamp"):
        assert changed["metadata"][name] == made["metadata"][name]


async def test_a_dry_update_changes_nothing(api: httpx2.AsyncClient, maps: str) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    changed = await api.put(f"{maps}/one?dryRun=All", json=config_map("one", b="2"))
    assert changed.json()["data"] == {"b": "2"}
    assert (await api.get(f"{maps}/one")).json() == made


async def test_an_immutable_map_stays_as_it_is(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json={**config_map("one"), "immutable": True})
    refused = await api.put(f"{maps}/one", json={**config_map("one", b="2"), "immutable": True})
    assert refused.status_code == 422
    assert "field is immutable when `immutable` is set" in refused.json()["message"]


async def test_a_generation_counts_what_is_wanted(
    api: httpx2.AsyncClient, deployments: str
) -> None:
    made = (await api.post(deployments, json=deployment("one"))).json()
    assert made["metadata"]["generation"] == 1
    made["metadata"]["labels"] = {"a": "b"}
    labelled = (await api.put(f"{deployments}/one", json=made)).json()
    assert labelled["metadata"]["generation"] == 1
    labelled["spec"]["replicas"] = 2
    scaled = (await api.put(f"{deployments}/one", json=labelled)).json()
    assert scaled["metadata"]["generation"] == 2


async def test_the_main_door_lets_no_status_through(
    api: httpx2.AsyncClient, deployments: str
) -> None:
    made = (await api.post(deployments, json=deployment("one"))).json()
    made["status"] = {"replicas": 9}
    changed = (await api.put(f"{deployments}/one", json=made)).json()
    assert changed["status"] == {}
    assert changed["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_the_status_door_lets_only_status_through(
    api: httpx2.AsyncClient, deployments: str
) -> None:
    made = (await api.post(deployments, json=deployment("one"))).json()
    wanted = {**made, "status": {"replicas": 3}, "spec": {**made["spec"], "replicas": 7}}
    changed = (await api.put(f"{deployments}/one/status", json=wanted)).json()
    assert changed["status"]["replicas"] == 3
    assert changed["spec"]["replicas"] == 1
    assert changed["metadata"]["generation"] == 1
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


async def test_a_status_is_read_through_its_door(api: httpx2.AsyncClient, deployments: str) -> None:
    await api.post(deployments, json=deployment("one"))
    read = await api.get(f"{deployments}/one/status")
    assert read.status_code == 200
    assert read.json()["kind"] == "Deployment"


async def test_a_selector_of_a_deployment_stays(api: httpx2.AsyncClient, deployments: str) -> None:
    made = (await api.post(deployments, json=deployment("one"))).json()
    made["spec"]["selector"] = {"matchLabels": {"app": "two"}}
    made["spec"]["template"]["metadata"]["labels"] = {"app": "two"}
    refused = await api.put(f"{deployments}/one", json=made)
    assert refused.status_code == 422
    assert "field is immutable" in refused.json()["message"]


async def test_a_pod_changes_little(api: httpx2.AsyncClient, home: str) -> None:
    pods = f"/api/v1/namespaces/{home}/pods"
    pod = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made = (await api.post(pods, json=pod)).json()
    made["spec"]["containers"][0]["image"] = "j"
    allowed = await api.put(f"{pods}/one", json=made)
    assert allowed.status_code == 200
    made = allowed.json()
    made["spec"]["containers"][0]["name"] = "d"
    assert (await api.put(f"{pods}/one", json=made)).status_code == 422


async def test_a_custom_object_needs_a_version(api: httpx2.AsyncClient, widgets: str) -> None:
    widget = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": {},
    }
    await api.post(widgets, json=widget)
    refused = await api.put(f"{widgets}/one", json=widget)
    assert refused.status_code == 422
    assert refused.json()["details"]["causes"][0]["field"] == "metadata.resourceVersion"
