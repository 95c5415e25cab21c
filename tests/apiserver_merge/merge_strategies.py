"""Random objects of a kind that has every way of sharing: sets, lists by key, maps, atoms."""

from typing import Any

from hypothesis import strategies as st

from ouranos.engine.apiserver.schema import structural

TEXT: dict[str, Any] = {"type": "string"}
SCHEMA = structural.Structural.parse(
    {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "text": TEXT,
                    "number": {"type": "integer"},
                    "set": {"type": "array", "x-kubernetes-list-type": "set", "items": TEXT},
                    "whole": {"type": "array", "items": TEXT},
                    "entries": {
                        "type": "array",
                        "x-kubernetes-list-type": "map",
                        "x-kubernetes-list-map-keys": ["key"],
                        "items": {
                            "type": "object",
                            "required": ["key"],
                            "properties": {"key": TEXT, "value": {"type": "integer"}},
                        },
                    },
                    "map": {"type": "object", "additionalProperties": TEXT},
                    "atom": {
                        "type": "object",
                        "x-kubernetes-map-type": "atomic",
                        "additionalProperties": TEXT,
                    },
                    "deep": {
                        "type": "object",
                        "properties": {"text": TEXT, "number": {"type": "integer"}},
                    },
                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                },
            },
            "status": {"type": "object", "properties": {"text": TEXT}},
        },
    },
    has_status=True,
)

words = st.sampled_from("abc")
numbers = st.integers(0, 2)
maps = st.dictionaries(words, words, max_size=3)
json = st.recursive(
    st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=5,
)


def entry(key: str, value: int | None) -> dict[str, Any]:
    return {"key": key} if value is None else {"key": key, "value": value}


entries = st.lists(
    st.builds(entry, words, st.none() | numbers), max_size=3, unique_by=lambda one: one["key"]
)
specs = st.fixed_dictionaries(
    {},
    optional={
        "text": words,
        "number": numbers,
        "set": st.lists(words, max_size=3, unique=True),
        "whole": st.lists(words, max_size=2),
        "entries": entries,
        "map": maps,
        "atom": maps,
        "deep": st.fixed_dictionaries({}, optional={"text": words, "number": numbers}),
        "free": st.dictionaries(words, json, max_size=2),
    },
)


def thing(spec: dict[str, Any], labels: dict[str, str] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "thing", "namespace": "here"}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "g/v1", "kind": "Thing", "metadata": metadata, "spec": spec}


things = st.builds(thing, specs, maps)
