"""The four kinds of patch."""

import json
from typing import Any

import httpx2
import pytest
from laws_calls import APPLY, JSON, MERGE, STRATEGIC

Object = dict[str, Any]


def pod(name: str) -> Object:
    containers = [{"name": "a", "image": "i"}, {"name": "b", "image": "j"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"x": "1"}},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 1},
    }


@pytest.fixture
async def path(api: httpx2.AsyncClient, home: str) -> str:
    pods = f"/api/v1/namespaces/{home}/pods"
    assert (await api.post(pods, json=pod("one"))).status_code == 201
    return f"{pods}/one"


async def patch(
    api: httpx2.AsyncClient, path: str, kind: str, change: Any, **query: str
) -> httpx2.Response:
    text = json.dumps(change)
    return await api.patch(path, content=text, headers={"content-type": kind}, params=query)


async def test_a_merge_patch_adds_changes_and_removes(api: httpx2.AsyncClient, path: str) -> None:
    change = {"metadata": {"labels": {"x": None, "y": "2"}}}
    changed = await patch(api, path, MERGE, change)
    assert changed.status_code == 200
    assert changed.json()["metadata"]["labels"] == {"y": "2"}


async def test_a_merge_patch_replaces_lists(api: httpx2.AsyncClient, path: str) -> None:
    change = {"metadata": {"finalizers": ["law.test/a"]}}
    await patch(api, path, MERGE, change)
    changed = await patch(api, path, MERGE, {"metadata": {"finalizers": ["law.test/b"]}})
    assert changed.json()["metadata"]["finalizers"] == ["law.test/b"]
    await patch(api, path, MERGE, {"metadata": {"finalizers": None}})


async def test_a_strategic_patch_merges_lists_by_key(api: httpx2.AsyncClient, path: str) -> None:
    change = {"spec": {"containers": [{"name": "b", "image": "k"}]}}
    changed = await patch(api, path, STRATEGIC, change)
    assert changed.status_code == 200, changed.text
    images = {each["name"]: each["image"] for each in changed.json()["spec"]["containers"]}
    assert images == {"a": "i", "b": "k"}


async def test_a_json_patch_follows_its_operations(api: httpx2.AsyncClient, path: str) -> None:
    change = [
        {"op": "test", "path": "/metadata/labels/x", "value": "1"},
        {"op": "replace", "path": "/metadata/labels/x", "value": "2"},
        {"op": "add", "path": "/metadata/labels/law.test~1y", "value": "3"},
    ]
    changed = await patch(api, path, JSON, change)
    assert changed.json()["metadata"]["labels"] == {"x": "2", "law.test/y": "3"}


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        pytest.param(
            JSON, [{"op": "test", "path": "/metadata/name", "value": "x"}], 422, id="failed test"
        ),
        pytest.param(JSON, [{"op": "remove", "path": "/metadata/nothing"}], 422, id="no path"),
        pytest.param(JSON, {"op": "remove"}, 400, id="no list"),
        pytest.param(MERGE, [], 400, id="a list as merge patch"),
        pytest.param(STRATEGIC, [], 400, id="a list as strategic patch"),
        pytest.param("application/json", {}, 415, id="no patch type"),
        pytest.param(MERGE, {"metadata": {"name": "two"}}, 400, id="another name"),
        pytest.param(MERGE, {"metadata": {"uid": "x"}}, 422, id="another identity"),
        pytest.param(MERGE, {"metadata": {"resourceVersion": "1"}}, 409, id="an old version"),
        pytest.param(MERGE, {"spec": {"containers": None}}, 422, id="what is required removed"),
    ],
)
async def test_a_wrong_patch_is_refused(
    api: httpx2.AsyncClient, path: str, kind: str, change: Any, code: int
) -> None:
    refused = await patch(api, path, kind, change)
    assert refused.status_code == code, refused.text
    assert refused.json()["kind"] == "Status"


async def test_a_patch_of_nothing_is_not_found(api: httpx2.AsyncClient, path: str) -> None:
    refused = await patch(api, path.replace("/one", "/none"), MERGE, {})
    assert refused.status_code == 404


async def test_a_patch_that_changes_nothing_writes_nothing(
    api: httpx2.AsyncClient, path: str
) -> None:
    before = (await api.get(path)).json()
    after = (await patch(api, path, MERGE, {"metadata": {"labels": {"x": "1"}}})).json()
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_a_custom_kind_knows_no_strategic_patch(
    api: httpx2.AsyncClient, widgets: str
) -> None:
    widget = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
    }
    await api.post(widgets, json=widget)
    refused = await patch(api, f"{widgets}/one", STRATEGIC, {"spec": {"size": 1}})
    assert refused.status_code == 415


async def test_force_is_for_applies_only(api: httpx2.AsyncClient, path: str) -> None:
    refused = await patch(api, path, MERGE, {}, force="true")
    assert refused.status_code in {400, 422}


# Server-side apply.


def claimed(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": data}


@pytest.fixture
def map_path(home: str) -> str:
    return f"/api/v1/namespaces/{home}/configmaps/one"


async def test_an_apply_makes_what_is_missing(api: httpx2.AsyncClient, map_path: str) -> None:
    made = await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    assert made.status_code == 201
    (entry,) = made.json()["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == ("me", "Apply")
    assert entry["fieldsV1"] == {"f:data": {"f:a": {}}}


async def test_an_apply_needs_a_manager(api: httpx2.AsyncClient, map_path: str) -> None:
    refused = await patch(api, map_path, APPLY, claimed(a="1"))
    assert refused.status_code == 422
    assert "fieldManager: Required value" in refused.json()["message"]


async def test_an_apply_names_its_object(api: httpx2.AsyncClient, map_path: str) -> None:
    nameless = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "1"}}
    refused = await patch(api, map_path, APPLY, nameless, fieldManager="me")
    assert refused.status_code == 400
    assert refused.json()["message"].endswith("name must be provided")


