"""Does the client say what a Kubernetes API understands, and understand what it says?"""

import json
from typing import Any

import httpx2
import pytest

from ouranos.engine.apiserver import server
from ouranos.kit import cluster, errors, kinds, objects, seams
from ouranos.kit.objects import Object

pytestmark = pytest.mark.virtual_time


def config(name: str, **data: str) -> Object:
    metadata = {"name": name, "namespace": "home"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


async def test_an_object_lives(source: cluster.Cluster) -> None:
    made = await source.create(config("a", x="1"))
    with pytest.raises(errors.AlreadyExists):
        await source.create(config("a"))
    replaced = await source.replace({**made, "data": {"x": "2"}})
    with pytest.raises(errors.Conflict):
        await source.replace({**made, "data": {"x": "3"}})
    assert replaced["data"] == {"x": "2"}
    found = await source.get(kinds.CONFIG_MAP, "a", "home")
    assert objects.version_of(found or {}) == objects.version_of(replaced)
    merged = await source.patch(kinds.CONFIG_MAP, "a", "home", {"data": {"y": "1"}})
    assert merged["data"] == {"x": "2", "y": "1"}
    steps: list[Object] = [{"op": "remove", "path": "/data/x"}]
    assert (await source.patch(kinds.CONFIG_MAP, "a", "home", steps))["data"] == {"y": "1"}
    with pytest.raises(errors.Conflict):
        await source.delete(kinds.CONFIG_MAP, "a", "home", uid="another")
    assert await source.delete(kinds.CONFIG_MAP, "a", "home") is None
    assert await source.delete(kinds.CONFIG_MAP, "a", "home") is None
    assert await source.get(kinds.CONFIG_MAP, "a", "home") is None


async def test_applying_owns_fields(source: cluster.Cluster) -> None:
    await source.apply(config("a", x="1"))
    again = await source.apply(config("a", x="1"))
    await source.apply(config("a", y="1"), manager="other")
    with pytest.raises(errors.Conflict):
        await source.apply(config("a", x="2"), manager="other", force=False)
    dry = await source.apply(config("a", x="3"), dry_run=True)
    assert dry["data"] == {"x": "3", "y": "1"}
    now = await source.apply(config("a"))
    assert now["data"] == {"y": "1"}
    assert again["data"] == {"x": "1"}
    with pytest.raises(errors.Invalid):
        await source.apply({**config("a"), "data": {"not a key!": "x"}})


async def test_a_list_is_whole_however_long(source: cluster.Cluster) -> None:
    for number in range(3):
        await source.create(config(f"c{number}"))
    cluster_page = cluster._PAGE
    try:
        cluster._PAGE = 2  # pyright: ignore[reportAttributeAccessIssue]
        listing = await source.list(kinds.CONFIG_MAP, "home")
    finally:
        cluster._PAGE = cluster_page  # pyright: ignore[reportAttributeAccessIssue]
    assert [one["metadata"]["name"] for one in listing.items] == ["c0", "c1", "c2"]
    assert {(one["apiVersion"], one["kind"]) for one in listing.items} == {("v1", "ConfigMap")}
    assert int(listing.resource_version) > 0


async def test_lists_and_watches_choose(source: cluster.Cluster) -> None:
    listing = await source.list(kinds.CONFIG_MAP)
    for name, app in (("a", "web"), ("b", "db")):
        obj = config(name)
        obj["metadata"]["labels"] = {"app": app}
        await source.create(obj)
    chosen = await source.list(kinds.CONFIG_MAP, "home", labels="app=db")
    assert [one["metadata"]["name"] for one in chosen.items] == ["b"]
    chosen = await source.list(kinds.CONFIG_MAP, fields="metadata.name=a")
    assert [one["metadata"]["name"] for one in chosen.items] == ["a"]
    events = source.watch(
        kinds.CONFIG_MAP,
        "home",
        resource_version=listing.resource_version,
        labels="app=db",
        timeout=5,
    )
    seen = [(event.type, event.object["metadata"]["name"]) async for event in events]
    assert seen == [("ADDED", "b")]


async def test_a_status_is_written_apart(source: cluster.Cluster, keystone: Any) -> None:
    made = await source.create(keystone(release="2026.2"))
    changed = {**made, "spec": {"release": "x"}, "status": {"seen": True}}
    after = await source.replace_status(changed)
    assert (after["spec"], after["status"]) == ({"release": "2026.2"}, {"seen": True})
    patch = {"status": {"seen": False}}
    after = await source.patch(kinds.KEYSTONE, "keystone", "home", patch, subresource="status")
    assert after["status"] == {"seen": False}


async def test_what_still_has_a_finalizer_is_still_there(source: cluster.Cluster) -> None:
    obj = config("a")
    obj["metadata"]["finalizers"] = ["example.com/wait"]
    await source.create(obj)
    left = await source.delete(kinds.CONFIG_MAP, "a", "home")
    found = await source.get(kinds.CONFIG_MAP, "a", "home")
    assert found is not None
    assert objects.is_deleting(found)
    assert objects.is_deleting(left or {"metadata": {}})


async def test_a_pod_is_bound_ends_gently_and_is_evicted(source: cluster.Cluster) -> None:
    pod: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "home"},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    await source.create(pod)
    await source.bind("p", "home", "node1")
    with pytest.raises(errors.Conflict):
        await source.bind("p", "home", "node2")
    left = await source.delete(kinds.POD, "p", "home")
    assert objects.is_deleting(left or {})
    assert await source.delete(kinds.POD, "p", "home", grace_seconds=0) is None
    assert await source.get(kinds.POD, "p", "home") is None
    made = await source.create(pod)
    await source.evict("p", "home", uid=objects.uid_of(made))
    await source.evict("p", "home")
    assert await source.get(kinds.POD, "p", "home") is None


