"""What holds after any calls: the sequences that the story compares with Kubernetes, alone here."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "laws"))

import laws_gadget
import laws_sequences
import laws_servers
from laws_kinds import KINDS, Kind
from laws_playing import Player
from laws_sequences import Step

Object = dict[str, Any]


async def played(kind: Kind, steps: list[Step]) -> tuple[list[Object], list[Object], list[Object]]:
    async with laws_servers.opened(laws_servers.EMBEDDED) as api:
        await api.post(laws_gadget.DEFINITIONS, json=laws_gadget.definition())
        answers, events = await Player(api, kind, "default").play(steps)
        left = (await api.get(kind.path("default"))).json()["items"]
        return answers, events, [each for each in left if each["metadata"]["name"] != "end"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_events_tell_what_has_become(kind: Kind) -> None:
    @hypothesis.settings(max_examples=8, phases=[hypothesis.Phase.generate])
    @hypothesis.given(laws_sequences.sequences(kind))
    def hold(steps: list[Step]) -> None:
        answers, events, left = asyncio.run(played(kind, steps))
        for each in answers:
            typed = "failed to " in each["body"].get("message", "")
            assert each["code"] < 500 or typed, each
        versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
        assert versions == sorted(set(versions))
        now: dict[str, Object] = {}
        for event in events:
            obj, name = event["object"], event["object"]["metadata"]["name"]
            before = now.pop(name, None)
            assert (before is None) == (event["type"] == "ADDED")
            if before is not None:
                assert before["metadata"]["uid"] == obj["metadata"]["uid"]
            if event["type"] != "DELETED":
                now[name] = obj
        kept = {each["metadata"]["name"]: each for each in left}
        assert {name: obj["metadata"] for name, obj in now.items()} == {
            name: obj["metadata"] for name, obj in kept.items()
        }

    hold()
