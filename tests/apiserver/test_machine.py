"""Random creates, applies, updates, deletes and watches agree with a simple model."""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx2
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    precondition,
    rule,
)

from ouranos.engine.apiserver import server
from ouranos.kit import seams

Object = dict[str, Any]

MAPS = "/api/v1/namespaces/default/configmaps"
NAMES = st.sampled_from(["a", "b", "c"])
MANAGERS = st.sampled_from(["me", "you"])
DATA = st.dictionaries(st.sampled_from(["x", "y", "z"]), st.sampled_from(["1", "2"]), max_size=3)


class Machine(RuleBasedStateMachine):
    """The model: what each object holds, who applied what, and what a watcher was told."""

    versions = Bundle("versions")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory()
        self.path = Path(self.directory.name) / "api.db"
        self.data: dict[str, dict[str, str]] = {}
        self.held: set[str] = set()
        self.marked: set[str] = set()
        self.version: dict[str, int] = {}
        self.latest = 0
        self.told: dict[str, Object] = {}
        self.run(self.open())

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def open(self) -> None:
        self.server = await server.ApiServer.open(self.path, seams.real())
        transport = self.server.transport()
        self.api = httpx2.AsyncClient(transport=transport, base_url="http://api")
        listed = (await self.api.get(MAPS)).json()
        self.told = {each["metadata"]["name"]: each for each in listed["items"]}
        version = listed["metadata"]["resourceVersion"]
        assert int(version) >= self.latest
        self.watcher = asyncio.create_task(self.watch(version))

    async def watch(self, version: str) -> None:
        query = {"watch": "1", "resourceVersion": version}
        async with self.api.stream("GET", MAPS, params=query, timeout=None) as response:
            async for line in response.aiter_lines():
                event = json.loads(line)
                obj = event["object"]
                name, now = obj["metadata"]["name"], int(obj["metadata"]["resourceVersion"])
                assert now > int(version)
                version = str(now)
                assert (event["type"] == "ADDED") is (name not in self.told)
                if event["type"] == "DELETED":
                    del self.told[name]
                else:
                    self.told[name] = obj

    async def close(self) -> None:
        self.watcher.cancel()
        await asyncio.gather(self.watcher, return_exceptions=True)
        await self.api.aclose()
        await self.server.close()

    def request(self, method: str, path: str, body: Any = None, **query: str) -> httpx2.Response:
        kinds = {"PATCH": "application/apply-patch+yaml"}
        headers = {"content-type": kinds.get(method, "application/json")}
        content = None if body is None else json.dumps(body)
        return self.run(
            self.api.request(method, path, content=content, headers=headers, params=query)
        )

    def note(self, name: str, answer: httpx2.Response) -> int:
        version = int(answer.json()["metadata"]["resourceVersion"])
        assert version >= self.version.get(name, 0)
        self.version[name] = version
        self.latest = max(self.latest, version)
        return version

    @rule(target=versions, name=NAMES, data=DATA, held=st.booleans())
    def create(self, name: str, data: dict[str, str], *, held: bool) -> tuple[str, int]:
        finalizers = ["machine.test/hold"] if held else []
        metadata = {"name": name, "finalizers": finalizers}
        answer = self.request("POST", MAPS, {"metadata": metadata, "data": data})
        assert answer.status_code == (409 if name in self.data else 201)
        if answer.status_code == 201:
            self.data[name] = data
            self.held |= {name} if held else set()
            self.note(name, answer)
        return name, self.version[name]

    @rule(target=versions, seen=consumes(versions), data=DATA)
    def update(self, seen: tuple[str, int], data: dict[str, str]) -> tuple[str, int]:
        name, version = seen
        finalizers = ["machine.test/hold"] if name in self.held else []
        metadata = {"name": name, "resourceVersion": str(version), "finalizers": finalizers}
        answer = self.request("PUT", f"{MAPS}/{name}", {"metadata": metadata, "data": data})
        if name not in self.data:
            assert answer.status_code == 404
        elif version != self.version[name]:
            assert answer.status_code == 409
        else:
            assert answer.status_code == 200, answer.text
            assert (self.data[name] == data) is (self.note(name, answer) == version)
            self.data[name] = data
        return name, self.version[name]

    @rule(target=versions, name=NAMES, manager=MANAGERS, data=DATA)
    def apply(self, name: str, manager: str, data: dict[str, str]) -> tuple[str, int]:
        metadata = {"name": name}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        query = {"fieldManager": manager, "force": "true"}
        answer = self.request("PATCH", f"{MAPS}/{name}", body, **query)
        assert answer.status_code == (200 if name in self.data else 201), answer.text
        self.note(name, answer)
        merged = answer.json().get("data", {})
        assert merged.items() >= data.items()
        again = self.request("PATCH", f"{MAPS}/{name}", body, **query)
        assert again.json() == answer.json()
        self.data[name] = merged
        return name, self.version[name]

    @rule(name=NAMES, dry=st.booleans())
    def delete(self, name: str, *, dry: bool) -> None:
        query = {"dryRun": "All"} if dry else {}
        answer = self.request("DELETE", f"{MAPS}/{name}", **query)
        assert answer.status_code == (200 if name in self.data else 404)
        if name not in self.data or dry:
            return
        if name in self.held:
            self.marked.add(name)
            self.note(name, answer)
        else:
            del self.data[name]

    @precondition(lambda self: self.held)
    @rule(name=NAMES)
    def let_go(self, name: str) -> None:
        if name not in self.held:
            return
        headers = {"content-type": "application/merge-patch+json"}
        text = '{"metadata":{"finalizers":null}}'
        answer = self.run(self.api.patch(f"{MAPS}/{name}", content=text, headers=headers))
        assert answer.status_code == 200
        self.note(name, answer)
        self.held.discard(name)
        if name in self.marked:
            self.marked.discard(name)
            del self.data[name]

    @rule()
    def restart(self) -> None:
        self.run(self.close())
        self.run(self.open())

    @invariant()
    def what_is_listed_is_the_model(self) -> None:
        items = self.run(self.api.get(MAPS)).json()["items"]
        assert {each["metadata"]["name"]: each.get("data", {}) for each in items} == self.data
        for each in items:
            name = each["metadata"]["name"]
            assert int(each["metadata"]["resourceVersion"]) == self.version[name]
            assert ("deletionTimestamp" in each["metadata"]) is (name in self.marked)

    @invariant()
    def the_watcher_was_told_all(self) -> None:
        async def settle() -> dict[str, Object]:
            for _ in range(50):
                await asyncio.sleep(0)
                told = {name: each.get("data", {}) for name, each in self.told.items()}
                if told == self.data:
                    break
            return told

        told = self.run(settle())
        assert not self.watcher.done(), self.watcher.exception()
        assert told == self.data

    def teardown(self) -> None:
        self.run(self.close())
        self.loop.close()
        self.directory.cleanup()


Machine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, derandomize=True
)
TestMachine = Machine.TestCase
