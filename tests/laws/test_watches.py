"""Watches tell every change once, in order, from the asked version on."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import pytest

Object = dict[str, Any]
Watch = Callable[..., AbstractAsyncContextManager[Any]]


def secret(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels}}


@pytest.fixture
def secrets(home: str) -> str:
    return f"/api/v1/namespaces/{home}/secrets"


async def now(api: httpx2.AsyncClient, path: str) -> str:
    return (await api.get(path)).json()["metadata"]["resourceVersion"]


async def label(api: httpx2.AsyncClient, path: str, **labels: str | None) -> Object:
    text = json.dumps({"metadata": {"labels": labels}})
    headers = {"content-type": "application/merge-patch+json"}
    return (await api.patch(path, content=text, headers=headers)).json()


async def test_every_change_is_told(api: httpx2.AsyncClient, secrets: str, watch: Watch) -> None:
    async with watch(secrets, resourceVersion=await now(api, secrets)) as events:
        made = (await api.post(secrets, json=secret("one"))).json()
        changed = await label(api, f"{secrets}/one", a="b")
        await api.delete(f"{secrets}/one")
        told = [await events.next() for _ in range(3)]
    assert [each["type"] for each in told] == ["ADDED", "MODIFIED", "DELETED"]
    assert told[0]["object"] == made
    assert told[1]["object"] == changed
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in told]
    assert versions == sorted(set(versions))


async def test_an_event_names_its_kind(api: httpx2.AsyncClient, secrets: str, watch: Watch) -> None:
    async with watch(secrets, resourceVersion=await now(api, secrets)) as events:
        await api.post(secrets, json=secret("one"))
        told = (await events.next())["object"]
    assert (told["kind"], told["apiVersion"]) == ("Secret", "v1")


async def test_a_watch_can_begin_in_the_past(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    then = await now(api, secrets)
    for name in ("a", "b", "c"):
        await api.post(secrets, json=secret(name))
    async with watch(secrets, resourceVersion=then) as events:
        told = [(await events.next())["object"]["metadata"]["name"] for _ in range(3)]
    assert told == ["a", "b", "c"]


@pytest.mark.parametrize("version", ["", "0"])
async def test_a_watch_without_a_version_begins_with_what_is_there(
    api: httpx2.AsyncClient, secrets: str, watch: Watch, version: str
) -> None:
    for name in ("b", "a"):
        await api.post(secrets, json=secret(name))
    async with watch(secrets, resourceVersion=version) as events:
        told = [await events.next() for _ in range(2)]
        assert [each["type"] for each in told] == ["ADDED", "ADDED"]
        assert {each["object"]["metadata"]["name"] for each in told} == {"a", "b"}
        await api.post(secrets, json=secret("c"))
        assert (await events.next())["object"]["metadata"]["name"] == "c"


async def test_a_list_can_be_streamed(api: httpx2.AsyncClient, secrets: str, watch: Watch) -> None:
    for name in ("b", "a"):
        await api.post(secrets, json=secret(name))
    query = {
        "sendInitialEvents": "true",
        "allowWatchBookmarks": "true",
        "resourceVersionMatch": "NotOlderThan",
    }
    async with watch(secrets, **query) as events:
        told = [await events.next() for _ in range(3)]
    assert [each["type"] for each in told] == ["ADDED", "ADDED", "BOOKMARK"]
    metadata = told[2]["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(metadata["resourceVersion"]) >= max(
        int(each["object"]["metadata"]["resourceVersion"]) for each in told[:2]
    )


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"sendInitialEvents": "true"}, id="no match"),
        pytest.param({"resourceVersionMatch": "NotOlderThan"}, id="match alone"),
        pytest.param(
            {"sendInitialEvents": "true", "resourceVersionMatch": "Exact"}, id="exact match"
        ),
    ],
)
async def test_a_contradictory_watch_is_refused(
    api: httpx2.AsyncClient, secrets: str, query: dict[str, str]
) -> None:
    refused = await api.get(secrets, params={"watch": "true", **query})
    assert refused.status_code == 422
    assert refused.json()["reason"] == "Invalid"


async def test_a_forgotten_version_is_gone(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    async with watch(secrets, resourceVersion="1") as events:
        told = await events.next()
    assert told["type"] == "ERROR"
    assert told["object"]["code"] == 410
    assert told["object"]["reason"] == "Expired"
    assert told["object"]["message"].startswith("too old resource version: 1")


async def test_labels_choose_what_is_told(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    begin = await now(api, secrets)
    async with watch(secrets, resourceVersion=begin, labelSelector="a=1") as events:
        await api.post(secrets, json=secret("one"))
        entered = await label(api, f"{secrets}/one", a="1")
        await label(api, f"{secrets}/one", b="1")
        left = await label(api, f"{secrets}/one", a="2")
        await api.delete(f"{secrets}/one")
        await api.post(secrets, json=secret("two", a="1"))
        told = [await events.next() for _ in range(4)]
    assert [each["type"] for each in told] == ["ADDED", "MODIFIED", "DELETED", "ADDED"]
    assert told[0]["object"]["metadata"]["name"] == "one"
    assert told[0]["object"] == entered
    last = told[2]["object"]["metadata"]
    assert last["labels"] == {"a": "1", "b": "1"}
    assert last["resourceVersion"] == left["metadata"]["resourceVersion"]
    assert told[3]["object"]["metadata"]["name"] == "two"


async def test_fields_choose_what_is_told(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    begin = await now(api, secrets)
    async with watch(secrets, resourceVersion=begin, fieldSelector="metadata.name=b") as events:
        for name in ("a", "b"):
            await api.post(secrets, json=secret(name))
        assert (await events.next())["object"]["metadata"]["name"] == "b"


async def test_a_namespace_is_told_of_itself_only(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    other = await api.post("/api/v1/namespaces", json={"metadata": {"generateName": "law-"}})
    elsewhere = f"/api/v1/namespaces/{other.json()['metadata']['name']}"
    async with watch(secrets, resourceVersion=await now(api, secrets)) as events:
        await api.post(f"{elsewhere}/secrets", json=secret("far"))
        await api.post(secrets, json=secret("near"))
        assert (await events.next())["object"]["metadata"]["name"] == "near"
    await api.delete(elsewhere)


async def test_a_watch_ends_when_its_time_is_over(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    begin = await now(api, secrets)
    async with watch(secrets, resourceVersion=begin, timeoutSeconds=1) as events:
        assert await events.ended()


async def test_many_watchers_are_told_the_same(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    begin = await now(api, secrets)

    async def one() -> list[str]:
        async with watch(secrets, resourceVersion=begin) as events:
            return [(await events.next())["object"]["metadata"]["name"] for _ in range(3)]

    async with asyncio.TaskGroup() as group:
        watchers = [group.create_task(one()) for _ in range(5)]
        for name in ("a", "b", "c"):
            await api.post(secrets, json=secret(name))
    assert [each.result() for each in watchers] == [["a", "b", "c"]] * 5


async def test_what_changes_nothing_is_not_told(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    await api.post(secrets, json=secret("one", a="1"))
    async with watch(secrets, resourceVersion=await now(api, secrets)) as events:
        await label(api, f"{secrets}/one", a="1")
        await label(api, f"{secrets}/one", a="2")
        told = await events.next()
    assert told["object"]["metadata"]["labels"] == {"a": "2"}


async def test_a_marked_object_is_told_as_modified(
    api: httpx2.AsyncClient, secrets: str, watch: Watch
) -> None:
    held = secret("one")
    held["metadata"]["finalizers"] = ["law.test/hold"]
    await api.post(secrets, json=held)
    async with watch(secrets, resourceVersion=await now(api, secrets)) as events:
        await api.delete(f"{secrets}/one")
        marked = await events.next()
        assert marked["type"] == "MODIFIED"
        assert marked["object"]["metadata"]["deletionTimestamp"]
        headers = {"content-type": "application/merge-patch+json"}
        text = '{"metadata":{"finalizers":null}}'
        await api.patch(f"{secrets}/one", content=text, headers=headers)
        assert (await events.next())["type"] == "DELETED"


async def test_a_watch_can_be_a_table(api: httpx2.AsyncClient, secrets: str) -> None:
    begin = await now(api, secrets)
    headers = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    query = {"watch": "true", "resourceVersion": begin}
    async with api.stream("GET", secrets, params=query, headers=headers) as response:
        lines = response.aiter_lines()
        await api.post(secrets, json=secret("one"))
        await api.post(secrets, json=secret("two"))
        first, second = json.loads(await anext(lines)), json.loads(await anext(lines))
    assert first["type"] == "ADDED"
    assert first["object"]["kind"] == "Table"
    assert first["object"]["columnDefinitions"][0]["name"] == "Name"
    assert first["object"]["rows"][0]["cells"][0] == "one"
    assert not second["object"].get("columnDefinitions")
    assert second["object"]["rows"][0]["cells"][0] == "two"
