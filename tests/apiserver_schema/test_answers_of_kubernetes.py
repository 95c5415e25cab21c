"""Do we default, prune and refuse as Kubernetes does, in its words? Its recorded answers say so."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ouranos.engine.apiserver.schema import builtin, structural
from ouranos.kit import kinds

GOLDEN = Path(__file__).parents[1] / "golden" / "apiserver"
HEAD, *RULES = [json.loads(line) for line in (GOLDEN / "rules.jsonl").read_text().splitlines()]
BUILTIN = [json.loads(line) for line in (GOLDEN / "builtin.jsonl").read_text().splitlines()]


def custom(spec: Any) -> dict[str, Any]:
    return {"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"}, "spec": spec}


def said(at: int, case: dict[str, Any]) -> str:
    return f"{at} {case.get('rule', {}).get('rule', '') or json.dumps(case['spec'])}"[:70]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=said(at, case)) for at, case in enumerate(RULES)]
)
def test_a_custom_resource_is_treated_as_kubernetes_treats_it(case: dict[str, Any]) -> None:
    schema = copy.deepcopy(HEAD["schema"])
    schema["properties"]["spec"]["x-kubernetes-validations"] = (
        [case["rule"]] if "rule" in case else []
    )
    if case.get("refused"):
        with pytest.raises(structural.SchemaError):
            structural.Structural.parse(schema)
        return
    parsed = structural.Structural.parse(schema)
    obj = custom(copy.deepcopy(case["spec"]))
    unknown = parsed.prune(obj)
    parsed.default(obj)
    old = case.get("old")
    found = parsed.validate(obj) if old is None else parsed.validate_update(obj, custom(old))
    # Kubernetes says this where it calls its validation, which is where these answers are from.
    found = [one for one in found if "some validation rules were not checked" not in one.message]
    assert sorted([one.reason, one.field, one.message] for one in found) == sorted(case["causes"])
    assert sorted(unknown) == sorted(case.get("unknown", []))
    assert obj.get("spec") == case["result"]


def filled(value: Any) -> Any:
    """Drop what Go's encoding drops: empty values of every type."""
    if isinstance(value, dict):
        kept = {key: filled(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item}
    return [filled(item) for item in value] if isinstance(value, list) else value


def named(at: int, case: dict[str, Any]) -> str:
    causes = " ".join(field for _, field, _ in case["causes"])
    return f"{at} {case['object']['kind']} {causes}"[:70]


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=named(at, case)) for at, case in enumerate(BUILTIN)]
)
def test_a_built_in_object_is_treated_as_kubernetes_treats_it(case: dict[str, Any]) -> None:
    schema = builtin.structural(kinds.of(case["object"]))
    obj = copy.deepcopy(case["object"])
    assert schema.prune(obj) == []
    schema.default(obj)
    if "old" in case:
        old = copy.deepcopy(case["old"])
        schema.default(old)
        found = schema.validate_update(obj, old)
    else:
        found = schema.validate(obj)
    shown = sorted([one.reason, one.field, one.message.split("\n")[0]] for one in found)
    assert shown == case["causes"]
    if "result" in case:
        assert filled(obj) == filled(case["result"])
