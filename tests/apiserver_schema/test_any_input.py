"""Nothing that a client may send makes a schema fail: it is refused, or accepted."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ouranos.engine.apiserver.merge import apply, managed, typed
from ouranos.engine.apiserver.schema import builtin
from ouranos.kit import kinds

BUILT_IN = [kind for kind in kinds.known() if kind.group != "ouranos.cloud"]
GOOD: dict[str, dict[str, Any]] = {
    "Pod": {
        "containers": [
            {
                "name": "a", "image": "b:1", "ports": [{"containerPort": 80, "name": "http"}],
                "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}],
                "livenessProbe": {"httpGet": {"port": 80}},
                "lifecycle": {"preStop": {"exec": {"command": ["x"]}}},
                "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": 1}},
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
            }
        ],
        "volumes": [
            {"name": "v", "secret": {"secretName": "s", "items": [{"key": "a", "path": "b"}]}},
            {"name": "p", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            {"name": "e", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        ],
        "hostNetwork": True,
    },
    "Service": {"type": "LoadBalancer", "ports": [{"port": 80}], "sessionAffinity": "ClientIP"},
    "Deployment": {"selector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
    "StatefulSet": {"volumeClaimTemplates": [{"spec": {}}], "updateStrategy": {"type": "OnDelete"}},
    "Job": {"podFailurePolicy": {"rules": [{"onPodConditions": [{"type": "x"}]}]}},
    "CronJob": {"schedule": "@daily", "jobTemplate": {"spec": {"template": {"spec": {}}}}},
}  # fmt: skip

scalars = (
    st.none() | st.booleans() | st.integers(-2, 70000) | st.floats(-1, 2) | st.text(max_size=4)
)
json = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=4,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Name every place in a value."""
    found = [way] if way else []
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*way, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*way, index))
    return found


def replaced(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    if not way:
        return new
    changed = copy.copy(value)
    changed[way[0]] = replaced(changed[way[0]], way[1:], new)
    return changed


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.kind)
@given(data=st.data())
@settings(max_examples=25)
def test_a_built_in_object_of_any_shape_is_judged(kind: kinds.Kind, data: st.DataObject) -> None:
    schema = builtin.structural(kind)
    obj: dict[str, Any] = {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {"name": "a", "uid": "1", "labels": {"a": "b"}, "ownerReferences": [{}]},
        "spec": copy.deepcopy(GOOD.get(kind.kind, {})),
        "status": {},
        "data": {},
    }
    schema.prune(obj)
    for way in data.draw(st.lists(st.sampled_from(places(obj)), max_size=2)):
        if way in places(obj):
            obj = replaced(obj, way, data.draw(json))
    old = copy.deepcopy(obj)
    schema.prune(obj)
    schema.default(obj)
    found = schema.validate(obj)
    schema.validate_update(obj, obj)
    assert all(cause.field and cause.reason and cause.message for cause in found)
    with contextlib.suppress(typed.Untypable):
        apply.apply(
            None, old, schema, manager="a", force=True, subresource="",
            api_version=kind.api_version, time="T",
        )  # fmt: skip
    if not found:
        managed.update(
            None, obj, schema, manager="a", subresource="", api_version=kind.api_version, time="T"
        )
