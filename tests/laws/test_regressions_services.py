"""What random calls about Services, and their like, have shown: once answered otherwise."""

import base64
import json
from typing import Any

import httpx2
import pytest
from laws_calls import APPLY, MERGE, STRATEGIC, patch

Object = dict[str, Any]
WEB: Object = {"name": "web", "port": 80}


@pytest.fixture
def services(home: str) -> str:
    return f"/api/v1/namespaces/{home}/services"


def service(**spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "one"}, "spec": spec}


async def test_the_version_of_an_update_that_makes_says_nothing(
    api: httpx2.AsyncClient, services: str
) -> None:
    obj = service(clusterIP="None")
    obj["metadata"]["resourceVersion"] = "1"
    tried = await api.put(f"{services}/one", json=obj, params={"dryRun": "All"})
    assert tried.status_code == 201, tried.text
    assert tried.json()["metadata"]["resourceVersion"] == "1"
    made = await api.put(f"{services}/one", json=obj)
    assert made.status_code == 201, made.text
    assert made.json()["metadata"]["resourceVersion"] != "1"


async def test_an_update_that_knows_an_identity_makes_nothing(
    api: httpx2.AsyncClient, services: str
) -> None:
    obj = service(clusterIP="None")
    obj["metadata"]["uid"] = "11111111-1111-1111-1111-111111111111"
    refused = await api.put(f"{services}/one", json=obj)
    assert refused.status_code == 409
    assert (await api.get(f"{services}/one")).status_code == 404


async def test_only_a_balanced_service_has_addresses_of_a_balancer(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(ports=[WEB], clusterIP="None"))
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    refused = await patch(api, f"{services}/one/status", ingress)
    assert refused.status_code == 422
    (cause,) = refused.json()["details"]["causes"]
    assert cause["field"] == "status.loadBalancer.ingress"


async def test_a_service_drops_what_its_new_type_does_not_need(
    api: httpx2.AsyncClient, services: str
) -> None:
    balanced = {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, "ports": [WEB]}
    made = await api.post(services, json=service(**balanced))
    assert made.json()["spec"]["externalTrafficPolicy"] == "Cluster"
    ingress = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    told = await patch(api, f"{services}/one/status", ingress)
    assert told.json()["status"]["loadBalancer"]["ingress"][0]["ipMode"] == "VIP"
    changed = (await patch(api, f"{services}/one", {"spec": {"type": "ClusterIP"}})).json()
    gone = {"allocateLoadBalancerNodePorts", "externalTrafficPolicy"}
    assert not gone & changed["spec"].keys()
    assert changed["status"] == {"loadBalancer": {}}
    noted = [each["fieldsV1"].get("f:spec", {}) for each in changed["metadata"]["managedFields"]]
    assert any("f:externalTrafficPolicy" in each for each in noted)


async def test_a_service_that_becomes_a_name_has_no_address(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(ports=[WEB], clusterIP="None"))
    change = {"type": "ExternalName", "externalName": "example.org"}
    changed = await patch(api, f"{services}/one", {"spec": change})
    assert changed.status_code == 200, changed.text
    assert not {"clusterIP", "internalTrafficPolicy"} & changed.json()["spec"].keys()


async def test_an_update_that_states_no_address_keeps_it(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(ports=[WEB], clusterIP="None"))
    changed = await api.put(f"{services}/one", json=service(ports=[WEB]))
    assert changed.status_code == 200, changed.text
    assert changed.json()["spec"]["clusterIP"] == "None"


async def test_a_service_with_an_address_cannot_lose_it(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(ports=[WEB]))
    refused = await patch(api, f"{services}/one", {"spec": {"clusterIP": "None"}})
    assert refused.status_code == 422


WRONG = {
    "a name that is none": {"type": "ExternalName"},
    "a name with an address": {
        "type": "ExternalName", "externalName": "example.org", "clusterIP": "None",
    },
    "a balancer without address": {
        "type": "LoadBalancer", "clusterIP": "None", "ports": [WEB],
        "allocateLoadBalancerNodePorts": False,
    },
    "traffic from nowhere": {"externalTrafficPolicy": "Local", "ports": [WEB]},
    "ports of nodes that are not asked for": {"allocateLoadBalancerNodePorts": False,
        "ports": [WEB],
    },
    "a node's port inside": {"ports": [{**WEB, "nodePort": 30001}]},
    "an affinity of no time": {
        "sessionAffinity": "ClientIP", "ports": [WEB],
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}},
    },
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
async def test_a_service_that_contradicts_itself_is_refused(
    api: httpx2.AsyncClient, services: str, what: str
) -> None:
    assert (await api.post(services, json=service(**WRONG[what]))).status_code == 422


