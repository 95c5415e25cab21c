"""Custom kinds are served as soon as they are established, and as their schema says."""

import copy
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

Object = dict[str, Any]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
MERGE = {"content-type": "application/merge-patch+json"}


def widget(of: str, **spec: Any) -> Object:
    return {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": of},
        "spec": spec,
    }


def definition(plural: str, **version: Any) -> Object:
    kind = plural.capitalize()[:-1]
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.laws.ouranos.cloud"},
        "spec": {
            "group": "laws.ouranos.cloud",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    **version,
                }
            ],
        },
    }


async def test_a_definition_is_established(api: httpx2.AsyncClient, widgets: str) -> None:
    held = (await api.get(f"{DEFINITIONS}/widgets.laws.ouranos.cloud")).json()
    states = {each["type"]: each["status"] for each in held["status"]["conditions"]}
    assert states["Established"] == states["NamesAccepted"] == "True"
    assert held["status"]["storedVersions"] == ["v1"]
    assert held["status"]["acceptedNames"]["singular"] == "widget"
    assert held["status"]["acceptedNames"]["listKind"] == "WidgetList"


async def test_defaults_are_filled_in(api: httpx2.AsyncClient, widgets: str) -> None:
    made = await api.post(widgets, json=widget("one"))
    assert made.status_code == 201
    assert made.json()["spec"] == {"size": 3}


async def test_unknown_fields_are_pruned(api: httpx2.AsyncClient, widgets: str) -> None:
    made = await api.post(widgets, json=widget("one", other=1, free={"any": [1]}))
    assert made.json()["spec"] == {"size": 3, "free": {"any": [1]}}
    assert 'unknown field \\"spec.other\\"' in made.headers["warning"]


async def test_unknown_fields_are_refused_if_asked(api: httpx2.AsyncClient, widgets: str) -> None:
    refused = await api.post(f"{widgets}?fieldValidation=Strict", json=widget("one", other=1))
    assert refused.status_code == 400
    assert refused.json()["message"] == (
        'Widget in version "v1" cannot be handled as a Widget: '
        'strict decoding error: unknown field "spec.other"'
    )


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        pytest.param(
            {"size": 11},
            {
                "reason": "FieldValueInvalid",
                "field": "spec.size",
                "message": "Invalid value: 11: spec.size in body should be less than or "
                "equal to 10",
            },
            id="maximum",
        ),
        pytest.param(
            {"size": "x"},
            {
                "reason": "FieldValueTypeInvalid",
                "field": "spec.size",
                "message": 'Invalid value: "string": spec.size in body must be of type integer: '
                '"string"',
            },
            id="type",
        ),
        pytest.param(
            {"colour": "blue"},
            {
                "reason": "FieldValueNotSupported",
                "field": "spec.colour",
                "message": 'Unsupported value: "blue": supported values: "red", "green"',
            },
            id="enumeration",
        ),
        pytest.param(
            {"ports": [{"name": "a"}]},
            {
                "reason": "FieldValueRequired",
                "field": "spec.ports[0].port",
                "message": "Required value",
            },
            id="required",
        ),
        pytest.param(
            {"ports": [{"port": 1}, {"port": 1}]},
            {
                "reason": "FieldValueDuplicate",
                "field": "spec.ports[1]",
                "message": 'Duplicate value: {"port":1}',
            },
            id="list map",
        ),
        pytest.param(
            {"replicas": 5, "size": 4},
            {
                "reason": "FieldValueInvalid",
                "field": "spec",
                "message": "Invalid value: replicas must fit into size",
            },
            id="rule",
        ),
    ],
)
async def test_a_wrong_value_is_refused(
    api: httpx2.AsyncClient, widgets: str, spec: Object, cause: Object
) -> None:
    refused = await api.post(widgets, json=widget("one", **spec))
    assert refused.status_code == 422, refused.text
    status = refused.json()
    assert status["message"].startswith('Widget.laws.ouranos.cloud "one" is invalid: ')
    assert status["details"]["group"] == "laws.ouranos.cloud"
    assert status["details"]["kind"] == "Widget"
    assert cause in status["details"]["causes"]


async def test_a_rule_can_compare_with_before(api: httpx2.AsyncClient, widgets: str) -> None:
    await api.post(widgets, json=widget("one", name="a"))
    refused = await api.patch(f"{widgets}/one", content='{"spec":{"name":"b"}}', headers=MERGE)
    assert refused.status_code == 422
    assert "name is immutable" in refused.json()["message"]


async def test_another_version_shows_the_same_object(api: httpx2.AsyncClient, widgets: str) -> None:
    made = (await api.post(widgets, json=widget("one", size=5))).json()
    other = widgets.replace("/v1/", "/v1beta1/")
    seen = (await api.get(f"{other}/one")).json()
    assert seen["apiVersion"] == "laws.ouranos.cloud/v1beta1"
    assert seen["metadata"]["uid"] == made["metadata"]["uid"]
    assert seen["spec"] == {"size": 5}
    listed = (await api.get(other)).json()
    assert listed["apiVersion"] == "laws.ouranos.cloud/v1beta1"
    assert listed["items"][0]["apiVersion"] == "laws.ouranos.cloud/v1beta1"


