"""Scale, binding, eviction and events."""

import json
from typing import Any

import httpx2
import pytest

Object = dict[str, Any]
MERGE = {"content-type": "application/merge-patch+json"}


def deployment(name: str, replicas: int) -> Object:
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    }


def pod(name: str, **labels: str) -> Object:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }


@pytest.fixture
async def path(api: httpx2.AsyncClient, home: str) -> str:
    deployments = f"/apis/apps/v1/namespaces/{home}/deployments"
    assert (await api.post(deployments, json=deployment("one", 2))).status_code == 201
    return f"{deployments}/one"


async def test_a_scale_shows_replicas(api: httpx2.AsyncClient, path: str) -> None:
    scale = (await api.get(f"{path}/scale")).json()
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "app=one"}
    assert scale["metadata"]["name"] == "one"


async def test_a_scale_changes_replicas(api: httpx2.AsyncClient, path: str) -> None:
    scale = (await api.get(f"{path}/scale")).json()
    scale["spec"]["replicas"] = 5
    changed = await api.put(f"{path}/scale", json=scale)
    assert changed.json()["spec"] == {"replicas": 5}
    whole = (await api.get(path)).json()
    assert whole["spec"]["replicas"] == 5
    assert whole["metadata"]["generation"] == 2


async def test_a_scale_can_be_patched(api: httpx2.AsyncClient, path: str) -> None:
    text = '{"spec":{"replicas":7}}'
    changed = await api.patch(f"{path}/scale", content=text, headers=MERGE)
    assert changed.status_code == 200, changed.text
    assert (await api.get(path)).json()["spec"]["replicas"] == 7


async def test_a_stale_scale_is_a_conflict(api: httpx2.AsyncClient, path: str) -> None:
    scale = (await api.get(f"{path}/scale")).json()
    await api.patch(f"{path}/scale", content='{"spec":{"replicas":7}}', headers=MERGE)
    scale["spec"]["replicas"] = 9
    assert (await api.put(f"{path}/scale", json=scale)).status_code == 409


async def test_a_scale_is_not_negative(api: httpx2.AsyncClient, path: str) -> None:
    text = '{"spec":{"replicas":-1}}'
    refused = await api.patch(f"{path}/scale", content=text, headers=MERGE)
    assert refused.status_code in {400, 422}


async def test_a_custom_kind_scales_too(api: httpx2.AsyncClient, widgets: str) -> None:
    widget = {
        "apiVersion": "laws.ouranos.cloud/v1",
        "kind": "Widget",
        "metadata": {"name": "one"},
        "spec": {"replicas": 1},
    }
    await api.post(widgets, json=widget)
    await api.patch(f"{widgets}/one/scale", content='{"spec":{"replicas":2}}', headers=MERGE)
    assert (await api.get(f"{widgets}/one")).json()["spec"]["replicas"] == 2


async def test_a_kind_without_scale_has_none(api: httpx2.AsyncClient, home: str) -> None:
    await api.post(f"/api/v1/namespaces/{home}/secrets", json={"metadata": {"name": "one"}})
    missing = await api.get(f"/api/v1/namespaces/{home}/secrets/one/scale")
    assert missing.status_code == 404


# Pods.


@pytest.fixture
def pods(home: str) -> str:
    return f"/api/v1/namespaces/{home}/pods"


async def bind(api: httpx2.AsyncClient, path: str, node: str) -> httpx2.Response:
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "one"}}
    return await api.post(f"{path}/binding", json={**binding, "target": target})


async def test_a_pod_is_bound_once(api: httpx2.AsyncClient, pods: str) -> None:
    await api.post(pods, json=pod("one"))
    bound = await bind(api, f"{pods}/one", "law-node")
    assert bound.status_code == 201
    assert bound.json()["status"] == "Success"
    held = (await api.get(f"{pods}/one")).json()
    assert held["spec"]["nodeName"] == "law-node"
    assert held["status"]["conditions"][0]["type"] == "PodScheduled"
    again = await bind(api, f"{pods}/one", "law-other")
    assert again.status_code == 409
    await api.request("DELETE", f"{pods}/one", params={"gracePeriodSeconds": 0})


async def evict(api: httpx2.AsyncClient, path: str, **options: Any) -> httpx2.Response:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "one"}}
    return await api.post(f"{path}/eviction", json={**eviction, **options})


async def test_a_pod_without_a_budget_can_be_evicted(api: httpx2.AsyncClient, pods: str) -> None:
    await api.post(pods, json=pod("one"))
    assert (await evict(api, f"{pods}/one")).status_code == 201
    assert (await api.get(f"{pods}/one")).status_code == 404


