"""Lists choose, sort, page, and say at which version they were true."""

from typing import Any

import httpx2
import pytest

Object = dict[str, Any]


@pytest.fixture
def secrets(home: str) -> str:
    return f"/api/v1/namespaces/{home}/secrets"


@pytest.fixture
async def colours(api: httpx2.AsyncClient, secrets: str) -> str:
    """Five objects, of some colours."""
    labels = {
        "a": {"colour": "red", "size": "1"},
        "b": {"colour": "green", "size": "2"},
        "c": {"colour": "red", "size": "3"},
        "d": {"size": "4"},
        "e": {},
    }
    for name, given in labels.items():
        made = await api.post(secrets, json={"metadata": {"name": name, "labels": given}})
        assert made.status_code == 201
    return secrets


async def names(api: httpx2.AsyncClient, path: str, **query: Any) -> list[str]:
    listed = await api.get(path, params=query)
    assert listed.status_code == 200, listed.text
    return [each["metadata"]["name"] for each in listed.json()["items"]]


async def test_a_list_says_what_it_is(api: httpx2.AsyncClient, colours: str) -> None:
    listed = (await api.get(colours)).json()
    assert (listed["kind"], listed["apiVersion"]) == ("SecretList", "v1")
    assert listed["metadata"]["resourceVersion"].isdecimal()
    assert "kind" not in listed["items"][0]


async def test_a_list_is_sorted(api: httpx2.AsyncClient, colours: str) -> None:
    assert await names(api, colours) == ["a", "b", "c", "d", "e"]


async def test_an_empty_list_has_no_items(api: httpx2.AsyncClient, secrets: str) -> None:
    assert (await api.get(secrets)).json()["items"] == []


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("colour=red", "ac"),
        ("colour==red", "ac"),
        ("colour!=red", "bde"),
        ("colour", "abc"),
        ("!colour", "de"),
        ("colour in (red,green)", "abc"),
        ("colour in (red, blue)", "ac"),
        ("colour notin (red)", "bde"),
        ("colour=red,size=3", "c"),
        ("colour in (red,green),size notin (1,2)", "c"),
        ("size>2", "cd"),
        ("size<2", "a"),
        ("colour=", ""),
        ("", "abcde"),
    ],
)
async def test_labels_choose(
    api: httpx2.AsyncClient, colours: str, selector: str, chosen: str
) -> None:
    assert "".join(await names(api, colours, labelSelector=selector)) == chosen


@pytest.mark.parametrize("selector", ["a b", "a=b c", "a in b", "in (a)", "=a", "a==b=c", "a,,b"])
async def test_a_wrong_label_selector_is_refused(
    api: httpx2.AsyncClient, colours: str, selector: str
) -> None:
    refused = await api.get(colours, params={"labelSelector": selector})
    assert refused.status_code == 400, refused.text
    assert refused.json()["reason"] == "BadRequest"


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("metadata.name=b", "b"),
        ("metadata.name!=b", "acde"),
        ("metadata.name=b,type=Opaque", "b"),
        ("type=other", ""),
        ("", "abcde"),
    ],
)
async def test_fields_choose(
    api: httpx2.AsyncClient, colours: str, selector: str, chosen: str
) -> None:
    assert "".join(await names(api, colours, fieldSelector=selector)) == chosen


async def test_an_unknown_field_is_refused(api: httpx2.AsyncClient, colours: str) -> None:
    refused = await api.get(colours, params={"fieldSelector": "spec.none=1"})
    assert refused.status_code == 400
    assert refused.json()["message"].endswith("field label not supported: spec.none")


async def test_pods_are_chosen_by_node_and_phase(api: httpx2.AsyncClient, home: str) -> None:
    pods = f"/api/v1/namespaces/{home}/pods"
    for name, node in (("a", "law-1"), ("b", "law-2")):
        spec = {"nodeName": node, "containers": [{"name": "c", "image": "i"}]}
        await api.post(pods, json={"metadata": {"name": name}, "spec": spec})
    assert await names(api, pods, fieldSelector="spec.nodeName=law-1") == ["a"]
    assert await names(api, pods, fieldSelector="status.phase!=Pending") == []
    everywhere = f"spec.nodeName=law-2,metadata.namespace={home}"
    assert await names(api, "/api/v1/pods", fieldSelector=everywhere) == ["b"]
    for name in ("a", "b"):
        await api.request("DELETE", f"{pods}/{name}", params={"gracePeriodSeconds": 0})


