"""Do we share objects between writers exactly as Kubernetes does? Its recorded answers say so."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ouranos.engine.apiserver.merge import apply, conflicts, managed, patches, strategic
from ouranos.engine.apiserver.schema import builtin, structural
from ouranos.kit import kinds

GOLDEN = Path(__file__).parents[1] / "golden" / "apiserver"
HEAD, *OWNERSHIP = [
    json.loads(line) for line in (GOLDEN / "ownership.jsonl").read_text().splitlines()
]
STRATEGIC = [json.loads(line) for line in (GOLDEN / "strategic.jsonl").read_text().splitlines()]
SCHEMA = structural.Structural.parse(HEAD["schema"])
REQUEST = {"subresource": "", "api_version": "g/v1", "time": "2026-01-01T00:00:00Z"}


def timeless(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop the times and the order of managed fields, which follow the clock."""
    plain = copy.deepcopy(obj)
    entries = plain["metadata"].get("managedFields", [])
    for entry in entries:
        entry.pop("time", None)
    entries.sort(key=lambda entry: json.dumps(entry, sort_keys=True))
    return plain


@pytest.mark.parametrize("case", OWNERSHIP, ids=range(len(OWNERSHIP)))
def test_ownership_moves_as_in_kubernetes(case: dict[str, Any]) -> None:
    before = copy.deepcopy(case)
    if "update" in case:
        result = managed.update(
            case["live"], case["update"], SCHEMA, manager=case["manager"], **REQUEST
        )
    elif "error" in case:
        with pytest.raises(conflicts.Conflicts) as caught:
            apply.apply(
                case["live"], case["apply"], SCHEMA,
                manager=case["manager"], force=case["force"], **REQUEST,
            )  # fmt: skip
        assert sorted(str(caught.value).split("\n")) == sorted(case["error"].split("\n"))
        return
    else:
        result = apply.apply(
            case["live"], case["apply"], SCHEMA,
            manager=case["manager"], force=case["force"], **REQUEST,
        )  # fmt: skip
    assert timeless(result) == timeless(case["result"])
    assert case == before


@pytest.mark.parametrize("case", STRATEGIC, ids=range(len(STRATEGIC)))
def test_a_strategic_merge_patch_does_what_kubernetes_does(case: dict[str, Any]) -> None:
    before = copy.deepcopy(case)
    pod = builtin.structural(kinds.POD)
    if "error" in case:
        with pytest.raises(strategic.StrategicError):
            patches.strategic(case["object"], case["patch"], pod)
    else:
        patched = patches.strategic(case["object"], case["patch"], pod)
        assert settled(patched) == case["result"]
    assert case == before


def settled(value: Any) -> Any:
    """Drop what typed decoding drops: nulls and directives."""
    if isinstance(value, dict):
        return {
            key: settled(item)
            for key, item in value.items()
            if item is not None and not key.startswith("$")
        }
    return [settled(item) for item in value] if isinstance(value, list) else value