async def test_a_server_says_whether_it_is_ready(
    source: cluster.Cluster, api: server.ApiServer, tap: Any
) -> None:
    assert await source.is_ready()
    api.awaited = "controllers"
    assert not await source.is_ready()
    tap.cut.set()
    with pytest.raises(errors.Unreachable):
        await source.is_ready()


async def test_a_server_that_is_not_there_is_unreachable(source: cluster.Cluster, tap: Any) -> None:
    tap.cut.set()
    with pytest.raises(errors.Unreachable):
        await source.get(kinds.POD, "p", "home")
    with pytest.raises(errors.Unreachable):
        await anext(source.watch(kinds.POD, resource_version="1"))


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"proxy says no", "proxy says no"), (b"", "Bad Gateway"), (b'["no"]', '["no"]')],
)
async def test_a_refusal_that_is_no_status_is_told_as_it_is(
    source: cluster.Cluster, tap: Any, body: bytes, message: str
) -> None:
    tap.answer = lambda _request: httpx2.Response(502, content=body)
    with pytest.raises(errors.ApiError) as caught:
        await source.get(kinds.POD, "p", "home")
    assert (caught.value.status, caught.value.message) == (502, message)
    with pytest.raises(errors.ApiError):
        await anext(source.watch(kinds.POD, resource_version="1"))


@pytest.mark.parametrize("body", [b"<html>", b'["a list"]', b'{"half": '])
async def test_what_is_no_object_did_not_come_from_the_api(
    source: cluster.Cluster, tap: Any, body: bytes
) -> None:
    tap.answer = lambda _request: httpx2.Response(200, content=body + b"\n")
    with pytest.raises(errors.Unreachable):
        await source.get(kinds.POD, "p", "home")
    with pytest.raises(errors.Unreachable):
        await anext(source.watch(kinds.POD, resource_version="1"))


async def test_lines_may_be_torn(source: cluster.Cluster, tap: Any, given: seams.Seams) -> None:
    def torn(request: httpx2.Request) -> httpx2.Response:
        assert request.url.params["allowWatchBookmarks"] == "true"
        event = {"type": "ADDED", "object": {"metadata": {"name": "ä" * 10}}}
        text = (json.dumps(event, ensure_ascii=False) + "\n\n").encode() * 2

        async def pieces() -> Any:
            for start in range(0, len(text), 7):
                yield text[start : start + 7]

        return httpx2.Response(200, content=pieces())

    tap.answer = torn
    names = [
        event.object["metadata"]["name"]
        async for event in source.watch(kinds.POD, resource_version="1")
    ]
    assert names == ["ä" * 10] * 2


async def test_a_log_is_streamed(source: cluster.Cluster, tap: Any) -> None:
    asked: list[str] = []

    def log(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, content=b"one\ntwo\n")

    tap.answer = log
    chunks = [
        chunk
        async for chunk in source.logs(
            "p", "home", container="c", follow=True, tail=5, previous=True
        )
    ]
    assert b"".join(chunks) == b"one\ntwo\n"
    path = "http://api/api/v1/namespaces/home/pods/p/log"
    assert asked == [f"{path}?container=c&follow=true&tailLines=5&previous=true"]