async def test_custom_fields_choose(api: httpx2.AsyncClient, widgets: str) -> None:
    for name, colour in (("a", "red"), ("b", "green")):
        widget = {
            "apiVersion": "laws.ouranos.cloud/v1",
            "kind": "Widget",
            "metadata": {"name": name},
            "spec": {"colour": colour},
        }
        await api.post(widgets, json=widget)
    assert await names(api, widgets, fieldSelector="spec.colour=green") == ["b"]
    assert (await api.get(widgets)).json()["items"][0]["kind"] == "Widget"


async def test_pages_follow_each_other(api: httpx2.AsyncClient, colours: str) -> None:
    seen, token, versions = [], "", set()
    while True:
        query = {"limit": 2, **({"continue": token} if token else {})}
        page = (await api.get(colours, params=query)).json()
        seen.append([each["metadata"]["name"] for each in page["items"]])
        versions.add(page["metadata"]["resourceVersion"])
        token = page["metadata"].get("continue", "")
        if not token:
            break
        assert page["metadata"]["remainingItemCount"] == 5 - sum(map(len, seen))
    assert seen == [["a", "b"], ["c", "d"], ["e"]]
    assert len(versions) == 1


async def test_pages_are_of_one_moment(api: httpx2.AsyncClient, colours: str) -> None:
    first = (await api.get(colours, params={"limit": 2})).json()
    await api.delete(f"{colours}/d")
    await api.post(colours, json={"metadata": {"name": "c1"}})
    token = first["metadata"]["continue"]
    assert await names(api, colours, **{"limit": 9, "continue": token}) == ["c", "d", "e"]


async def test_a_wrong_token_is_refused(api: httpx2.AsyncClient, colours: str) -> None:
    refused = await api.get(colours, params={"continue": "abc"})
    assert refused.status_code == 400


async def test_a_page_can_be_chosen_by_labels(api: httpx2.AsyncClient, colours: str) -> None:
    query = {"limit": 1, "labelSelector": "colour=red"}
    first = (await api.get(colours, params=query)).json()
    token = first["metadata"]["continue"]
    assert await names(api, colours, **query, **{"continue": token}) == ["c"]


async def test_a_past_moment_can_be_listed(api: httpx2.AsyncClient, colours: str) -> None:
    then = (await api.get(colours)).json()["metadata"]["resourceVersion"]
    await api.delete(f"{colours}/b")
    exact = {"resourceVersion": then, "resourceVersionMatch": "Exact"}
    assert await names(api, colours, **exact) == ["a", "b", "c", "d", "e"]
    later = {"resourceVersion": then, "resourceVersionMatch": "NotOlderThan"}
    assert await names(api, colours, **later) == ["a", "c", "d", "e"]


async def test_the_future_cannot_be_listed(api: httpx2.AsyncClient, colours: str) -> None:
    now = int((await api.get(colours)).json()["metadata"]["resourceVersion"])
    ahead = {"resourceVersion": str(now + 10000)}
    refused = await api.get(colours, params=ahead, timeout=20)
    assert refused.status_code == 504
    status = refused.json()
    assert status["reason"] == "Timeout"
    assert status["message"].startswith(f"Timeout: Too large resource version: {now + 10000}")
    assert status["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_a_match_needs_a_version(api: httpx2.AsyncClient, colours: str) -> None:
    refused = await api.get(colours, params={"resourceVersionMatch": "Exact"})
    assert refused.status_code in {400, 422}


async def test_all_namespaces_can_be_listed(api: httpx2.AsyncClient, colours: str) -> None:
    everywhere = (await api.get("/api/v1/secrets")).json()["items"]
    assert {each["metadata"]["name"] for each in everywhere} >= {"a", "b", "c", "d", "e"}


@pytest.mark.parametrize("query", [{"limit": "many"}, {"resourceVersion": "new"}])
async def test_what_is_no_number_is_refused(
    api: httpx2.AsyncClient, colours: str, query: dict[str, str]
) -> None:
    refused = await api.get(colours, params=query)
    assert refused.status_code in {400, 422}
    assert refused.json()["kind"] == "Status"
