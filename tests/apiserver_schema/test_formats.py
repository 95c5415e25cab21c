"""Which texts are of which format, and how fields are named in rules."""

import pytest

from ouranos.engine import quantities
from ouranos.engine.apiserver.schema import formats, structural, validation

GOOD = {
    "date-time": ["2020-01-02T03:04:05Z", "2020-01-02t03:04:05.678+01:00"],
    "date": ["2020-02-29"],
    "duration": ["1h30m", "1.5s", "3 days", "0"],
    "byte": ["", "YQ=="],
    "ipv4": ["1.2.3.4"],
    "ipv6": ["::1"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "hostname": ["a.example.org", "A-1"],
    "email": ["a@b"],
    "mac": ["00:11:22:33:44:55"],
    "uri": ["https://example.org/x", "/x"],
    "uuid": ["123e4567-e89b-12d3-a456-426614174000"],
    "uuid4": ["123e4567-e89b-42d3-a456-426614174000"],
    "k8s-short-name": ["a-b"],
    "k8s-long-name": ["a.b"],
}
BAD = {
    "date-time": ["2020-01-02", "2020-13-02T03:04:05Z"],
    "date": ["2020-02-30"],
    "duration": ["1x", "h"],
    "byte": ["a", "!"],
    "ipv4": ["::1", "1.2.3"],
    "ipv6": ["1.2.3.4"],
    "cidr": ["10.0.0.0/33"],
    "hostname": ["-a", "a..b"],
    "email": ["a"],
    "mac": ["00:11"],
    "uri": ["x", "http://[x"],
    "uuid": ["x"],
    "uuid3": ["123e4567-e89b-42d3-a456-426614174000"],
    "uuid5": ["x"],
    "k8s-short-name": ["a.b", "A"],
    "k8s-long-name": ["-"],
}


@pytest.mark.parametrize("name", GOOD)
def test_texts_of_a_format(name: str) -> None:
    assert all(map(formats.CHECKS[name], GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_texts_that_are_not_of_a_format(name: str) -> None:
    assert not any(map(formats.CHECKS[name], BAD[name]))


def test_amounts_are_compared_across_suffixes() -> None:
    assert quantities.parse("1Ki") == 1024
    assert quantities.parse("500m") == quantities.parse(".5")
    assert quantities.parse("1e3") == quantities.parse("1k")
    assert quantities.parse("-1.") == -1
    assert quantities.parse("1KiB") is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        *(("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("512Ki", "512Ki"), ("0Mi", "0")),
        *(("0.5", "500m"), ("1000m", "1"), ("12000", "12k"), ("0.0001m", "100n")),
        *(("1500e3", "1500e3"), ("1e4", "10e3"), ("-1024Mi", "-1Gi"), ("half", "half")),
    ],
)
def test_a_quantity_has_one_way_to_be_written(given: str, told: str) -> None:
    assert quantities.canonical(given) == told
    assert quantities.canonical(told) == told


def test_a_path_is_written_with_indices_and_keys() -> None:
    path = ((((None, "spec"), "list"), 0), validation.Key("a.b"))
    assert validation.rendered_path(path) == "spec.list[0][a.b]"
    assert validation.rendered_path(None) == ""


FIELDS = {"a-b": "__dash__", "a.b": "__dot__", "a/b": "__slash__", "a__b": "__underscores__"}


@pytest.mark.parametrize(("field", "escape"), FIELDS.items())
def test_a_field_that_is_no_name_is_escaped_in_rules(field: str, escape: str) -> None:
    rule = {"rule": f"self.a{escape}b == 'x'"}
    part = {"type": "object", "properties": {field: {"type": "string"}}}
    root = {
        "type": "object",
        "properties": {"spec": {**part, "x-kubernetes-validations": [rule]}},
    }
    parsed = structural.Structural.parse(root)
    obj = {"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"}, "spec": {field: "x"}}
    assert parsed.validate(obj) == []


def test_a_field_that_is_a_keyword_is_escaped_in_rules() -> None:
    part = {"type": "object", "properties": {"namespace": {"type": "string"}}}
    rule = {"rule": "self.__namespace__ == 'x'"}
    root = {
        "type": "object",
        "properties": {"spec": {**part, "x-kubernetes-validations": [rule]}},
    }
    assert structural.Structural.parse(root)


KEYED = {
    "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
    "items": {
        "type": "object", "required": ["k"],
        "properties": {"k": {"type": "string"}, "v": {"type": "integer"}},
    },
}  # fmt: skip


ONE, TWO, OTHER = {"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 9}


@pytest.mark.parametrize(
    ("rule", "new", "holds"),
    [
        ("self.a == oldSelf.a", [TWO, ONE], True),
        ("self.a == oldSelf.a", [TWO, OTHER], False),
        ("self.a != oldSelf.a", [TWO], True),
        ("self.a + oldSelf.a == oldSelf.a", [TWO], True),
        ("oldSelf.a + self.a == oldSelf.a", [OTHER], False),
        ("self.a == dyn(1)", [TWO], False),
    ],
)
def test_a_list_by_key_is_compared_and_joined_by_its_keys(
    rule: str, new: list[object], *, holds: bool
) -> None:
    spec = {
        "type": "object", "properties": {"a": KEYED, "b": {"type": "string"}},
        "x-kubernetes-validations": [{"rule": rule}],
    }  # fmt: skip
    parsed = structural.Structural.parse({"type": "object", "properties": {"spec": spec}})
    head = {"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"}}
    obj = {**head, "spec": {"a": new, "b": "changed"}}
    assert (parsed.validate_update(obj, {**head, "spec": {"a": [ONE, TWO]}}) == []) is holds


FORMATTED = {
    "type": "object",
    "properties": {
        "time": {"type": "string", "format": "date-time", "nullable": True},
        "day": {"type": "string", "format": "date"},
        "span": {"type": "string", "format": "duration"},
        "bytes": {"type": "string", "format": "byte"},
        "number": {"type": "number"},
        "spans": {"type": "array", "items": {"type": "string", "format": "duration"}},
        "by": {"type": "object", "additionalProperties": {"type": "number"}},
    },
    "x-kubernetes-validations": [
        {"rule": "self.time > timestamp('2020-01-01T00:00:00Z')"},
        {"rule": "self.day.getDayOfMonth() == 1"},
        {"rule": "self.span < duration('2h') && self.spans[0] == duration('60s')"},
        {"rule": "self.bytes == b'a' && self.number == 1.0"},
        {"rule": "self.spans.all(one, one > duration('1s'))"},
        {"rule": "self.by['a'] == 2.0 && self.by.all(k, v, v > 1.0) && self.?by[?'a'].hasValue()"},
        {"rule": "self.?span.value() == duration('1h') && self.spans.map(s, s)[?0].hasValue()"},
    ],
}


def test_formats_have_their_types_in_rules() -> None:
    root = {"type": "object", "properties": {"spec": FORMATTED}}
    spec = {
        "time": "2020-01-02T00:00:00Z", "day": "2020-01-02", "span": "1h", "bytes": "YQ==",
        "number": 1, "spans": ["1m"], "by": {"a": 2},
    }  # fmt: skip
    obj = {"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "n"}, "spec": spec}
    assert [str(one) for one in structural.Structural.parse(root).validate(obj)] == []
