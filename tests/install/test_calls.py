"""Do the controllers' roles allow what controllers do, and nothing else?"""

import os
from pathlib import Path

import httpx2
import life
import pytest
import recorder

from ouranos import services
from ouranos.install import access, calls
from ouranos.kit import seams

FILE = Path(calls.__file__).with_name("calls.yaml")
WRITE = os.environ.get("OURANOS_GOLDEN") == "write"


@pytest.mark.virtual_time
async def test_the_roles_allow_what_controllers_call_and_nothing_else(given: seams.Seams) -> None:
    async with life.running(given) as one:
        await life.elect(one, given)
        await life.live(one)
        await life.share(one)
        await life.operate(one)
    if WRITE:
        FILE.write_text(calls.written(one.noted.calls), encoding="utf-8")
    noted, allowed = frozenset(one.noted.calls), calls.known()
    assert sorted(noted - allowed) == [], "forbidden by the role; `make roles` writes it anew"
    assert sorted(allowed - noted) == [], "allowed, and nobody calls it; `make roles`"
    assert FILE.read_text("utf-8") == calls.written(noted)


@pytest.mark.parametrize(
    ("method", "path", "status", "call"),
    [
        ("GET", "/api/v1/namespaces/home/pods", 200, ("", "pods", "list")),
        ("GET", "/api/v1/pods?watch=true", 200, ("", "pods", "watch")),
        ("GET", "/apis/apps/v1/namespaces/a/deployments/b", 200, ("apps", "deployments", "get")),
        ("GET", "/api/v1/namespaces/home", 200, ("", "namespaces", "get")),
        ("GET", "/api/v1/namespaces/a/pods/b/log", 200, ("", "pods/log", "get")),
        ("POST", "/api/v1/namespaces/a/pods/b/eviction", 201, ("", "pods/eviction", "create")),
        ("DELETE", "/api/v1/namespaces/a/pods", 200, ("", "pods", "deletecollection")),
        (
            "PUT",
            "/apis/ouranos.cloud/v1alpha1/namespaces/a/novas/nova/status",
            200,
            ("ouranos.cloud", "SERVICES/status", "update"),
        ),
    ],
)
def test_a_request_is_a_verb(
    method: str, path: str, status: int, call: tuple[str, str, str]
) -> None:
    request = httpx2.Request(method, f"http://api{path}")
    assert list(recorder.made(request, status, "")) == [calls.Call(*call)]


def test_applying_what_was_not_there_is_creating_it_too() -> None:
    owner = {"apiVersion": "ouranos.cloud/v1alpha1", "kind": "MariaDB", "blockOwnerDeletion": True}
    request = httpx2.Request(
        "PATCH",
        "http://api/api/v1/namespaces/home/services/mariadb",
        json={"metadata": {"ownerReferences": [owner]}},
    )
    assert set(recorder.made(request, 201, "")) == {
        calls.Call("", "services", "patch"),
        calls.Call("", "services", "create"),
        calls.Call("ouranos.cloud", "mariadbs/finalizers", "update"),
    }


def test_what_is_no_resource_needs_no_right() -> None:
    assert list(recorder.made(httpx2.Request("GET", "http://api/readyz"), 200, "")) == []


def test_a_lease_is_allowed_by_its_name_and_made_without() -> None:
    made = [
        calls.Call("coordination.k8s.io", "leases", verb, own=True) for verb in ("get", "create")
    ]
    assert access.own_rules(made) == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "resourceNames": ["ouranos-controllers"],
            "verbs": ["get"],
        },
    ]


def test_every_service_has_the_rights_that_one_has() -> None:
    (rule,) = access.rules([calls.Call("ouranos.cloud", "SERVICES/status", "update")])
    assert rule["resources"] == sorted(
        f"{page.kind.plural}/status" for page in services.KNOWN.pages
    )
    assert rule["verbs"] == ["update"]


def test_what_is_written_is_read_again() -> None:
    some = {calls.Call("", "pods", "get"), calls.Call("a.b", "leases", "update", own=True)}
    assert calls.parsed(calls.written(some)) == some


def test_no_role_says_everything() -> None:
    for rule in access.rules(calls.known()):
        assert "*" not in {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
