"""What random calls on both servers have shown: once answered otherwise by the embedded API."""

import json
from typing import Any

import httpx2
import pytest

Watch = Any

Object = dict[str, Any]
APPLY = {"content-type": "application/apply-patch+yaml"}
MERGE = {"content-type": "application/merge-patch+json"}


@pytest.fixture
def maps(home: str) -> str:
    return f"/api/v1/namespaces/{home}/configmaps"


def config_map(name: str, **more: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **more}


def widget(**spec: Any) -> Object:
    head = {"apiVersion": "laws.ouranos.cloud/v1", "kind": "Widget"}
    return {**head, "metadata": {"name": "one"}, "spec": spec}


async def apply(api: httpx2.AsyncClient, path: str, obj: Object) -> httpx2.Response:
    query = {"fieldManager": "me"}
    return await api.patch(path, content=json.dumps(obj), headers=APPLY, params=query)


async def test_what_is_not_known_cannot_be_applied(api: httpx2.AsyncClient, maps: str) -> None:
    refused = await apply(api, f"{maps}/one", config_map("one", odd="x"))
    assert refused.status_code == 500
    assert refused.json()["message"] == (
        "failed to create typed patch object (/one; /v1, Kind=ConfigMap): "
        ".odd: field not declared in schema"
    )
    assert "reason" not in refused.json()


async def test_a_wrong_type_cannot_be_applied(api: httpx2.AsyncClient, widgets: str) -> None:
    refused = await apply(api, f"{widgets}/one", widget(size="big"))
    assert refused.status_code == 500
    assert "expected numeric (int or float), got string" in refused.json()["message"]


async def test_an_empty_map_that_is_applied_is_owned(api: httpx2.AsyncClient, maps: str) -> None:
    obj = config_map("one")
    obj["metadata"]["labels"] = {}
    made = (await apply(api, f"{maps}/one", obj)).json()
    assert "labels" not in made["metadata"]
    assert made["metadata"]["managedFields"][0]["fieldsV1"] == {"f:metadata": {"f:labels": {}}}


async def test_a_refusal_brings_warnings_too(api: httpx2.AsyncClient, maps: str) -> None:
    refused = await api.put(f"{maps}/one", json=config_map("one", odd="x"))
    assert refused.status_code == 404
    assert refused.headers["warning"] == '299 - "unknown field \\"odd\\""'


async def test_an_object_is_checked_before_its_name_is(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    refused = await api.post(maps, json=config_map("one", data={"no key!": "x"}))
    assert refused.status_code == 422


async def test_a_finalizer_of_a_built_in_kind_has_a_domain(
    api: httpx2.AsyncClient, maps: str
) -> None:
    obj = config_map("one")
    obj["metadata"]["finalizers"] = ["mine"]
    refused = await api.post(maps, json=obj)
    assert refused.status_code == 422
    (cause,) = refused.json()["details"]["causes"]
    assert cause["field"] == "metadata.finalizers[0]"


async def test_a_finalizer_of_a_custom_kind_should_have_a_domain(
    api: httpx2.AsyncClient, widgets: str
) -> None:
    obj = widget()
    obj["metadata"]["finalizers"] = ["mine"]
    made = await api.post(widgets, json=obj)
    assert made.status_code == 201, made.text
    assert "prefer a domain-qualified finalizer name" in made.headers["warning"]
    await api.patch(f"{widgets}/one", content='{"metadata":{"finalizers":null}}', headers=MERGE)


async def test_rules_are_not_asked_of_what_has_the_wrong_shape(
    api: httpx2.AsyncClient, widgets: str
) -> None:
    refused = await api.post(widgets, json=widget(colour="blue", size=1, replicas=2))
    assert refused.status_code == 422
    causes = {each["field"]: each["message"] for each in refused.json()["details"]["causes"]}
    assert causes.keys() == {"spec.colour", "<nil>"}
    assert "some validation rules were not checked" in causes["<nil>"]


async def test_an_update_makes_a_lease(api: httpx2.AsyncClient, home: str) -> None:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{home}/leases/one"
    made = await api.put(path, json={"metadata": {"name": "one"}, "spec": {"holderIdentity": "me"}})
    assert made.status_code == 201, made.text
    again = await api.put(path, json=made.json())
    assert again.status_code == 200


async def test_what_goes_at_once_was_never_about_to_go(
    api: httpx2.AsyncClient, maps: str, watch: Watch
) -> None:
    made = (await api.post(maps, json=config_map("one"))).json()
    async with watch(maps, resourceVersion=made["metadata"]["resourceVersion"]) as events:
        await api.delete(f"{maps}/one")
        gone = await events.of("one")
    assert gone["type"] == "DELETED"
    assert "deletionTimestamp" not in gone["object"]["metadata"]


async def test_what_goes_with_its_last_finalizer_is_told_as_it_was(
    api: httpx2.AsyncClient, maps: str, watch: Watch
) -> None:
    obj = config_map("one")
    obj["metadata"]["finalizers"] = ["law.test/a"]
    await api.post(maps, json=obj)
    marked = (await api.delete(f"{maps}/one")).json()
    begin = marked["metadata"]["resourceVersion"]
    async with watch(maps, resourceVersion=begin) as events:
        change = '{"metadata":{"finalizers":null,"labels":{"a":"b"}}}'
        last = await api.patch(f"{maps}/one", content=change, headers=MERGE)
        gone = await events.of("one")
    assert "finalizers" not in last.json()["metadata"]
    assert last.json()["metadata"]["resourceVersion"] == begin
    assert gone["type"] == "DELETED"
    assert gone["object"]["metadata"]["finalizers"] == ["law.test/a"]
    assert "labels" not in gone["object"]["metadata"]


async def test_a_wrong_precondition_names_the_kind(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    refused = await api.request("DELETE", f"{maps}/one", json={"preconditions": {"uid": "another"}})
    assert refused.status_code == 409
    assert refused.json()["details"]["kind"] == "ConfigMap"


async def test_a_quantity_is_told_by_the_largest_unit_that_needs_no_fraction(
    api: httpx2.AsyncClient, home: str
) -> None:
    told = {"1024Mi": "1Gi", "1.5Gi": "1536Mi", "0.5": "500m", "1000m": "1", "12000": "12k"}
    for number, (given, kept) in enumerate(told.items()):
        claim = {
            "metadata": {"name": f"claim-{number}"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": given}},
            },
        }
        path = f"/api/v1/namespaces/{home}/persistentvolumeclaims"
        made = await api.post(path, json=claim)
        assert made.status_code == 201, made.text
        assert made.json()["spec"]["resources"]["requests"]["storage"] == kept
