"""What kubectl asks before anything else."""

from typing import Any

import httpx2
import pytest

Object = dict[str, Any]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def test_the_core_group_has_one_version(api: httpx2.AsyncClient) -> None:
    answer = (await api.get("/api")).json()
    assert answer["kind"] == "APIVersions"
    assert answer["versions"] == ["v1"]


async def test_groups_are_listed(api: httpx2.AsyncClient) -> None:
    answer = (await api.get("/apis")).json()
    assert (answer["kind"], answer["apiVersion"]) == ("APIGroupList", "v1")
    groups = {each["name"]: each["preferredVersion"]["groupVersion"] for each in answer["groups"]}
    assert (
        groups.items()
        >= {
            "apps": "apps/v1",
            "batch": "batch/v1",
            "policy": "policy/v1",
            "coordination.k8s.io": "coordination.k8s.io/v1",
            "apiextensions.k8s.io": "apiextensions.k8s.io/v1",
        }.items()
    )


async def test_a_group_is_described(api: httpx2.AsyncClient) -> None:
    answer = (await api.get("/apis/apps")).json()
    assert answer["kind"] == "APIGroup"
    assert answer["preferredVersion"] == {"groupVersion": "apps/v1", "version": "v1"}


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        (
            "/api/v1",
            "pods",
            {"singularName": "pod", "namespaced": True, "kind": "Pod", "shortNames": ["po"]},
        ),
        ("/api/v1", "nodes", {"namespaced": False, "kind": "Node"}),
        ("/api/v1", "pods/log", {"kind": "Pod", "verbs": ["get"]}),
        (
            "/api/v1",
            "pods/eviction",
            {"kind": "Eviction", "group": "policy", "version": "v1", "verbs": ["create"]},
        ),
        (
            "/apis/apps/v1",
            "deployments",
            {"kind": "Deployment", "shortNames": ["deploy"], "categories": ["all"]},
        ),
        (
            "/apis/apps/v1",
            "deployments/scale",
            {"kind": "Scale", "group": "autoscaling", "version": "v1"},
        ),
        ("/apis/apps/v1", "deployments/status", {"verbs": ["get", "patch", "update"]}),
    ],
)
async def test_kinds_are_described(
    api: httpx2.AsyncClient, path: str, name: str, expected: Object
) -> None:
    answer = (await api.get(path)).json()
    assert answer["kind"] == "APIResourceList"
    entry = next(each for each in answer["resources"] if each["name"] == name)
    assert entry.items() >= expected.items()


async def test_all_kinds_come_in_one_answer_if_asked(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/apis", headers={"accept": AGGREGATED})
    assert "as=APIGroupDiscoveryList" in answer.headers["content-type"]
    groups = answer.json()
    assert groups["apiVersion"] == "apidiscovery.k8s.io/v2"
    apps = next(each for each in groups["items"] if each["metadata"]["name"] == "apps")
    deployments = next(
        each for each in apps["versions"][0]["resources"] if each["resource"] == "deployments"
    )
    assert deployments["responseKind"]["kind"] == "Deployment"
    assert deployments["scope"] == "Namespaced"
    assert {each["subresource"] for each in deployments["subresources"]} == {"status", "scale"}


async def test_a_custom_kind_is_discovered(api: httpx2.AsyncClient, widgets: str) -> None:
    answer = (await api.get("/apis/laws.ouranos.cloud/v1")).json()
    entry = next(each for each in answer["resources"] if each["name"] == "widgets")
    assert entry["shortNames"] == ["wd"]
    assert entry["singularName"] == "widget"
    group = (await api.get("/apis/laws.ouranos.cloud")).json()
    assert [each["version"] for each in group["versions"]] == ["v1", "v1beta1"]


async def test_schemas_are_published(api: httpx2.AsyncClient, widgets: str) -> None:
    index = (await api.get("/openapi/v3")).json()["paths"]
    assert {"api/v1", "apis/apps/v1"} <= index.keys()
    address = index["apis/apps/v1"]["serverRelativeURL"]
    assert "hash=" in address
    document = (await api.get(address)).json()
    assert document["openapi"].startswith("3.0")
    assert "io.k8s.api.apps.v1.Deployment" in document["components"]["schemas"]


async def test_the_schema_of_a_custom_kind_is_published(
    api: httpx2.AsyncClient, widgets: str
) -> None:
    document = (await api.get("/openapi/v3/apis/laws.ouranos.cloud/v1")).json()
    schema = document["components"]["schemas"]["cloud.ouranos.laws.v1.Widget"]
    assert schema["properties"]["spec"]["properties"]["size"]["maximum"] == 10
    assert schema["x-kubernetes-group-version-kind"][0]["kind"] == "Widget"


async def test_a_version_is_told(api: httpx2.AsyncClient) -> None:
    answer = (await api.get("/version")).json()
    assert answer["major"] == "1"
    assert answer["gitVersion"].startswith("v1.")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_health_is_told(api: httpx2.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.text) == (200, "ok")


async def test_the_caller_may_do_everything(api: httpx2.AsyncClient) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "delete", "resource": "pods"}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = await api.post(path, json=review)
    assert answer.status_code == 201
    assert answer.json()["status"]["allowed"] is True


