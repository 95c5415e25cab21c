"""The same calls on two servers side by side: what each answered and told, made comparable."""

import asyncio
import uuid
from typing import Any

import httpx2
import laws_differences
import laws_gadget
import laws_own
from laws_differences import Difference
from laws_kinds import Kind
from laws_normal import Normaliser
from laws_playing import Player
from laws_sequences import Step

Object = dict[str, Any]
_PATIENCE = 120.0


async def prepare(api: httpx2.AsyncClient) -> None:
    """Make the custom kinds, and wait until the collector knows them too."""
    for definition in (laws_gadget.definition(), *laws_own.definitions()):
        made = await api.post(laws_gadget.DEFINITIONS, json=definition)
        assert made.status_code in {201, 409}, made.text
    path = f"/apis/{laws_gadget.API_VERSION}/namespaces/default/gadgets"
    gadget = {"apiVersion": laws_gadget.API_VERSION, "kind": "Gadget", "spec": {}}
    one = {**gadget, "metadata": {"name": f"first-{uuid.uuid4().hex[:8]}"}}
    async with asyncio.timeout(_PATIENCE):
        while (await api.post(path, json=one)).status_code != 201:  # noqa: ASYNC110 - another
            await asyncio.sleep(0.05)
        place = f"{path}/{one['metadata']['name']}"
        await api.request("DELETE", place, json={"propagationPolicy": "Foreground"})
        while (await api.get(place)).status_code == 200:  # noqa: ASYNC110 - server's events
            await asyncio.sleep(0.05)


async def played(
    api: httpx2.AsyncClient, kind: Kind, steps: list[Step], *, but: Difference | None = None
) -> list[Object]:
    """Give what a server answers to the calls and tells a watcher, without accepted differences.

    Args:
        api: the server.
        kind: what the calls are about.
        steps: the calls.
        but: the one accepted difference that shall be seen.
    """
    namespace = f"side-{uuid.uuid4().hex[:8]}"
    made = await api.post("/api/v1/namespaces", json={"metadata": {"name": namespace}})
    assert made.status_code == 201, made.text
    answers, events = await Player(api, kind, namespace).play(steps)
    await api.delete(f"/api/v1/namespaces/{namespace}")
    same = Normaliser()

    def comparable(body: Any) -> Any:
        text = {**body, "metadata": {**body.get("metadata", {})}}
        shown = same.answer(text)
        return laws_differences.erased(shown, built_in=kind.strategic, but=but)

    lines: list[Object] = []
    for each in answers:
        shown = comparable({**each["body"], "warnings": each["warnings"]})
        lines.append(
            {"call": each["step"], "code": each["code"], "body": _homeless(shown, namespace)}
        )
    lines += [
        {"type": each["type"], "object": _homeless(comparable(each["object"]), namespace)}
        for each in events
    ]
    return lines


def _homeless(body: Any, namespace: str) -> Any:
    """Write one name for the namespace, which each server gets its own of."""
    if isinstance(body, dict):
        return {key: _homeless(value, namespace) for key, value in body.items()}
    if isinstance(body, list):
        return [_homeless(each, namespace) for each in body]
    return body.replace(namespace, "home") if isinstance(body, str) else body
