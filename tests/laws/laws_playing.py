"""Plays a sequence of calls on a server, and writes down what was answered and told."""

import asyncio
import json
from typing import Any

import httpx2
from laws_kinds import Kind
from laws_sequences import Step

Object = dict[str, Any]
_PATIENCE = 60.0
_OWN = {"foregroundDeletion", "orphan"}
_WRONG_UID = "00000000-0000-0000-0000-000000000000"


class Player:
    """Plays sequences about one kind in one namespace of one server."""

    def __init__(self, api: httpx2.AsyncClient, kind: Kind, namespace: str) -> None:
        self._api = api
        self._kind = kind
        self._path = kind.path(namespace)

    async def play(self, steps: list[Step]) -> tuple[list[Object], list[Object]]:
        """Give the answers to the steps, and the events that a watcher saw."""
        begin = (await self._api.get(self._path)).json()["metadata"]["resourceVersion"]
        query = {"watch": "true", "resourceVersion": begin}
        async with self._api.stream("GET", self._path, params=query, timeout=None) as watch:
            answers = [await self._step(step) for step in steps]
            made = await self._api.post(self._path, json=self._kind.sentinel())
            assert made.status_code == 201, made.text
            events = await asyncio.wait_for(self._told(watch), _PATIENCE)
        return answers, events

    @staticmethod
    async def _told(watch: httpx2.Response) -> list[Object]:
        events: list[Object] = []
        async for line in watch.aiter_lines():
            event = json.loads(line)
            if event["object"]["metadata"].get("name") == "end":
                break
            events.append(event)
        return events

    async def _step(self, step: Step) -> Object:
        place = f"{self._path}/{step.name}" if step.name else self._path
        live = (await self._api.get(place)).json() if step.name else {}
        answer = await self._send(step, place, self._body(step, live))
        if step.verb in {"delete", "deletecollection"} and answer.status_code < 300:
            await self._settle()
        body = answer.json()
        warnings = answer.headers.get_list("warning")
        return {"step": step, "code": answer.status_code, "body": body, "warnings": warnings}

    @staticmethod
    def _body(step: Step, live: Object) -> Any:
        known = live.get("metadata", {})
        version = {"own": known.get("resourceVersion", "1"), "wrong": "1"}.get(step.version)
        uid = {"own": known.get("uid", _WRONG_UID), "wrong": _WRONG_UID}.get(step.uid)
        if step.verb == "update" and version:
            return {**step.body, "metadata": {**step.body["metadata"], "resourceVersion": version}}
        if step.verb == "delete" and (version or uid):
            given = {"resourceVersion": version, "uid": uid}
            kept = {name: text for name, text in given.items() if text}
            return {**step.body, "preconditions": kept}
        return step.body

    async def _send(self, step: Step, place: str, body: Any) -> httpx2.Response:
        methods = {
            "create": ("POST", self._path),
            "update": ("PUT", place + step.sub),
            "patch": ("PATCH", place + step.sub),
            "delete": ("DELETE", place),
            "deletecollection": ("DELETE", self._path),
            "list": ("GET", self._path),
        }
        method, path = methods[step.verb]
        content = None if body is None else json.dumps(body)
        headers = {"content-type": step.content} if content else {}
        return await self._api.request(
            method, path, params=dict(step.query), content=content, headers=headers
        )

    async def _settle(self) -> None:
        """Wait until the collector has done its part of a deletion."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                items = (await self._api.get(self._path)).json()["items"]
                held = [set(each["metadata"].get("finalizers") or ()) for each in items]
                if not any(each & _OWN for each in held):
                    return
                await asyncio.sleep(0.02)
