"""Objects are made, named and read as Kubernetes does it."""

import re
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


@pytest.fixture
def maps(home: str) -> str:
    return f"/api/v1/namespaces/{home}/configmaps"


async def test_a_new_object_gets_identity_and_time(api: httpx2.AsyncClient, maps: str) -> None:
    made = await api.post(maps, json=config_map("one"))
    assert made.status_code == 201
    metadata = made.json()["metadata"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", metadata["uid"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", metadata["creationTimestamp"])
    assert metadata["resourceVersion"].isdecimal()
    assert metadata["namespace"] == maps.split("/")[4]


async def test_what_was_made_is_what_is_read(api: httpx2.AsyncClient, maps: str) -> None:
    made = await api.post(maps, json=config_map("one"))
    read = await api.get(f"{maps}/one")
    assert read.status_code == 200
    assert read.json() == made.json()


async def test_identity_cannot_be_chosen(api: httpx2.AsyncClient, maps: str) -> None:
    wanted = config_map("one")
    wanted["metadata"] |= {
        "uid": "mine",
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "selfLink": "/x",
    }
    metadata = (await api.post(maps, json=wanted)).json()["metadata"]
    assert metadata["uid"] != "mine"
    assert not metadata["creationTimestamp"].startswith("2001")


async def test_a_deletion_cannot_be_part_of_a_creation(api: httpx2.AsyncClient, maps: str) -> None:
    wanted = config_map("one")
    wanted["metadata"] |= {
        "deletionTimestamp": "2001-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 3,
    }
    metadata = (await api.post(maps, json=wanted)).json()["metadata"]
    assert "deletionTimestamp" not in metadata
    assert "deletionGracePeriodSeconds" not in metadata


async def test_a_resource_version_may_not_be_given(api: httpx2.AsyncClient, maps: str) -> None:
    wanted = config_map("one")
    wanted["metadata"]["resourceVersion"] = "1"
    refused = await api.post(maps, json=wanted)
    assert refused.status_code in {400, 500}
    assert refused.json()["message"] == "resourceVersion should not be set on objects to be created"


async def test_a_name_can_be_generated(api: httpx2.AsyncClient, maps: str) -> None:
    wanted = config_map("x")
    wanted["metadata"] = {"generateName": "made-"}
    names = {(await api.post(maps, json=wanted)).json()["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(re.fullmatch(r"made-[a-z0-9]{5}", name) for name in names)


async def test_a_long_generated_name_is_cut(api: httpx2.AsyncClient, maps: str) -> None:
    wanted = config_map("x")
    wanted["metadata"] = {"generateName": "m" * 100}
    name = (await api.post(maps, json=wanted)).json()["metadata"]["name"]
    assert len(name) == 63


async def test_a_taken_name_is_refused(api: httpx2.AsyncClient, maps: str) -> None:
    await api.post(maps, json=config_map("one"))
    refused = await api.post(maps, json=config_map("one"))
    assert refused.status_code == 409
    status = refused.json()
    assert status["reason"] == "AlreadyExists"
    assert status["message"] == 'configmaps "one" already exists'
    assert status["details"] == {"name": "one", "kind": "configmaps"}


async def test_an_absent_object_is_not_found(api: httpx2.AsyncClient, maps: str) -> None:
    missing = await api.get(f"{maps}/none")
    assert missing.status_code == 404
    assert missing.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "kind": "configmaps"},
        "code": 404,
    }


