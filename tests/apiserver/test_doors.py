"""Both doors lead to the same handler; closing one ends what streams through it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from ouranos.engine.apiserver import body, history, server
from ouranos.engine.apiserver.parts import LogRequest
from ouranos.kit import seams

Message = dict[str, Any]
MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
PATIENCE = 30


@pytest.fixture
async def api() -> AsyncIterator[server.ApiServer]:
    opened = await server.ApiServer.open(None, seams.real())
    opened.asgi.token = "right"
    yield opened
    await opened.close()


@pytest.fixture
async def client(api: server.ApiServer) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as inside:
        yield inside


class Caller:
    """One connection to the ASGI door."""

    def __init__(self, api: server.ApiServer, method: str, path: str, token: str = "right") -> None:
        location, _, query = path.partition("?")
        self.scope = {
            "type": "http",
            "method": method,
            "path": location,
            "raw_path": location.encode(),
            "query_string": query.encode(),
            "headers": [(b"authorization", f"Bearer {token}".encode())],
        }
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.received: asyncio.Queue[Message] = asyncio.Queue()
        self.api = api

    def say(self, *parts: bytes) -> None:
        for index, part in enumerate(parts or (b"",)):
            more = index < len(parts) - 1
            self.received.put_nowait({"type": "http.request", "body": part, "more_body": more})

    def leave(self) -> None:
        self.received.put_nowait({"type": "http.disconnect"})

    async def call(self) -> None:
        await self.api.asgi(self.scope, self.received.get, self.sent.put)

    async def answer(self) -> tuple[int, bytes]:
        begin = await self.sent.get()
        content = b""
        while True:
            message = await self.sent.get()
            content += message["body"]
            if not message.get("more_body"):
                return begin["status"], content


async def ask(
    api: server.ApiServer, method: str, path: str, *parts: bytes, token: str = "right"
) -> tuple[int, Any]:
    caller = Caller(api, method, path, token)
    caller.say(*parts)
    await caller.call()
    status, content = await caller.answer()
    return status, json.loads(content) if content.startswith(b"{") else content


@pytest.mark.parametrize("token", ["wrong", "", "right2", "Right"])
async def test_a_wrong_token_does_not_get_in(api: server.ApiServer, token: str) -> None:
    status, told = await ask(api, "GET", MAPS, token=token)
    assert status == 401
    assert told["reason"] == "Unauthorized"


async def test_without_a_token_nobody_gets_in(api: server.ApiServer) -> None:
    api.asgi.token = None
    assert (await ask(api, "GET", MAPS, token=""))[0] == 401


async def test_health_needs_no_token(api: server.ApiServer) -> None:
    assert await ask(api, "GET", "/readyz", token="") == (200, b"ok")


async def test_what_is_awaited_keeps_it_from_being_ready(api: server.ApiServer) -> None:
    api.awaited = "first-look"
    status, told = await ask(api, "GET", "/readyz", token="")
    assert status == 500
    assert b"[-]first-look failed" in told
    assert await ask(api, "GET", "/livez", token="") == (200, b"ok")
    api.awaited = ""
    assert await ask(api, "GET", "/readyz", token="") == (200, b"ok")


async def test_metrics_need_the_token(api: server.ApiServer) -> None:
    assert (await ask(api, "GET", "/metrics", token=""))[0] == 401
    assert b"# TYPE reconcile_total" in (await ask(api, "GET", "/metrics"))[1]


async def test_a_body_may_come_in_parts(api: server.ApiServer) -> None:
    status, made = await ask(api, "POST", MAPS, b'{"metadata":', b'{"name":"one"}}')
    assert status == 201
    assert made["metadata"]["name"] == "one"


async def test_a_large_body_is_refused(api: server.ApiServer) -> None:
    part = b"x" * (1 << 20)
    status, told = await ask(api, "POST", MAPS, *([part] * (body.MAX_BYTES // len(part) + 3)))
    assert status == 413
    assert told["reason"] == "RequestEntityTooLarge"


async def test_a_head_has_no_body(api: server.ApiServer) -> None:
    assert await ask(api, "HEAD", "/version") == (200, b"")


async def test_a_path_may_be_escaped(api: server.ApiServer) -> None:
    status, told = await ask(api, "GET", f"{MAPS}/a%2Fb")
    assert status == 404
    assert told["message"] == 'configmaps "a/b" not found'


async def test_a_watch_streams_until_its_caller_leaves(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    caller = Caller(api, "GET", f"{MAPS}?watch=1&resourceVersion=0")
    caller.say()
    calling = asyncio.create_task(caller.call())
    assert (await caller.sent.get())["status"] == 200
    await client.post(MAPS, json={"metadata": {"name": "one"}})
    event = json.loads((await caller.sent.get())["body"])
    assert event["type"] == "ADDED"
    assert api._parts.store.history("configmaps").watchers == 1
    caller.leave()
    await asyncio.wait_for(calling, PATIENCE)
    assert api._parts.store.history("configmaps").watchers == 0


async def test_a_caller_may_leave_before_the_answer(api: server.ApiServer) -> None:
    caller = Caller(api, "POST", MAPS)
    caller.leave()
    await caller.call()
    assert caller.sent.empty()


async def test_a_lifespan_is_answered(api: server.ApiServer) -> None:
    sent: list[Message] = []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    await api.asgi({"type": "lifespan"}, receive, send)
    assert [each["type"] for each in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_an_upgrade_is_refused(api: server.ApiServer) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await api.asgi({"type": "websocket"}, None, send)  # type: ignore[arg-type]
    assert sent[0]["type"] == "websocket.close"


async def test_closing_the_stream_ends_the_watch(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    query = {"watch": "1", "resourceVersion": "0"}
    async with client.stream("GET", MAPS, params=query) as response:
        await client.post(MAPS, json={"metadata": {"name": "one"}})
        assert await anext(response.aiter_lines())
        assert api._parts.store.history("configmaps").watchers == 1
    assert api._parts.store.history("configmaps").watchers == 0


async def test_a_slow_watcher_is_told_to_list_again(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    version = (await client.get(MAPS)).json()["metadata"]["resourceVersion"]
    query = {"watch": "1", "resourceVersion": version}
    async with client.stream("GET", MAPS, params=query) as response:
        await client.post(MAPS, json={"metadata": {"name": "one"}})
        lines = response.aiter_lines()
        assert json.loads(await anext(lines))["type"] == "ADDED"
        for number in range(history.MAX_CHANGES + 10):
            text = json.dumps({"data": {"n": str(number)}})
            headers = {"content-type": "application/merge-patch+json"}
            await client.patch(f"{MAPS}/one", content=text, headers=headers)
        told = json.loads(await anext(lines))
        assert told["type"] == "ERROR"
        assert told["object"]["code"] == 410
        assert "read too slowly" in told["object"]["message"]
        with pytest.raises(StopAsyncIteration):
            await anext(lines)


async def test_a_ring_is_bounded_in_bytes_too(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    for number in range(12):
        text = json.dumps({"data": {"n": "x" * 400_000 + str(number)}, "metadata": {"name": "one"}})
        headers = {"content-type": "application/merge-patch+json"}
        if number == 0:
            assert (await client.post(MAPS, content=text)).status_code == 201
        else:
            await client.patch(f"{MAPS}/one", content=text, headers=headers)
    ring = api._parts.store.history("configmaps")
    assert ring._bytes <= history.MAX_BYTES
    assert len(ring._changes) < 12


async def test_a_closing_server_ends_its_watches() -> None:
    api = await server.ApiServer.open(None, seams.real())
    async with httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as client:
        query = {"watch": "1", "resourceVersion": "0"}
        async with client.stream("GET", MAPS, params=query) as response:
            reading = asyncio.create_task(anext(response.aiter_lines(), None))
            await asyncio.sleep(0)
            await api.close()
            assert await asyncio.wait_for(reading, PATIENCE) is None


# Logs.


async def make_pod(client: httpx2.AsyncClient, *containers: str, **notes: str) -> None:
    spec = {"containers": [{"name": name, "image": "i"} for name in containers]}
    pod = {"metadata": {"name": "one", "annotations": notes}, "spec": spec}
    assert (await client.post(PODS, json=pod)).status_code == 201


async def test_logs_are_not_done_without_a_node(client: httpx2.AsyncClient) -> None:
    await make_pod(client, "c")
    refused = await client.get(f"{PODS}/one/log")
    assert refused.status_code == 501
    assert refused.json()["reason"] == "NotImplemented"


async def test_logs_stream_from_their_source(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    asked: list[LogRequest] = []
    ended = asyncio.Event()

    async def said(request: LogRequest) -> AsyncIterator[bytes]:
        asked.append(request)
        try:
            yield b"first\n"
            await asyncio.Event().wait()
        finally:
            ended.set()

    api.pod_logs = said
    assert api.pod_logs is said
    await make_pod(client, "c")
    query = {
        "follow": "true",
        "tailLines": "5",
        "sinceTime": "2026-01-01T00:00:00Z",
        "timestamps": "true",
        "previous": "true",
    }
    async with client.stream("GET", f"{PODS}/one/log", params=query) as response:
        assert response.headers["content-type"] == "text/plain"
        assert await anext(response.aiter_bytes()) == b"first\n"
    await asyncio.wait_for(ended.wait(), PATIENCE)
    (request,) = asked
    assert (request.namespace, request.pod, request.container) == ("default", "one", "c")
    assert (request.follow, request.timestamps, request.previous) == (True, True, True)
    assert request.tail_lines == 5
    assert request.since is not None
    assert request.since.year == 2026


@pytest.mark.parametrize(("limit", "text"), [("3", "fir"), ("6", "first\n"), ("8", "first\nse")])
async def test_logs_can_be_limited(
    api: server.ApiServer, client: httpx2.AsyncClient, limit: str, text: str
) -> None:
    async def said(_: LogRequest) -> AsyncIterator[bytes]:
        for chunk in (b"first\n", b"second\n"):
            yield chunk

    api.pod_logs = said
    await make_pod(client, "c")
    query = {"limitBytes": limit, "sinceSeconds": "10"}
    assert (await client.get(f"{PODS}/one/log", params=query)).text == text


async def test_missing_logs_are_not_found(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    async def said(request: LogRequest) -> AsyncIterator[bytes]:
        raise LookupError(f"container {request.container} has said nothing yet")
        yield b"never"

    api.pod_logs = said
    await make_pod(client, "c")
    refused = await client.get(f"{PODS}/one/log")
    assert refused.status_code == 400
    assert refused.json()["message"] == "container c has said nothing yet"


async def test_one_of_several_containers_has_to_be_named(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    await make_pod(client, "c", "d")
    refused = await client.get(f"{PODS}/one/log")
    assert refused.status_code == 400
    assert refused.json()["message"] == (
        "a container name must be specified for pod one, choose one of: [c d]"
    )


async def test_a_waiting_container_has_no_logs(
    api: server.ApiServer, client: httpx2.AsyncClient
) -> None:
    async def said(_: LogRequest) -> AsyncIterator[bytes]:
        yield b"never"

    api.pod_logs = said
    await make_pod(client, "c", "d", **{"kubectl.kubernetes.io/default-container": "d"})
    waiting = {
        "name": "d",
        "image": "i",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": {"reason": "ContainerCreating"}},
    }
    status = {"status": {"containerStatuses": [waiting]}}
    headers = {"content-type": "application/merge-patch+json"}
    await client.patch(f"{PODS}/one/status", content=json.dumps(status), headers=headers)
    refused = await client.get(f"{PODS}/one/log")
    assert refused.json()["message"] == (
        'container "d" in pod "one" is waiting to start: ContainerCreating'
    )


@pytest.mark.parametrize("what", ["exec", "attach", "portforward", "proxy"])
async def test_what_is_not_done_is_said(client: httpx2.AsyncClient, what: str) -> None:
    await make_pod(client, "c")
    refused = await client.post(f"{PODS}/one/{what}")
    assert refused.status_code == 501
    assert refused.json()["message"] == f"the embedded API does not do this: pods/{what}"


async def test_conversion_webhooks_are_not_done(client: httpx2.AsyncClient) -> None:
    definition = {
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "conversion": {
                "strategy": "Webhook",
                "webhook": {
                    "conversionReviewVersions": ["v1"],
                    "clientConfig": {"url": "https://x.example"},
                },
            },
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object"}},
                }
            ],
        },
    }
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    refused = await client.post(path, json=definition)
    assert refused.status_code == 501, refused.text


async def test_aliases_in_yaml_are_refused(client: httpx2.AsyncClient) -> None:
    text = "metadata: {name: a}\ndata: &d {a: b}\nmore: *d\n"
    headers = {"content-type": "application/yaml"}
    refused = await client.post(MAPS, content=text, headers=headers)
    assert refused.status_code == 400
    assert "aliases are not accepted" in refused.json()["message"]


@pytest.mark.parametrize("text", [b"a: [", b"\xff\xfe\x00", b"\xc3\x28: 1"])
async def test_what_is_no_yaml_is_refused(client: httpx2.AsyncClient, text: bytes) -> None:
    headers = {"content-type": "application/yaml"}
    refused = await client.post(MAPS, content=text, headers=headers)
    assert refused.status_code == 400