async def test_an_update_of_a_status_that_is_not_there_makes_a_service(
    api: httpx2.AsyncClient, services: str
) -> None:
    refused = await api.put(f"{services}/one/status", json=service(clusterIP="None"))
    assert refused.status_code == 422
    obj = {**service(ports=[WEB]), "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}
    made = await api.put(f"{services}/one/status", json=obj)
    assert made.status_code == 201, made.text
    assert made.json()["status"] == {"loadBalancer": {}}
    (entry,) = made.json()["metadata"]["managedFields"]
    assert entry["subresource"] == "status"
    assert entry["fieldsV1"].keys() == {"f:status"}


async def test_the_door_of_status_takes_labels_of_a_built_in_kind(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(ports=[WEB]))
    changed = await patch(api, f"{services}/one/status", {"metadata": {"labels": {"a": "b"}}})
    assert changed.json()["metadata"]["labels"] == {"a": "b"}


async def test_a_strategic_patch_does_not_merge_a_new_list_with_itself(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(clusterIP="None"))
    ports = [{**WEB, "protocol": "UDP"}, {"port": 80, "protocol": "TCP"}]
    refused = await patch(api, f"{services}/one", {"spec": {"ports": ports}}, STRATEGIC)
    assert refused.status_code == 422, refused.text


async def test_a_strategic_patch_names_the_key_that_an_item_lacks(
    api: httpx2.AsyncClient, services: str
) -> None:
    await api.post(services, json=service(ports=[WEB]))
    change = {"spec": {"ports": [{"protocol": "UDP"}]}}
    refused = await patch(api, f"{services}/one", change, STRATEGIC)
    assert refused.status_code == 500
    assert refused.json()["message"] == (
        "map: map[protocol:UDP] does not contain declared merge key: port"
    )


async def test_a_false_that_says_nothing_is_left_out(
    api: httpx2.AsyncClient, services: str
) -> None:
    obj = service(ports=[WEB], publishNotReadyAddresses=False)
    made = await patch(api, f"{services}/one", obj, APPLY)
    assert "publishNotReadyAddresses" not in made.json()["spec"]
    (entry,) = made.json()["metadata"]["managedFields"]
    assert "f:publishNotReadyAddresses" in entry["fieldsV1"]["f:spec"]


async def test_what_cannot_be_read_is_not_mended_by_a_text(
    api: httpx2.AsyncClient, home: str
) -> None:
    path = f"/api/v1/namespaces/{home}/secrets"
    secret: Object = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}}
    wrong = {**secret, "data": {"a": "?"}, "stringData": {"a": "x"}}
    assert (await api.post(path, json=wrong)).status_code == 400
    good = {**secret, "data": {"a": "eQ=="}, "stringData": {"a": "x"}}
    made = await api.post(path, json=good)
    assert base64.b64decode(made.json()["data"]["a"]) == b"x"


async def test_an_unknown_field_makes_a_strict_patch_invalid(
    api: httpx2.AsyncClient, home: str
) -> None:
    path = f"/api/v1/namespaces/{home}/configmaps"
    await api.post(path, json={"metadata": {"name": "one"}})
    for kind in (MERGE, STRATEGIC):
        strict = await patch(api, f"{path}/one", {"odd": "x"}, kind, fieldValidation="Strict")
        assert strict.status_code == 422
        assert 'unknown field "odd"' in strict.json()["details"]["causes"][0]["message"]


async def test_a_variable_with_an_empty_value_has_none(api: httpx2.AsyncClient, home: str) -> None:
    path = f"/apis/apps/v1/namespaces/{home}/deployments"
    labels = {"app": "one"}
    variables = [{"name": "FULL", "value": "x"}, {"name": "EMPTY", "value": ""}]
    container = {"name": "main", "image": "a:1", "env": variables}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    obj: Object = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }
    for _ in range(2):
        made = await patch(api, f"{path}/one", obj, APPLY)
        (kept,) = made.json()["spec"]["template"]["spec"]["containers"]
        assert kept["env"] == [{"name": "FULL", "value": "x"}, {"name": "EMPTY"}]
        assert made.json()["metadata"]["generation"] == 1
        entries = made.json()["metadata"]["managedFields"]
        (mine,) = (entry for entry in entries if entry["manager"] == "me")
        assert json.dumps(mine).count('"f:value"') == 2