async def test_a_grouped_kind_is_named_with_its_group(api: httpx2.AsyncClient, home: str) -> None:
    missing = (await api.get(f"/apis/apps/v1/namespaces/{home}/deployments/none")).json()
    assert missing["message"] == 'deployments.apps "none" not found'
    assert missing["details"] == {"name": "none", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        pytest.param({"metadata": {}}, 422, "Invalid", id="no name"),
        pytest.param({"metadata": {"name": "Large"}}, 422, "Invalid", id="upper case"),
        pytest.param({"metadata": {"name": "a_b"}}, 422, "Invalid", id="underscore"),
        pytest.param({"metadata": {"name": "x" * 254}}, 422, "Invalid", id="too long"),
        pytest.param(
            {"metadata": {"name": "a", "namespace": "other"}}, 400, "BadRequest", id="namespace"
        ),
        pytest.param({"kind": "Secret"}, 400, "BadRequest", id="another kind"),
        pytest.param({"apiVersion": "v2"}, 400, "BadRequest", id="another version"),
        pytest.param(
            {"metadata": {"name": "a", "labels": {"a b": "c"}}}, 422, "Invalid", id="label key"
        ),
        pytest.param(
            {"metadata": {"name": "a", "labels": {"a": "c d"}}}, 422, "Invalid", id="label value"
        ),
        pytest.param(
            {"metadata": {"name": "a", "labels": {"a": 1}}}, 400, "BadRequest", id="label number"
        ),
        pytest.param(
            {"metadata": {"name": "a", "annotations": {"a b": ""}}}, 422, "Invalid", id="annotation"
        ),
        pytest.param(
            {"metadata": {"name": "a", "finalizers": ["x y"]}}, 422, "Invalid", id="finalizer"
        ),
        pytest.param(
            {
                "metadata": {
                    "name": "a",
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Pod", "name": "", "uid": "u"}
                    ],
                }
            },
            422,
            "Invalid",
            id="owner without a name",
        ),
        pytest.param({"data": {"a": 1}}, 400, "BadRequest", id="a number as text"),
        pytest.param({"data": {"a/b": "1"}}, 422, "Invalid", id="a key with a slash"),
    ],
)
async def test_a_wrong_object_is_refused(
    api: httpx2.AsyncClient, maps: str, change: Object, code: int, reason: str
) -> None:
    refused = await api.post(maps, json={**config_map("a"), **change})
    assert (refused.status_code, refused.json().get("reason")) == (code, reason), refused.text


@pytest.mark.parametrize("body", ["", "{", "[]", '"a"', "{} {}"])
async def test_what_is_no_object_is_refused(api: httpx2.AsyncClient, maps: str, body: str) -> None:
    headers = {"content-type": "application/json"}
    refused = await api.post(maps, content=body, headers=headers)
    assert refused.status_code == 400, refused.text
    assert refused.json()["reason"] == "BadRequest"


async def test_yaml_is_read_too(api: httpx2.AsyncClient, maps: str) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: 'yes'}\n"
    headers = {"content-type": "application/yaml"}
    made = await api.post(maps, content=text, headers=headers)
    assert made.status_code == 201, made.text
    assert made.json()["data"] == {"a": "yes"}


async def test_an_unknown_content_type_is_refused(api: httpx2.AsyncClient, maps: str) -> None:
    refused = await api.post(maps, content="a", headers={"content-type": "text/plain"})
    assert refused.status_code == 415
    assert refused.json()["reason"] == "UnsupportedMediaType"


async def test_an_object_needs_its_namespace(api: httpx2.AsyncClient) -> None:
    refused = await api.post("/api/v1/namespaces/law-none/configmaps", json=config_map("one"))
    assert refused.status_code == 404
    assert refused.json()["message"] == 'namespaces "law-none" not found'


async def test_unknown_fields_are_dropped_with_a_warning(
    api: httpx2.AsyncClient, maps: str
) -> None:
    made = await api.post(maps, json={**config_map("one"), "extra": 1})
    assert made.status_code == 201
    assert "extra" not in made.json()
    assert made.headers["warning"] == '299 - "unknown field \\"extra\\""'


async def test_unknown_fields_are_dropped_in_silence_if_asked(
    api: httpx2.AsyncClient, maps: str
) -> None:
    made = await api.post(f"{maps}?fieldValidation=Ignore", json={**config_map("one"), "extra": 1})
    assert made.status_code == 201
    assert "warning" not in made.headers


async def test_unknown_fields_are_refused_if_asked(api: httpx2.AsyncClient, maps: str) -> None:
    strict = f"{maps}?fieldValidation=Strict"
    refused = await api.post(strict, json={**config_map("one"), "extra": 1})
    assert refused.status_code == 400
    assert 'strict decoding error: unknown field "extra"' in refused.json()["message"]
    assert (await api.get(f"{maps}/one")).status_code == 404


async def test_a_doubled_field_is_refused_if_asked(api: httpx2.AsyncClient, maps: str) -> None:
    text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"a":"1","a":"2"}}'
    headers = {"content-type": "application/json"}
    refused = await api.post(f"{maps}?fieldValidation=Strict", content=text, headers=headers)
    assert refused.status_code == 400
    assert "duplicate field" in refused.json()["message"]


async def test_a_dry_creation_leaves_nothing(api: httpx2.AsyncClient, maps: str) -> None:
    made = await api.post(f"{maps}?dryRun=All", json=config_map("one"))
    assert made.status_code == 201
    assert made.json()["metadata"]["uid"]
    assert (await api.get(f"{maps}/one")).status_code == 404


