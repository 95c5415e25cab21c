"""Do the patches that name their changes do what their specifications say?"""

import copy
from typing import Any

import pytest

from ouranos.engine.apiserver.merge import patches

MERGE = {
    "a value replaces": ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    "a new key is added": ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    "null removes": ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    "a list is a value": ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    "a value gives way to a list": ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    "objects merge": ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    "lists do not merge": ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    "a list as the whole": (["a", "b"], ["c", "d"], ["c", "d"]),
    "an object becomes a list": ({"a": "b"}, ["c"], ["c"]),
    "null as the whole": ({"a": "foo"}, None, None),
    "null inside stays": ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    "a list becomes an object": ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    "nulls do not reach new objects": ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
}


@pytest.mark.parametrize(("old", "patch", "new"), MERGE.values(), ids=MERGE.keys())
def test_a_merge_patch(old: Any, patch: Any, new: Any) -> None:
    before = copy.deepcopy((old, patch))
    assert patches.merge_patch(old, patch) == new
    assert (old, patch) == before


def one(op: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": op, "path": path, **more}


JSON = {
    "add a member": ({"a": 1}, [one("add", "/b", value=2)], {"a": 1, "b": 2}),
    "add into a list": ([1, 3], [one("add", "/1", value=2)], [1, 2, 3]),
    "add at the end of a list": ([1], [one("add", "/-", value=2)], [1, 2]),
    "add the whole": ({"a": 1}, [one("add", "", value=[])], []),
    "remove a member": ({"a": 1, "b": 2}, [one("remove", "/a")], {"b": 2}),
    "remove an item": ([1, 2, 3], [one("remove", "/1")], [1, 3]),
    "replace a member": ({"a": 1}, [one("replace", "/a", value=2)], {"a": 2}),
    "replace an item": ([1, 2], [one("replace", "/0", value=9)], [9, 2]),
    "replace the whole": ({"a": 1}, [one("replace", "", value=2)], 2),
    "move": ({"a": {"b": 1}}, [one("move", "/c", **{"from": "/a/b"})], {"a": {}, "c": 1}),
    "copy": ({"a": [1]}, [one("copy", "/b", **{"from": "/a"})], {"a": [1], "b": [1]}),
    "replacing what is not there": ({}, [one("replace", "/a", value=1)], {"a": 1}),
    "escaped names": ({"a/b": 1, "m~n": 2}, [one("remove", "/a~1b")], {"m~n": 2}),
    "a test that holds": ({"a": [1, {"b": None}]}, [one("test", "/a/1/b", value=None)], ...),
    "a test of a missing member for null": ({"a": {}}, [one("test", "/a/b", value=None)], ...),
    "a test of the whole": ({"a": 1}, [one("test", "", value={"a": 1})], ...),
}


@pytest.mark.parametrize(("old", "ops", "new"), JSON.values(), ids=JSON.keys())
def test_a_json_patch(old: Any, ops: list[Any], new: Any) -> None:
    before = copy.deepcopy((old, ops))
    assert patches.json_patch(old, ops) == (old if new is ... else new)
    assert (old, ops) == before


WRONG = {
    "an operation that is none": ({}, ["add"]),
    "replacing in a scalar": ({"a": 1}, [one("replace", "/a/b", value=1)]),
    "an unknown operation": ({}, [one("frob", "/a")]),
    "no value": ({}, [one("add", "/a")]),
    "a path without a slash": ({}, [one("add", "a", value=1)]),
    "a path that is no text": ({}, [{"op": "remove", "path": 1}]),
    "a missing parent": ({}, [one("add", "/a/b", value=1)]),
    "a parent that is a scalar": ({"a": 1}, [one("add", "/a/b", value=1)]),
    "removing what is not there": ({}, [one("remove", "/a")]),
    "an index beyond the end": ([1], [one("add", "/5", value=1)]),
    "an index with a leading zero": ([1, 2], [one("remove", "/01")]),
    "an index that is no number": ([1], [one("remove", "/x")]),
    "a test that fails": ({"a": 1}, [one("test", "/a", value=2)]),
    "a test that takes true for one": ({"a": 1}, [one("test", "/a", value=True)]),
    "a test of another list": ({"a": [1]}, [one("test", "/a", value=[1, 2])]),
    "a move into itself": ({"a": {"b": 1}}, [one("move", "/a/b", **{"from": "/a"})]),
    "too many operations": ({}, [one("add", "/a", value=1)] * 10_001),
}


@pytest.mark.parametrize(("old", "ops"), WRONG.values(), ids=WRONG.keys())
def test_a_json_patch_that_cannot_be_applied_is_refused(old: Any, ops: list[Any]) -> None:
    before = copy.deepcopy(old)
    with pytest.raises(patches.PatchError):
        patches.json_patch(old, ops)
    assert old == before
