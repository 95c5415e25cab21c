"""Kinds of Ouranos for random calls: what may stand in their objects is read off their CRDs."""

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st
from laws_kinds import Kind

Object = dict[str, Any]
Some = st.SearchStrategy[Any]

_DEFINITIONS = Path(__file__).parents[2] / "deploy" / "crds"
_TEXTS = (
    "one", "two", "a", "2026.1", "2026.2", "10Gi", "64Mi", "10.0.0.0/24", "10.0.0.5/24",
    "0.0.0.0/8", "Düdingen", "a_b", "a-b", "Bad Name", "line\nbreak", "",
)  # fmt: skip
_SENTINELS: dict[str, Object] = {
    "databases": {
        "mariadbRef": {"name": "one"}, "database": "a", "secretRef": {"name": "a"},
    },
    "hypervisors": {"nodeName": "end"},
    "clouds": {
        "release": "2026.2", "region": "one", "services": {"keystone": {}},
    },
}  # fmt: skip


def definition(plural: str) -> Object:
    """Give the CustomResourceDefinition of a kind."""
    return yaml.safe_load((_DEFINITIONS / f"{plural}.ouranos.cloud.yaml").read_text("utf-8"))


def definitions() -> list[Object]:
    """Give those of all kinds that are compared."""
    return [definition(plural) for plural in _SENTINELS]


def _of(schema: Object) -> Some:
    """Give values of a schema, some of which it refuses."""
    match schema.get("type", ""):
        case "object":
            return _object(schema)
        case "array":
            return st.lists(_of(schema["items"]), max_size=2)
        case "integer" | "number":
            numbers = [schema.get(key) for key in ("default", "minimum", "maximum")]
            known = [number for number in numbers if number is not None]
            return st.sampled_from([*known, *known, 1, 2, 3, *(one + 1 for one in known), "1"])
        case "boolean":
            return st.booleans()
        case _:
            words = schema.get("enum") or _TEXTS
            known = [schema["default"]] if "default" in schema else []
            return st.sampled_from([*known, *words, *words, "odd", 3])


def _object(schema: Object) -> Some:
    values = schema.get("additionalProperties")
    if isinstance(values, dict):
        return st.dictionaries(st.sampled_from(["a", "b"]), _of(values), max_size=2)
    properties = {key: _of(one) for key, one in schema.get("properties", {}).items()}
    needed = {key: properties.pop(key) for key in schema.get("required", ())}
    return st.fixed_dictionaries(needed, optional=properties)


def _specs(plural: str, schema: Object) -> Some:
    """Give specs: good ones, good ones with one other part, and any."""
    good, every = _SENTINELS[plural], _of(schema)
    near = every.flatmap(
        lambda spec: st.sampled_from([{**good, key: one} for key, one in spec.items()] or [good])
    )
    named = st.sampled_from(["one", "two"]).map(lambda name: {**good, "nodeName": name})
    known = named if plural == "hypervisors" else st.just(good)
    return st.one_of(known, near, near, every)


def _kind(plural: str) -> Kind:
    read = definition(plural)["spec"]
    properties = read["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    return Kind(
        f"{read['group']}/{read['versions'][0]['name']}",
        read["names"]["kind"],
        plural,
        st.fixed_dictionaries({"spec": _specs(plural, properties["spec"])}),
        st.just({"observedGeneration": 1}) if "status" in properties else None,
        strategic=False,
        last={"spec": _SENTINELS[plural]},
    )


KINDS = tuple(_kind(plural) for plural in _SENTINELS)