async def test_the_caller_is_known(api: httpx2.AsyncClient) -> None:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    info = (await api.post(path, json=kind)).json()["status"]["userInfo"]
    assert "system:masters" in info["groups"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothings",
        "/api/v2/pods",
        "/apis/none.example/v1/things",
        "/apis/apps/v9/deployments",
        "/nothing",
        "/api/v1/namespaces/default/pods/x/nothing",
    ],
)
async def test_an_unknown_path_is_not_found(api: httpx2.AsyncClient, path: str) -> None:
    assert (await api.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/namespaces/default/configmaps"),
        ("POST", "/api/v1/namespaces/default/configmaps/x"),
        ("POST", "/api/v1/configmaps"),
        ("DELETE", "/api/v1/namespaces/default/pods/x/status"),
    ],
)
async def test_a_wrong_method_is_not_allowed(
    api: httpx2.AsyncClient, method: str, path: str
) -> None:
    answer = await api.request(method, path, json={})
    assert answer.status_code == 405
    assert answer.json()["reason"] == "MethodNotAllowed"


# Tables.


async def table(api: httpx2.AsyncClient, path: str, **query: str) -> Object:
    answer = await api.get(path, headers={"accept": TABLE}, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


COLUMNS = {
    "/api/v1/pods": "Name Ready Status Restarts Age IP Node|Nominated Node|Readiness Gates",
    "/api/v1/nodes": "Name Status Roles Age Version Internal-IP External-IP OS-Image "
    "Kernel-Version Container-Runtime",
    "/api/v1/namespaces": "Name Status Age",
    "/api/v1/services": "Name Type Cluster-IP External-IP Port(s) Age Selector",
    "/api/v1/secrets": "Name Type Data Age",
    "/api/v1/configmaps": "Name Data Age",
    "/api/v1/serviceaccounts": "Name Age",
    "/api/v1/persistentvolumeclaims": "Name Status Volume Capacity|Access Modes|StorageClass "
    "VolumeAttributesClass Age VolumeMode",
    "/api/v1/persistentvolumes": "Name Capacity|Access Modes|Reclaim Policy|Status Claim "
    "StorageClass VolumeAttributesClass Reason Age VolumeMode",
    "/api/v1/events": "Last Seen|Type Reason Object Subobject Source Message|First Seen|Count Name",
    "/apis/apps/v1/deployments": "Name Ready Up-to-date Available Age Containers Images Selector",
    "/apis/apps/v1/replicasets": "Name Desired Current Ready Age Containers Images Selector",
    "/apis/apps/v1/statefulsets": "Name Ready Age Containers Images",
    "/apis/apps/v1/daemonsets": "Name Desired Current Ready Up-to-date Available|Node Selector|Age "
    "Containers Images Selector",
    "/apis/apps/v1/controllerrevisions": "Name Controller Revision Age",
    "/apis/batch/v1/jobs": "Name Status Completions Duration Age Containers Images Selector",
    "/apis/batch/v1/cronjobs": "Name Schedule Timezone Suspend Active|Last Schedule|Age Containers "
    "Images Selector",
    "/apis/policy/v1/poddisruptionbudgets": "Name|Min Available|Max Unavailable|"
    "Allowed Disruptions|Age",
    "/apis/coordination.k8s.io/v1/leases": "Name Holder Age",
    "/apis/discovery.k8s.io/v1/endpointslices": "Name AddressType Ports Endpoints Age",
    "/apis/storage.k8s.io/v1/storageclasses": "Name Provisioner ReclaimPolicy VolumeBindingMode "
    "AllowVolumeExpansion Age",
    "/apis/scheduling.k8s.io/v1/priorityclasses": "Name Value Global-Default Age PreemptionPolicy",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions": "Name|Created At",
}


def words(text: str) -> list[str]:
    """Split at bars; parts without a space inside a name at spaces."""
    spaced = {"Nominated Node", "Readiness Gates", "Access Modes", "Reclaim Policy", "Last Seen"}
    spaced |= {"First Seen", "Node Selector", "Last Schedule", "Min Available", "Created At"}
    spaced |= {"Max Unavailable", "Allowed Disruptions"}
    return [
        word for part in text.split("|") for word in ([part] if part in spaced else part.split())
    ]


@pytest.mark.parametrize("path", COLUMNS, ids=lambda path: path.rpartition("/")[2])
async def test_columns_are_those_of_kubernetes(api: httpx2.AsyncClient, path: str) -> None:
    shown = await table(api, path)
    assert (shown["kind"], shown["apiVersion"]) == ("Table", "meta.k8s.io/v1")
    assert [each["name"] for each in shown["columnDefinitions"]] == words(COLUMNS[path])


async def test_a_row_holds_cells_and_metadata(api: httpx2.AsyncClient, home: str) -> None:
    maps = f"/api/v1/namespaces/{home}/configmaps"
    await api.post(maps, json={"metadata": {"name": "one"}, "data": {"a": "1", "b": "2"}})
    shown = await table(api, f"{maps}/one")
    (row,) = shown["rows"]
    assert row["cells"][:2] == ["one", 2]
    assert row["object"]["kind"] == "PartialObjectMetadata"
    assert row["object"]["metadata"]["name"] == "one"
    assert "data" not in row["object"]


@pytest.mark.parametrize(("include", "held"), [("Object", "ConfigMap"), ("None", None)])
async def test_a_row_holds_what_is_asked_for(
    api: httpx2.AsyncClient, home: str, include: str, held: str | None
) -> None:
    maps = f"/api/v1/namespaces/{home}/configmaps"
    await api.post(maps, json={"metadata": {"name": "one"}})
    (row,) = (await table(api, f"{maps}/one", includeObject=include))["rows"]
    assert (row.get("object") or {}).get("kind") == held


async def test_custom_columns_are_shown(api: httpx2.AsyncClient, widgets: str) -> None:
    widget = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": {"size": 4},
    }
    await api.post(widgets, json=widget)
    shown = await table(api, widgets)
    assert [each["name"] for each in shown["columnDefinitions"]] == [
        "Name",
        "Size",
        "Phase",
        "Age",
    ]
    assert [each["priority"] for each in shown["columnDefinitions"]] == [0, 0, 1, 0]
    assert shown["rows"][0]["cells"][:3] == ["one", 4, None]


async def test_metadata_alone_can_be_listed(api: httpx2.AsyncClient, home: str) -> None:
    secrets = f"/api/v1/namespaces/{home}/secrets"
    await api.post(secrets, json={"metadata": {"name": "one"}})
    accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
    listed = (await api.get(secrets, headers={"accept": accept})).json()
    assert listed["kind"] == "PartialObjectMetadataList"
    assert listed["items"][0]["metadata"]["name"] == "one"
    assert "type" not in listed["items"][0]
