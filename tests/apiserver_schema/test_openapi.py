"""Does the OpenAPI document of a group say what kubectl looks for?"""

from typing import Any

from ouranos.engine.apiserver.schema import builtin

REFERENCE = "#/components/schemas/"


def references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return found.union(*map(references, value.values()))


def crd(version: str = "v1", group: str = "example.org") -> dict[str, Any]:
    spec = {"type": "object", "properties": {"size": {"type": "integer", "description": "How big"}}}
    schema = {"type": "object", "properties": {"spec": spec}}
    return {
        "spec": {
            "group": group,
            "scope": "Cluster",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": version, "served": True, "storage": True,
                    "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
                }
            ],
        }
    }  # fmt: skip


def test_every_reference_of_every_group_leads_somewhere() -> None:
    groups = [
        ("", "v1"), ("apps", "v1"), ("batch", "v1"), ("policy", "v1"), ("events.k8s.io", "v1"),
        ("apiextensions.k8s.io", "v1"), ("authorization.k8s.io", "v1"), ("example.org", "v1"),
    ]  # fmt: skip
    for group, version in groups:
        document = builtin.openapi_v3(group, version, [crd()])
        schemas = document["components"]["schemas"]
        missing = {one.removeprefix(REFERENCE) for one in references(document)} - schemas.keys()
        assert missing == set(), group


def test_a_kind_is_found_from_its_path() -> None:
    document = builtin.openapi_v3("apps", "v1", [])
    path = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert path["get"]["x-kubernetes-group-version-kind"] == kind
    schema = document["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert schema["x-kubernetes-group-version-kind"] == [kind]
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/status" in document["paths"]


def test_a_patch_says_that_fields_can_be_validated_by_the_server() -> None:
    document = builtin.openapi_v3("", "v1", [])
    path = document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]
    names = {parameter["name"] for parameter in path["patch"]["parameters"]}
    assert names == {"dryRun", "fieldManager", "fieldValidation", "force"}
    assert "application/apply-patch+yaml" in path["patch"]["requestBody"]["content"]


def test_a_custom_resource_is_described_with_its_words() -> None:
    document = builtin.openapi_v3("example.org", "v1", [crd(), crd(group="other.org"), crd("v2")])
    schema = document["components"]["schemas"]["org.example.v1.Thing"]
    assert schema["properties"]["spec"]["properties"]["size"]["description"] == "How big"
    assert "/apis/example.org/v1/things/{name}/status" in document["paths"]
    assert "/apis/example.org/v1/namespaces/{namespace}/things" not in document["paths"]


def test_what_is_only_created_cannot_be_listed() -> None:
    paths = builtin.openapi_v3("authorization.k8s.io", "v1", [])["paths"]
    assert set(paths["/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"]) == {
        "parameters", "post",
    }  # fmt: skip


def test_documents_do_not_share_their_parts() -> None:
    first = builtin.openapi_v3("apps", "v1", [])
    first["components"]["schemas"].clear()
    assert builtin.openapi_v3("apps", "v1", [])["components"]["schemas"]