async def test_a_status_has_its_own_door(api: httpx2.AsyncClient, widgets: str) -> None:
    made = (await api.post(widgets, json={**widget("one"), "status": {"phase": "x"}})).json()
    assert "status" not in made
    text = json.dumps({"status": {"phase": "good"}, "spec": {"size": 9}})
    changed = (await api.patch(f"{widgets}/one/status", content=text, headers=MERGE)).json()
    assert changed["status"] == {"phase": "good"}
    assert changed["spec"] == {"size": 3}
    assert changed["metadata"]["generation"] == 1
    changed["spec"]["size"] = 4
    changed["status"] = {"phase": "bad"}
    after = (await api.put(f"{widgets}/one", json=changed)).json()
    assert after["status"] == {"phase": "good"}
    assert after["metadata"]["generation"] == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param(
            {"metadata": {"name": "other.laws.ouranos.cloud"}}, "metadata.name", id="name"
        ),
        pytest.param({"spec": {"scope": "Nowhere"}}, "spec.scope", id="scope"),
        pytest.param(
            {"spec": {"versions": [{"name": "v1", "served": True, "storage": True}]}},
            "spec.versions[0].schema.openAPIV3Schema",
            id="no schema",
        ),
    ],
)
async def test_a_wrong_definition_is_refused(
    api: httpx2.AsyncClient, change: Object, field: str
) -> None:
    wanted = definition("wrongs")
    for name, value in change.items():
        wanted[name] = {**wanted[name], **value}
    refused = await api.post(DEFINITIONS, json=wanted)
    assert refused.status_code == 422, refused.text
    assert field in {each["field"] for each in refused.json()["details"]["causes"]}


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "object", "properties": {"a": {}}}, id="no type"),
        pytest.param({"type": "object", "properties": {"a": {"type": "text"}}}, id="unknown type"),
        pytest.param(
            {
                "type": "object",
                "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
            },
            id="any of",
        ),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}},
            id="wrong default",
        ),
        pytest.param(
            {
                "type": "object",
                "properties": {
                    "a": {"type": "string", "x-kubernetes-validations": [{"rule": "self +"}]}
                },
            },
            id="wrong rule",
        ),
    ],
)
async def test_an_unstructural_schema_is_refused(api: httpx2.AsyncClient, schema: Object) -> None:
    wanted = definition("wrongs", schema={"openAPIV3Schema": schema})
    refused = await api.post(DEFINITIONS, json=wanted)
    assert refused.status_code == 422, refused.text
    assert refused.json()["reason"] == "Invalid"


async def test_a_definition_goes_with_its_objects(
    api: httpx2.AsyncClient, home: str, eventually: Eventually
) -> None:
    made = await api.post(DEFINITIONS, json=definition("passings"))
    assert made.status_code == 201, made.text
    path = f"/apis/laws.ouranos.cloud/v1/namespaces/{home}/passings"
    thing = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Passing",
        "metadata": {"name": "one"},
    }

    async def created() -> bool:
        return (await api.post(path, json=thing)).status_code == 201

    await eventually(created)
    await api.delete(f"{DEFINITIONS}/passings.laws.ouranos.cloud")

    async def gone() -> bool:
        definition_gone = await api.get(f"{DEFINITIONS}/passings.laws.ouranos.cloud")
        return definition_gone.status_code == 404 and (await api.get(path)).status_code == 404

    await eventually(gone)


async def test_a_new_default_is_seen_in_old_objects(
    api: httpx2.AsyncClient, home: str, eventually: Eventually
) -> None:
    wanted = definition(
        "growings",
        schema={
            "openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}},
            }
        },
    )
    name = "growings.laws.ouranos.cloud"
    assert (await api.post(DEFINITIONS, json=wanted)).status_code == 201
    path = f"/apis/laws.ouranos.cloud/v1/namespaces/{home}/growings"
    thing = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Growing",
        "metadata": {"name": "one"},
        "spec": {"a": "x"},
    }

    async def created() -> bool:
        return (await api.post(path, json=thing)).status_code == 201

    await eventually(created)
    versions = copy.deepcopy(wanted["spec"]["versions"])
    properties = versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    properties["b"] = {"type": "string", "default": "y"}
    text = json.dumps({"spec": {"versions": versions}})
    await api.patch(f"{DEFINITIONS}/{name}", content=text, headers=MERGE)

    async def seen() -> bool:
        return (await api.get(f"{path}/one")).json()["spec"] == {"a": "x", "b": "y"}

    await eventually(seen)
    await api.delete(f"{DEFINITIONS}/{name}")