async def test_what_is_empty_is_left_out(api: httpx2.AsyncClient, map_path: str) -> None:
    for _ in range(2):
        made = await patch(api, map_path, APPLY, claimed(), fieldManager="me")
        assert "data" not in made.json()
        assert made.json()["metadata"]["managedFields"][0]["fieldsV1"] == {"f:data": {}}


async def test_the_same_apply_again_writes_nothing(api: httpx2.AsyncClient, map_path: str) -> None:
    first = await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    second = await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    assert second.status_code == 200
    assert second.json() == first.json()


async def test_an_apply_removes_what_it_claims_no_more(
    api: httpx2.AsyncClient, map_path: str
) -> None:
    await patch(api, map_path, APPLY, claimed(a="1", b="2"), fieldManager="me")
    changed = await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    assert changed.json()["data"] == {"a": "1"}


async def test_managers_live_side_by_side(api: httpx2.AsyncClient, map_path: str) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    changed = await patch(api, map_path, APPLY, claimed(b="2"), fieldManager="you")
    assert changed.json()["data"] == {"a": "1", "b": "2"}
    assert {each["manager"] for each in changed.json()["metadata"]["managedFields"]} == {
        "me",
        "you",
    }


async def test_a_field_of_another_is_a_conflict(api: httpx2.AsyncClient, map_path: str) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    refused = await patch(api, map_path, APPLY, claimed(a="2"), fieldManager="you")
    assert refused.status_code == 409
    status = refused.json()
    assert status["reason"] == "Conflict"
    assert status["message"] == 'Apply failed with 1 conflict: conflict with "me": .data.a'
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "me"', "field": ".data.a"}
    ]


async def test_the_same_value_is_shared(api: httpx2.AsyncClient, map_path: str) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    shared = await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="you")
    assert shared.status_code == 200
    left = await patch(api, map_path, APPLY, claimed(), fieldManager="me")
    assert left.json()["data"] == {"a": "1"}


async def test_force_takes_a_field_over(api: httpx2.AsyncClient, map_path: str) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    taken = await patch(api, map_path, APPLY, claimed(a="2"), fieldManager="you", force="true")
    assert taken.json()["data"] == {"a": "2"}
    assert [each["manager"] for each in taken.json()["metadata"]["managedFields"]] == ["you"]


async def test_an_update_takes_a_field_over(api: httpx2.AsyncClient, map_path: str) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    await patch(api, map_path, MERGE, {"data": {"a": "2"}}, fieldManager="you")
    refused = await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    assert refused.status_code == 409
    assert 'conflict with "you" using v1: .data.a' in refused.json()["message"]


async def test_an_apply_of_managed_fields_is_refused(
    api: httpx2.AsyncClient, map_path: str
) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    whole = (await api.get(map_path)).json()
    refused = await patch(api, map_path, APPLY, whole, fieldManager="me")
    assert refused.status_code == 400
    assert "metadata.managedFields must be nil" in refused.json()["message"]


async def test_a_dry_apply_changes_nothing(api: httpx2.AsyncClient, map_path: str) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me", dryRun="All")
    assert (await api.get(map_path)).status_code == 404


async def test_an_apply_of_yaml_is_read(api: httpx2.AsyncClient, map_path: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: b}\n"
    made = await api.patch(
        map_path,
        content=text,
        headers={"content-type": APPLY},
        params={"fieldManager": "me"},
    )
    assert made.status_code == 201, made.text


async def test_an_apply_of_an_old_version_is_a_conflict(
    api: httpx2.AsyncClient, map_path: str
) -> None:
    await patch(api, map_path, APPLY, claimed(a="1"), fieldManager="me")
    stale = claimed(a="2")
    stale["metadata"]["resourceVersion"] = "1"
    refused = await patch(api, map_path, APPLY, stale, fieldManager="me")
    assert refused.status_code == 409


async def test_lists_with_keys_are_shared_by_item(api: httpx2.AsyncClient, widgets: str) -> None:
    def widget(*ports: int) -> Object:
        return {
            "apiVersion": "laws.ouranos.cloud/v1",
            "kind": "Widget",
            "metadata": {"name": "one"},
            "spec": {"ports": [{"port": port, "name": f"p{port}"} for port in ports]},
        }

    path = f"{widgets}/one"
    await patch(api, path, APPLY, widget(1, 2), fieldManager="me")
    both = await patch(api, path, APPLY, widget(3), fieldManager="you")
    assert [each["port"] for each in both.json()["spec"]["ports"]] == [1, 2, 3]
    fewer = await patch(api, path, APPLY, widget(2), fieldManager="me")
    assert [each["port"] for each in fewer.json()["spec"]["ports"]] == [2, 3]


async def test_a_status_is_applied_through_its_door(api: httpx2.AsyncClient, widgets: str) -> None:
    widget = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
    }
    path = f"{widgets}/one"
    await patch(api, path, APPLY, {**widget, "spec": {"size": 1}}, fieldManager="me")
    status = {**widget, "status": {"phase": "good"}}
    changed = await patch(api, f"{path}/status", APPLY, status, fieldManager="me")
    assert changed.json()["status"] == {"phase": "good"}
    assert changed.json()["spec"]["size"] == 1
    doors = {each.get("subresource", "") for each in changed.json()["metadata"]["managedFields"]}
    assert doors == {"", "status"}
