"""Which schemas may a CustomResourceDefinition hold, and what happens to its resources?"""

import copy
from typing import Any

import pytest

from ouranos.engine.apiserver.schema import builtin, structural
from ouranos.kit import kinds

Object = dict[str, Any]
PATH = "spec.validation.openAPIV3Schema.properties[spec].properties[a]"
TEXT: Object = {"type": "string"}


def schema(**fields: Object) -> Object:
    spec = {"type": "object", "properties": fields}
    return {"type": "object", "properties": {"spec": spec}}


def keyed(**more: Any) -> Object:
    item = {"type": "object", "properties": {"k": TEXT}, **more.pop("item", {})}
    return {
        "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
        "items": item, **more,
    }  # fmt: skip


def ruled(**rule: str) -> Object:
    return {**TEXT, "x-kubernetes-validations": [rule]}


REFUSED = {
    "no type": ({}, ".type: Required value: must not be empty for specified object fields"),
    "an unknown type": ({"type": "x"}, '.type: Unsupported value: "x"'),
    "a list of nothing": ({"type": "array"}, ".items: Required value: must be specified"),
    "a tuple": ({"type": "array", "items": [TEXT]}, ".items: Forbidden: items must be a schema"),
    "items without a type": ({"type": "array", "items": {}}, "must not be empty for specified arr"),
    "values without a type": (
        {"type": "object", "additionalProperties": {}},
        "must not be empty for specified additionalProperties",
    ),
    "properties and free keys": (
        {"type": "object", "properties": {"x": TEXT}, "additionalProperties": TEXT},
        ".additionalProperties: Forbidden: additionalProperties and properties are mutual",
    ),
    "unique items": (
        {"type": "array", "items": TEXT, "uniqueItems": True}, ".uniqueItems: Forbidden",
    ),
    "a reference": ({"type": "string", "$ref": "#/x"}, ".$ref: Forbidden: $ref is not supported"),
    "a key that is not declared": (
        keyed(**{"x-kubernetes-list-map-keys": ["z"]}), "entries must all be names of item",
    ),
    "a key that may be absent": (keyed(), "so it must have a default or be a required property"),
    "a list by key without keys": (
        keyed(**{"x-kubernetes-list-map-keys": []}), "must not be empty if x-kubernetes-list-type",
    ),
    "a list by key of texts": ({**keyed(), "items": TEXT}, "must be object if parent array's"),
    "keys of a plain list": (
        {"type": "array", "items": TEXT, "x-kubernetes-list-map-keys": ["k"]},
        "must not be set if x-kubernetes-list-type is not map",
    ),
    "an unknown list type": (
        {"type": "array", "items": TEXT, "x-kubernetes-list-type": "q"}, 'Unsupported value: "q"',
    ),
    "an unknown map type": (
        {"type": "object", "x-kubernetes-map-type": "q"}, 'Unsupported value: "q"',
    ),
    "a list type on a text": (
        {"type": "string", "x-kubernetes-list-type": "set"}, "must be array if x-kubernetes-list",
    ),
    "a type below anyOf": (
        {"type": "object", "properties": {"x": TEXT}, "anyOf": [{"properties": {"x": TEXT}}]},
        ".anyOf[0].properties[x].type: Forbidden: must be empty to be structural",
    ),
    "a field only below anyOf": (
        {"type": "object", "anyOf": [{"properties": {"x": {"minLength": 1}}}]},
        ".properties[x]: Required value: because it is defined in",
    ),
    "a default below not": (
        {"type": "string", "not": {"default": "x"}}, "must be undefined to be structural",
    ),
    "a nested type below allOf": (
        {"type": "array", "items": TEXT, "allOf": [{"items": TEXT, "allOf": [{}], "not": {}}]},
        ".allOf[0].items.type: Forbidden",
    ),
    "a default of the wrong type": ({"type": "string", "default": 5}, ".default: Invalid value"),
    "a default with a stranger": (
        {"type": "object", "default": {"x": 1}}, "must not have unknown fields",
    ),
    "a default inside that does not fit": (
        {"type": "object", "properties": {"x": TEXT}, "default": {"x": 1}}, ".default.x: Invalid",
    ),
    "a pattern that is none": ({"type": "string", "pattern": "("}, "must be a valid regular"),
    "an embedded text": (
        {"type": "string", "x-kubernetes-embedded-resource": True}, "must be object if",
    ),
    "an empty embedded resource": (
        {"type": "object", "x-kubernetes-embedded-resource": True}, ".properties: Required value",
    ),
    "a number or text with a type": (
        {"type": "string", "x-kubernetes-int-or-string": True}, "must be empty if x-kubernetes-int",
    ),
    "preservation that is false": (
        {"type": "object", "x-kubernetes-preserve-unknown-fields": False}, "must be true or",
    ),
    "an empty rule": (
        {"type": "string", "x-kubernetes-validations": [{"rule": " "}]}, "rule is not specified",
    ),
    "an empty message": (
        {"type": "string", "x-kubernetes-validations": [{"rule": "true", "message": " "}]},
        "message must be non-empty if specified",
    ),
    "a message of two lines": (
        {"type": "string", "x-kubernetes-validations": [{"rule": "true", "message": "a\nb"}]},
        "must not contain line breaks",
    ),
    "an unknown reason": (
        {"type": "string", "x-kubernetes-validations": [{"rule": "true", "reason": "X"}]},
        'Unsupported value: "X"',
    ),
    "a rule of a number": (
        {"type": "string", "x-kubernetes-validations": [{"rule": "1"}]}, "must evaluate to a bool",
    ),
    "a message that is a number": (
        ruled(rule="true", messageExpression="1"),
        "messageExpression must evaluate to a string",
    ),
    "a message that does not compile": (
        ruled(rule="true", messageExpression="("),
        ".messageExpression: Invalid value",
    ),
    "an old value in a list without keys": (
        {
            "type": "array",
            "items": {**TEXT, "x-kubernetes-validations": [{"rule": "self == oldSelf"}]},
        },
        "oldSelf cannot be used on the uncorrelatable portion of the schema within",
    ),
    "a rule below free keys that does not compile": (
        {
            "type": "object",
            "additionalProperties": {**TEXT, "x-kubernetes-validations": [{"rule": "x"}]},
        },
        ".additionalProperties.x-kubernetes-validations[0].rule: Invalid value",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("part", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_a_schema_that_is_not_structural_is_refused(part: Object, said: str) -> None:
    with pytest.raises(structural.SchemaError) as caught:
        structural.Structural.parse(schema(a=part))
    assert any(
        str(cause).startswith(PATH) and said in str(cause) for cause in caught.value.causes
    ), str(caught.value)


ROOTS = {
    "a text": ({"type": "string"}, "must be object at the root"),
    "nothing": ({}, "must not be empty at the root"),
    "null": ({"type": "object", "nullable": True}, "nullable cannot be true at the root"),
    "labels": (
        {
            "type": "object",
            "properties": {"metadata": {"type": "object", "properties": {"labels": TEXT}}},
        },
        "must not specify anything other than name and generateName",
    ),
}


@pytest.mark.parametrize(("root", "said"), ROOTS.values(), ids=ROOTS.keys())
def test_a_root_that_is_no_object_is_refused(root: Object, said: str) -> None:
    with pytest.raises(structural.SchemaError, match=said):
        structural.Structural.parse(root)


def thing(**spec: Any) -> Object:
    return {"apiVersion": "g/v1", "kind": "Thing", "metadata": {"name": "thing"}, "spec": spec}


def test_metadata_is_pruned_as_every_objects_metadata() -> None:
    obj = thing()
    obj["metadata"] |= {"labels": {"a": "b"}, "bogus": 1}
    assert structural.Structural.parse(schema()).prune(obj) == ["metadata.bogus"]
    assert obj["metadata"] == {"name": "thing", "labels": {"a": "b"}}


def test_a_names_pattern_in_the_schema_holds() -> None:
    root = schema()
    name = {"type": "string", "maxLength": 3}
    root["properties"]["metadata"] = {"type": "object", "properties": {"name": name}}
    (cause,) = structural.Structural.parse(root).validate(thing())
    assert str(cause) == "metadata.name: Too long: may not be more than 3 bytes"


def test_what_is_preserved_is_kept_but_what_is_declared_inside_is_pruned() -> None:
    free = {
        "type": "object", "x-kubernetes-preserve-unknown-fields": True,
        "properties": {"known": {"type": "object", "properties": {"x": TEXT}}},
    }  # fmt: skip
    obj = thing(a={"stranger": {"y": 1}, "known": {"x": "1", "y": 1}})
    assert structural.Structural.parse(schema(a=free)).prune(obj) == ["spec.a.known.y"]
    assert obj["spec"] == {"a": {"stranger": {"y": 1}, "known": {"x": "1"}}}


def test_defaults_fill_nested_objects_lists_and_maps() -> None:
    item = {"type": "object", "properties": {"x": {**TEXT, "default": "d"}}}
    parsed = structural.Structural.parse(
        schema(
            a={**item, "default": {}},
            b={"type": "array", "items": item},
            c={"type": "object", "additionalProperties": item},
            d={"type": "array", "items": {**TEXT, "default": "i"}},
            e={"type": "object", "additionalProperties": {**TEXT, "default": "v"}},
            f={**TEXT, "nullable": True, "default": "n"},
        )
    )
    obj = thing(b=[{}], c={"k": {}}, d=[None, "x"], e={"k": None}, f=None, a=None)
    parsed.default(obj)
    assert obj["spec"] == {
        "a": {"x": "d"}, "b": [{"x": "d"}], "c": {"k": {"x": "d"}}, "d": ["i", "x"],
        "e": {"k": "v"}, "f": None,
    }  # fmt: skip


def test_defaults_are_not_shared_between_objects() -> None:
    parsed = structural.Structural.parse(
        schema(a={"type": "array", "items": TEXT, "default": ["x"]})
    )
    first, second = thing(), thing()
    parsed.default(first)
    parsed.default(second)
    first["spec"]["a"].append("y")
    assert second["spec"]["a"] == ["x"]


def test_what_was_wrong_before_does_not_forbid_other_changes() -> None:
    parsed = structural.Structural.parse(
        schema(
            a={"type": "string", "maxLength": 2},
            b=TEXT,
            c={**keyed(item={"required": ["k"]}), "x-kubernetes-validations": [{"rule": "false"}]},
        )
    )
    old = thing(a="too long", b="x", c=[{"k": "1"}])
    new = thing(a="too long", b="y", c=[{"k": "1"}])
    assert [each.field for each in parsed.validate(new)] == ["spec.a", "<nil>"]
    assert parsed.validate_update(new, old) == []
    found = parsed.validate_update(thing(a="longer still"), old)
    assert [each.field for each in found] == ["spec.a", "<nil>"]


def test_an_item_of_a_list_by_key_is_compared_with_its_own_past() -> None:
    item = {
        "required": ["k"],
        "properties": {
            "k": TEXT,
            "v": {"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]},
        },
    }
    parsed = structural.Structural.parse(schema(a=keyed(item=item)))
    old = thing(a=[{"k": "x", "v": 2}, {"k": "y", "v": 5}])
    new = thing(a=[{"k": "y", "v": 4}, {"k": "x", "v": 3}, {"k": "z", "v": 0}])
    (cause,) = parsed.validate_update(new, old)
    assert str(cause) == "spec.a[0].v: Invalid value: 4: failed rule: self >= oldSelf"


def test_a_message_that_cannot_be_computed_gives_way_to_the_plain_one() -> None:
    rule = {"rule": "false", "messageExpression": "self[9]", "message": "plain"}
    texts = {"type": "array", "items": TEXT, "x-kubernetes-validations": [rule]}
    parsed = structural.Structural.parse(schema(a=texts))
    (cause,) = parsed.validate(thing(a=[]))
    assert str(cause) == "spec.a: Invalid value: plain"


def test_a_rule_at_the_root_names_no_field() -> None:
    root = schema(a=TEXT)
    root["x-kubernetes-validations"] = [
        {"rule": "self.metadata.name == 'x'", "fieldPath": ".spec.a"},
        {"rule": "has(self.spec.a)", "message": "needed", "reason": "FieldValueRequired"},
    ]
    found = structural.Structural.parse(root).validate(thing())
    assert [str(cause) for cause in found] == [
        "spec.a: Invalid value: failed rule: self.metadata.name == 'x'",
        "<nil>: Required value: needed",
    ]


def definition(**spec: Any) -> Object:
    version = {
        "name": "v1", "served": True, "storage": True,
        "schema": {"openAPIV3Schema": schema(a=TEXT)},
    }  # fmt: skip
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [version],
            **spec,
        },
    }


def judged(obj: Object, old: Object | None = None) -> list[str]:
    parsed = builtin.structural(kinds.CUSTOM_RESOURCE_DEFINITION)
    parsed.default(obj)
    if old is None:
        return [str(cause) for cause in parsed.validate(obj)]
    parsed.default(old)
    return [str(cause) for cause in parsed.validate_update(obj, old)]


def test_a_definition_gets_its_names() -> None:
    obj = definition()
    assert judged(obj) == []
    assert obj["spec"]["names"] == {
        "plural": "things", "kind": "Thing", "singular": "thing", "listKind": "ThingList",
    }  # fmt: skip


def test_a_definition_that_contradicts_itself_is_refused() -> None:
    wrong = definition(group="nodots", scope="World", versions=[])
    wrong["spec"]["names"]["listKind"] = "Thing"
    said = "\n".join(judged(wrong))
    for part in (
        'metadata.name: Invalid value: "things.example.org": must be spec.names.plural',
        'spec.group: Invalid value: "nodots": should be a domain with at least one dot',
        'spec.scope: Unsupported value: "World"',
        "kind and listKind may not be the same",
        "must have exactly one version marked as storage version",
    ):
        assert part in said
    assert "spec.group: Required value" in "\n".join(judged(definition(group="")))


def test_a_definitions_versions_are_checked_one_by_one() -> None:
    obj = definition()
    first = obj["spec"]["versions"][0]
    second = {**copy.deepcopy(first), "storage": False, "schema": {"openAPIV3Schema": {}}}
    third = {"name": "V3", "served": True, "storage": False}
    obj["spec"]["versions"] += [second, third]
    said = "\n".join(judged(obj))
    assert "spec.versions[1].schema.openAPIV3Schema.type: Required value" in said
    assert "spec.versions[2].schema.openAPIV3Schema: Required value" in said
    assert 'spec.versions[2].name: Invalid value: "V3"' in said
    assert "must contain unique version names" in said


def test_a_definitions_kind_and_scope_stay() -> None:
    new = definition(scope="Cluster")
    new["spec"]["names"]["kind"] = "Other"
    said = "\n".join(judged(new, definition()))
    assert 'spec.scope: Invalid value: "Cluster": field is immutable' in said
    assert 'spec.names.kind: Invalid value: "Other": field is immutable' in said
