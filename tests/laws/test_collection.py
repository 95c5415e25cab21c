"""What is owned goes with its last owner, in the way that was asked for."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

Object = dict[str, Any]
Eventually = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def maps(home: str) -> str:
    return f"/api/v1/namespaces/{home}/configmaps"


async def make(
    api: httpx2.AsyncClient, maps: str, name: str, *owners: Object, blocking: bool = True
) -> Object:
    references = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": blocking,
        }
        for owner in owners
    ]
    made = await api.post(maps, json={"metadata": {"name": name, "ownerReferences": references}})
    assert made.status_code == 201, made.text
    return made.json()


async def delete(api: httpx2.AsyncClient, path: str, policy: str) -> httpx2.Response:
    text = json.dumps({"propagationPolicy": policy})
    headers = {"content-type": "application/json"}
    return await api.request("DELETE", path, content=text, headers=headers)


async def present(api: httpx2.AsyncClient, maps: str) -> set[str]:
    listed = (await api.get(maps)).json()["items"]
    names = {each["metadata"]["name"] for each in listed}
    return {name for name in names if not name.startswith("kube-root")}


async def test_dependents_go_after_their_owner(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    owner = await make(api, maps, "owner")
    child = await make(api, maps, "child", owner)
    await make(api, maps, "grandchild", child)
    await delete(api, f"{maps}/owner", "Background")

    async def all_gone() -> bool:
        return await present(api, maps) == set()

    await eventually(all_gone)


async def test_an_owner_waits_for_its_dependents_in_the_foreground(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    owner = await make(api, maps, "owner")
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": True,
    }
    held = {
        "metadata": {
            "name": "child",
            "ownerReferences": [reference],
            "finalizers": ["law.test/hold"],
        }
    }
    await api.post(maps, json=held)
    await delete(api, f"{maps}/owner", "Foreground")

    async def child_marked() -> bool:
        child = (await api.get(f"{maps}/child")).json()
        return "deletionTimestamp" in child["metadata"]

    await eventually(child_marked)
    assert await present(api, maps) == {"owner", "child"}
    headers = {"content-type": "application/merge-patch+json"}
    await api.patch(f"{maps}/child", content='{"metadata":{"finalizers":null}}', headers=headers)

    async def all_gone() -> bool:
        return await present(api, maps) == set()

    await eventually(all_gone)


async def test_orphans_stay_and_forget_their_owner(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    owner = await make(api, maps, "owner")
    await make(api, maps, "child", owner)
    await delete(api, f"{maps}/owner", "Orphan")

    async def owner_gone() -> bool:
        return await present(api, maps) == {"child"}

    await eventually(owner_gone)
    child = (await api.get(f"{maps}/child")).json()
    assert "ownerReferences" not in child["metadata"]


async def test_a_second_owner_keeps_an_object(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    first, second = await make(api, maps, "first"), await make(api, maps, "second")
    await make(api, maps, "child", first, second)
    await delete(api, f"{maps}/first", "Background")

    async def let_go() -> bool:
        child = (await api.get(f"{maps}/child")).json()
        return [each["name"] for each in child["metadata"]["ownerReferences"]] == ["second"]

    await eventually(let_go)
    await delete(api, f"{maps}/second", "Background")

    async def all_gone() -> bool:
        return await present(api, maps) == set()

    await eventually(all_gone)


async def test_an_owner_that_never_was_is_gone(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    stranger = {"metadata": {"name": "nobody", "uid": "11111111-1111-1111-1111-111111111111"}}
    await make(api, maps, "child", stranger)

    async def gone() -> bool:
        return await present(api, maps) == set()

    await eventually(gone)


async def test_a_reborn_owner_is_another(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    owner = await make(api, maps, "owner")
    await make(api, maps, "child", owner)
    await delete(api, f"{maps}/owner", "Background")
    await make(api, maps, "owner")

    async def child_gone() -> bool:
        return await present(api, maps) == {"owner"}

    await eventually(child_gone)


async def test_a_dependent_that_does_not_block_is_not_waited_for(
    api: httpx2.AsyncClient, maps: str, eventually: Eventually
) -> None:
    owner = await make(api, maps, "owner")
    await make(api, maps, "child", owner, blocking=False)
    await delete(api, f"{maps}/owner", "Foreground")

    async def all_gone() -> bool:
        return await present(api, maps) == set()

    await eventually(all_gone)
