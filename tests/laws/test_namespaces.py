"""Namespaces hold objects, and take them along when they go."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

Object = dict[str, Any]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def test_the_usual_namespaces_are_there(api: httpx2.AsyncClient) -> None:
    listed = (await api.get("/api/v1/namespaces")).json()["items"]
    names = {each["metadata"]["name"] for each in listed}
    assert names >= {"default", "kube-system", "kube-public", "kube-node-lease"}


async def test_a_new_namespace_is_active(api: httpx2.AsyncClient, home: str) -> None:
    held = (await api.get(f"/api/v1/namespaces/{home}")).json()
    assert held["status"] == {"phase": "Active"}
    assert held["spec"] == {"finalizers": ["kubernetes"]}
    assert held["metadata"]["labels"] == {"kubernetes.io/metadata.name": home}


async def test_a_namespace_takes_its_content_along(
    api: httpx2.AsyncClient, home: str, eventually: Eventually
) -> None:
    await api.post(f"/api/v1/namespaces/{home}/secrets", json={"metadata": {"name": "one"}})
    pod = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await api.post(f"/api/v1/namespaces/{home}/pods", json=pod)
    marked = await api.delete(f"/api/v1/namespaces/{home}")
    assert marked.status_code == 200
    assert marked.json()["status"]["phase"] == "Terminating"

    async def gone() -> bool:
        return (await api.get(f"/api/v1/namespaces/{home}")).status_code == 404

    await eventually(gone)
    listed = (await api.get("/api/v1/secrets")).json()["items"]
    assert home not in {each["metadata"]["namespace"] for each in listed}


async def test_nothing_new_comes_into_a_namespace_that_goes(
    api: httpx2.AsyncClient, home: str, eventually: Eventually
) -> None:
    secrets = f"/api/v1/namespaces/{home}/secrets"
    held = {"metadata": {"name": "one", "finalizers": ["law.test/hold"]}}
    await api.post(secrets, json=held)
    await api.delete(f"/api/v1/namespaces/{home}")

    async def refused() -> Object | None:
        answer = await api.post(secrets, json={"metadata": {"generateName": "late-"}})
        return answer.json() if answer.status_code == 403 else None

    status = await eventually(refused)
    assert status["reason"] == "Forbidden"
    assert status["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    assert (
        f"unable to create new content in namespace {home} because it is being terminated"
        in status["message"]
    )
    headers = {"content-type": "application/merge-patch+json"}
    text = '{"metadata":{"finalizers":null}}'
    await api.patch(f"{secrets}/one", content=text, headers=headers)

    async def gone() -> bool:
        return (await api.get(f"/api/v1/namespaces/{home}")).status_code == 404

    await eventually(gone)


async def test_a_cluster_scoped_kind_has_no_namespace(api: httpx2.AsyncClient, home: str) -> None:
    assert (await api.get(f"/api/v1/namespaces/{home}/nodes")).status_code == 404
    assert (await api.get("/api/v1/nodes")).status_code == 200


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
async def test_some_namespaces_stay(api: httpx2.AsyncClient, name: str) -> None:
    refused = await api.delete(f"/api/v1/namespaces/{name}")
    assert refused.status_code == 403
    assert refused.json()["message"] == (
        f'namespaces "{name}" is forbidden: this namespace may not be deleted'
    )
