"""Kinds that say who may do what: kept and checked; the embedded API does not enforce them."""

from typing import Any

import httpx2
import pytest

Object = dict[str, Any]

RBAC = "rbac.authorization.k8s.io"
READ = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


def at(home: str, plural: str, group: str = RBAC) -> str:
    return f"/apis/{group}/v1/namespaces/{home}/{plural}"


async def test_a_network_policy_has_directions(api: httpx2.AsyncClient, home: str) -> None:
    path = at(home, "networkpolicies", "networking.k8s.io")
    policy: Object = {
        "metadata": {"name": "one"},
        "spec": {"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]},
    }
    made = await api.post(path, json=policy)
    assert made.status_code == 201, made.text
    assert made.json()["metadata"]["generation"] == 1
    assert made.json()["spec"] == {
        "podSelector": {},
        "egress": [{"ports": [{"protocol": "TCP", "port": 53}]}],
        "policyTypes": ["Ingress", "Egress"],
    }


WRONG: list[tuple[Object, str]] = [
    ({"ingress": [{"from": [{}]}]}, "spec.ingress[0].from[0]"),
    ({"ingress": [{"ports": [{"port": 70000}]}]}, "spec.ingress[0].ports[0].port"),
    ({"egress": [{"ports": [{"endPort": 9}]}]}, "spec.egress[0].ports[0].endPort"),
    ({"policyTypes": ["Sideways"]}, "spec.policyTypes[0]"),
    (
        {"egress": [{"to": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
        "spec.egress[0].to[0]",
    ),
]


@pytest.mark.parametrize(
    ("spec", "field"),
    WRONG,
    ids=["nobody", "no port", "no beginning", "no direction", "two peers in one"],
)
async def test_a_wrong_network_policy_is_refused(
    api: httpx2.AsyncClient, home: str, spec: Object, field: str
) -> None:
    path = at(home, "networkpolicies", "networking.k8s.io")
    policy: Object = {"metadata": {"name": "one"}, "spec": {"podSelector": {}, **spec}}
    refused = await api.post(path, json=policy)
    assert refused.status_code == 422, refused.text
    assert [each["field"] for each in refused.json()["details"]["causes"]] == [field]


async def test_a_role_is_kept(api: httpx2.AsyncClient, home: str) -> None:
    path = at(home, "roles")
    made = await api.post(path, json={"metadata": {"name": "one:two"}, "rules": [READ]})
    assert made.status_code == 201, made.text
    assert made.json()["rules"] == [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]
    assert "generation" not in made.json()["metadata"]


async def test_a_role_says_what_it_is_about(api: httpx2.AsyncClient, home: str) -> None:
    refused = await api.post(
        at(home, "roles"), json={"metadata": {"name": "one"}, "rules": [{"verbs": ["get"]}]}
    )
    assert refused.status_code == 422
    named = {each["field"] for each in refused.json()["details"]["causes"]}
    assert named == {"rules[0].apiGroups", "rules[0].resources"}


async def test_a_binding_keeps_its_role(api: httpx2.AsyncClient, home: str) -> None:
    path = at(home, "rolebindings")
    role = {"apiGroup": RBAC, "kind": "Role", "name": "one"}
    subjects = [{"kind": "ServiceAccount", "name": "me"}, {"kind": "User", "name": "you"}]
    binding = {"metadata": {"name": "one"}, "roleRef": role, "subjects": subjects}
    await api.post(at(home, "roles"), json={"metadata": {"name": "one"}, "rules": [READ]})
    made = await api.post(path, json=binding)
    assert made.status_code == 201, made.text
    assert made.json()["subjects"] == [
        {"kind": "ServiceAccount", "name": "me"},
        {"kind": "User", "apiGroup": RBAC, "name": "you"},
    ]
    other = {**made.json(), "roleRef": {**role, "name": "two"}}
    refused = await api.put(f"{path}/one", json=other)
    assert refused.status_code == 422
    assert "cannot change roleRef" in refused.json()["message"]


async def test_a_binding_is_shown_with_its_role(api: httpx2.AsyncClient, home: str) -> None:
    path = at(home, "rolebindings")
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    subjects = [{"kind": "ServiceAccount", "name": "me", "namespace": home}]
    await api.post(path, json={"metadata": {"name": "one"}, "roleRef": role, "subjects": subjects})
    shown = (await api.get(path, headers={"accept": TABLE})).json()
    columns = [each["name"] for each in shown["columnDefinitions"]]
    assert columns == ["Name", "Role", "Age", "Users", "Groups", "ServiceAccounts"]
    cells = dict(zip(columns, shown["rows"][0]["cells"], strict=True))
    assert (cells["Role"], cells["ServiceAccounts"]) == ("ClusterRole/view", f"{home}/me")


async def test_a_policy_of_admission_is_completed(api: httpx2.AsyncClient, home: str) -> None:
    path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["law"], "operations": ["*"]}
    policy = {
        "metadata": {"name": home},
        "spec": {
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": "true"}],
        },
    }
    made = await api.post(path, json=policy)
    assert made.status_code == 201, made.text
    spec = made.json()["spec"]
    assert spec["failurePolicy"] == "Fail"
    assert spec["matchConstraints"] == {
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": [{**rule, "scope": "*"}],
        "matchPolicy": "Equivalent",
    }
    assert (await api.delete(f"{path}/{home}")).status_code == 200