async def test_a_budget_holds_an_eviction_back(
    api: httpx2.AsyncClient, home: str, pods: str
) -> None:
    await api.post(pods, json=pod("one", app="x"))
    running = '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}'
    await api.patch(f"{pods}/one/status", content=running, headers=MERGE)
    budgets = f"/apis/policy/v1/namespaces/{home}/poddisruptionbudgets"
    budget = {
        "metadata": {"name": "one"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}},
    }
    await api.post(budgets, json=budget)
    status = {
        "status": {
            "observedGeneration": 1,
            "disruptionsAllowed": 0,
            "currentHealthy": 1,
            "desiredHealthy": 1,
            "expectedPods": 1,
        }
    }
    await api.patch(f"{budgets}/one/status", content=json.dumps(status), headers=MERGE)
    refused = await evict(api, f"{pods}/one")
    assert refused.status_code == 429
    told = refused.json()
    assert told["reason"] == "TooManyRequests"
    assert told["details"]["causes"][0]["reason"] == "DisruptionBudget"
    assert told["message"] == "Cannot evict pod as it would violate the pod's disruption budget."
    status["status"]["disruptionsAllowed"] = 1
    await api.patch(f"{budgets}/one/status", content=json.dumps(status), headers=MERGE)
    assert (await evict(api, f"{pods}/one")).status_code == 201
    left = (await api.get(f"{budgets}/one")).json()["status"]
    assert left["disruptionsAllowed"] == 0
    assert list(left["disruptedPods"]) == ["one"]


async def test_a_log_names_its_container(api: httpx2.AsyncClient, pods: str) -> None:
    two = pod("one")
    two["spec"]["containers"].append({"name": "d", "image": "i"})
    await api.post(pods, json=two)
    refused = await api.get(f"{pods}/one/log", params={"container": "none"})
    assert refused.status_code == 400
    assert "container none is not valid for pod one" in refused.json()["message"]


# Events.


async def test_an_event_is_seen_through_both_doors(api: httpx2.AsyncClient, home: str) -> None:
    event = {
        "metadata": {"name": "one"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": home, "apiVersion": "v1"},
        "reason": "Tested",
        "message": "a message",
        "type": "Normal",
        "source": {"component": "laws"},
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 2,
    }
    made = await api.post(f"/api/v1/namespaces/{home}/events", json=event)
    assert made.status_code == 201, made.text
    seen = (await api.get(f"/apis/events.k8s.io/v1/namespaces/{home}/events/one")).json()
    assert seen["apiVersion"] == "events.k8s.io/v1"
    assert seen["note"] == "a message"
    assert seen["regarding"]["name"] == "p"
    assert seen["deprecatedSource"] == {"component": "laws"}
    assert seen["deprecatedCount"] == 2


async def test_an_event_can_be_told_through_the_new_door(
    api: httpx2.AsyncClient, home: str
) -> None:
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "one"},
        "regarding": {"kind": "Pod", "name": "p", "namespace": home},
        "reason": "Tested",
        "note": "a note",
        "type": "Normal",
        "action": "Testing",
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": "laws.test/laws",
        "reportingInstance": "laws-1",
    }
    made = await api.post(f"/apis/events.k8s.io/v1/namespaces/{home}/events", json=event)
    assert made.status_code == 201, made.text
    assert made.json()["note"] == "a note"
    seen = (await api.get(f"/api/v1/namespaces/{home}/events/one")).json()
    assert seen["message"] == "a note"
    assert seen["involvedObject"]["name"] == "p"
    assert seen["reportingComponent"] == "laws.test/laws"


async def test_events_are_chosen_by_their_object(api: httpx2.AsyncClient, home: str) -> None:
    events = f"/api/v1/namespaces/{home}/events"
    for name, about in (("a", "x"), ("b", "y")):
        involved = {"kind": "Pod", "name": about, "namespace": home, "uid": f"u{about}"}
        event = {"metadata": {"name": name}, "involvedObject": involved, "reason": "Tested"}
        assert (await api.post(events, json=event)).status_code == 201
    selector = "involvedObject.name=x,involvedObject.kind=Pod,involvedObject.uid=ux"
    listed = (await api.get(events, params={"fieldSelector": selector})).json()["items"]
    assert [each["metadata"]["name"] for each in listed] == ["a"]


async def test_a_lease_is_renewed(api: httpx2.AsyncClient, home: str) -> None:
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{home}/leases"
    lease = {
        "metadata": {"name": "one"},
        "spec": {"holderIdentity": "a", "renewTime": "2026-01-01T00:00:00.000000Z"},
    }
    made = (await api.post(leases, json=lease)).json()
    made["spec"]["renewTime"] = "2026-01-01T00:00:01.500000Z"
    changed = await api.put(f"{leases}/one", json=made)
    assert changed.json()["spec"]["renewTime"] == "2026-01-01T00:00:01.500000Z"
