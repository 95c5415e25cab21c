"""Is a schema that was read once shared, and never with one that means something else?"""

import copy
from typing import Any

import pytest

from ouranos.engine.apiserver.schema import once, structural

RULE = {"rule": "self.size > 0", "message": "too small"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"size": {"type": "integer", "default": 1}},
            "x-kubernetes-validations": [RULE],
        },
        "status": {"type": "object"},
    },
}


def test_the_same_schema_is_read_once_and_another_anew() -> None:
    read = once.parse(SCHEMA, has_status=True)
    assert once.parse(copy.deepcopy(SCHEMA), has_status=True) is read
    other = once.parse(SCHEMA, has_status=False)
    assert (read.has_status, other.has_status) == (True, False)
    changed = copy.deepcopy(SCHEMA)
    changed["properties"]["spec"]["properties"]["size"]["default"] = 2
    obj: dict[str, Any] = {"spec": {}}
    once.parse(changed, has_status=True).default(obj)
    assert obj == {"spec": {"size": 2}}


def test_who_changes_what_was_read_changes_no_schema() -> None:
    given = copy.deepcopy(SCHEMA)
    read = once.parse(given, has_status=True)
    given["properties"]["spec"]["properties"]["size"]["default"] = 3
    obj: dict[str, Any] = {"spec": {}}
    read.default(obj)
    assert obj == {"spec": {"size": 1}}


def test_a_schema_that_is_refused_is_refused_again_where_it_stands() -> None:
    wrong = copy.deepcopy(SCHEMA)
    wrong["properties"]["spec"]["x-kubernetes-validations"] = [{"rule": "self.size >"}]
    for path in ("spec.validation.openAPIV3Schema", "spec.versions[1].schema.openAPIV3Schema"):
        with pytest.raises(structural.SchemaError) as caught:
            once.parse(wrong, has_status=True, path=path)
        (cause,) = caught.value.causes
        assert cause.field == f"{path}.properties[spec].x-kubernetes-validations[0].rule"