async def test_a_dry_run_is_all_or_nothing(api: httpx2.AsyncClient, maps: str) -> None:
    refused = await api.post(f"{maps}?dryRun=Some", json=config_map("one"))
    assert refused.status_code in {400, 422}


async def test_who_wrote_what_is_noted(api: httpx2.AsyncClient, maps: str) -> None:
    made = await api.post(f"{maps}?fieldManager=me", json=config_map("one"))
    (entry,) = made.json()["metadata"]["managedFields"]
    assert entry["manager"] == "me"
    assert entry["operation"] == "Update"
    assert entry["apiVersion"] == "v1"
    assert entry["fieldsType"] == "FieldsV1"
    assert entry["fieldsV1"] == {"f:data": {".": {}, "f:a": {}}}


async def test_a_secret_takes_plain_text_and_keeps_it_encoded(
    api: httpx2.AsyncClient, home: str
) -> None:
    secrets = f"/api/v1/namespaces/{home}/secrets"
    wanted = {"metadata": {"name": "one"}, "stringData": {"a": "hello"}, "data": {"b": "eA=="}}
    made = (await api.post(secrets, json=wanted)).json()
    assert made["data"] == {"a": "aGVsbG8=", "b": "eA=="}
    assert "stringData" not in made
    assert made["type"] == "Opaque"


async def test_a_pod_begins_pending_with_defaults(api: httpx2.AsyncClient, home: str) -> None:
    pod = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made = (await api.post(f"/api/v1/namespaces/{home}/pods", json=pod)).json()
    assert made["status"]["phase"] == "Pending"
    assert made["status"]["qosClass"] == "BestEffort"
    assert made["spec"]["restartPolicy"] == "Always"
    assert made["spec"]["terminationGracePeriodSeconds"] == 30
    assert made["spec"]["containers"][0]["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"memory": "1Mi"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Mi"}}, "Guaranteed"),
        (
            {"limits": {"cpu": "1", "memory": "1Mi"}, "requests": {"cpu": "500m"}},
            "Burstable",
        ),
    ],
)
async def test_a_pod_has_a_quality(
    api: httpx2.AsyncClient, home: str, resources: Object, quality: str
) -> None:
    container = {"name": "c", "image": "i", "resources": resources}
    pod = {"metadata": {"name": "one"}, "spec": {"containers": [container]}}
    made = (await api.post(f"/api/v1/namespaces/{home}/pods", json=pod)).json()
    assert made["status"]["qosClass"] == quality
    for name, limit in resources.get("limits", {}).items():
        held = made["spec"]["containers"][0]["resources"]["requests"]
        assert held[name] == resources.get("requests", {}).get(name, limit)


async def test_a_status_given_at_birth_is_dropped(api: httpx2.AsyncClient, home: str) -> None:
    service = {
        "metadata": {"name": "one"},
        "spec": {"ports": [{"port": 80}], "selector": {"a": "b"}},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}},
    }
    made = (await api.post(f"/api/v1/namespaces/{home}/services", json=service)).json()
    assert made["status"] == {"loadBalancer": {}}


async def test_a_job_selects_its_own_pods(api: httpx2.AsyncClient, home: str) -> None:
    template = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}
    job = {"metadata": {"name": "one"}, "spec": {"template": template}}
    made = (await api.post(f"/apis/batch/v1/namespaces/{home}/jobs", json=job)).json()
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert labels["batch.kubernetes.io/job-name"] == "one"
    assert labels["batch.kubernetes.io/controller-uid"] == uid
    assert made["spec"]["backoffLimit"] == 6


async def test_a_priority_class_gives_its_value(api: httpx2.AsyncClient, home: str) -> None:
    pod = {
        "metadata": {"name": "one"},
        "spec": {
            "containers": [{"name": "c", "image": "i"}],
            "priorityClassName": "system-node-critical",
        },
    }
    made = (await api.post(f"/api/v1/namespaces/{home}/pods", json=pod)).json()
    assert made["spec"]["priority"] == 2000001000


async def test_an_unknown_priority_class_is_refused(api: httpx2.AsyncClient, home: str) -> None:
    pod = {
        "metadata": {"name": "one"},
        "spec": {"containers": [{"name": "c", "image": "i"}], "priorityClassName": "law-none"},
    }
    refused = await api.post(f"/api/v1/namespaces/{home}/pods", json=pod)
    assert refused.status_code == 403
    assert "no PriorityClass with name law-none was found" in refused.json()["message"]
