"""Random sequences of calls about one kind of object, as hypothesis strategies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import strategies as st
from laws_calls import APPLY, JSON, MERGE, STRATEGIC
from laws_kinds import LETTER, SENTINELS, TEXT, Kind, optional, single

Object = dict[str, Any]

NAMES = ("one", "two")
MANAGERS = ("ann", "bob", "cyd")


@dataclass(frozen=True)
class Step:
    """One call. `version` and `uid` say which the caller gives: the object's, a wrong one, none."""

    verb: str
    name: str = ""
    body: Any = None
    content: str = "application/json"
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    sub: str = ""
    version: str = ""
    uid: str = ""


_METADATA = optional(
    labels=st.dictionaries(
        st.sampled_from(["app", "x/y", "Bad key"]), st.sampled_from(["a", "b", "?"]), max_size=2
    ),
    annotations=st.dictionaries(LETTER, TEXT, max_size=2),
    finalizers=st.lists(st.sampled_from(["law.test/a", "law.test/b", "bad"]), max_size=2),
)
_DRY = st.sampled_from([{}, {}, {}, {}, {"dryRun": "All"}])
_CHECKED = st.sampled_from([{}, {}, {"fieldValidation": "Strict"}, {"fieldValidation": "Ignore"}])
_VERSION = st.sampled_from(["", "", "own", "own", "wrong"])


@st.composite
def steps(draw: st.DrawFn, kind: Kind) -> Step:
    """Give one call."""
    make = draw(st.sampled_from(_MAKERS))
    name = draw(st.sampled_from(NAMES))
    query = {**draw(_DRY), "fieldManager": draw(st.sampled_from(MANAGERS))}
    return make(draw, kind, name, query)


def _object(draw: st.DrawFn, kind: Kind, name: str) -> Object:
    body: Object = draw(kind.body)
    if kind.plural in SENTINELS and draw(st.booleans()):
        good = SENTINELS[kind.plural]
        body = {"spec": {**good["spec"], **body["spec"]}}
    if kind.plural == "services":
        body = {**body, "spec": single(body["spec"])}
    metadata: Object = {"name": name, **draw(_METADATA)}
    obj: Object = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}
    if kind.status is not None and draw(st.sampled_from([False, False, True])):
        obj["status"] = draw(kind.status)
    return obj


def _create(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    obj = _object(draw, kind, name)
    return Step("create", name, obj, query={**query, **draw(_CHECKED)})


def _update(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    obj = _object(draw, kind, name)
    query = {**query, **draw(_CHECKED)}
    return Step("update", name, obj, query=query, version=draw(_VERSION))


def _apply(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    obj = _object(draw, kind, name)
    query = {**query, **draw(st.sampled_from([{}, {"force": "true"}])), **draw(_CHECKED)}
    return Step("patch", name, obj, APPLY, query)


def _merge(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    body: Object = draw(kind.body)
    metadata = draw(_METADATA)
    if draw(st.booleans()):
        metadata = {**metadata, draw(st.sampled_from(["labels", "finalizers"])): None}
    change: Object = {"metadata": metadata, **draw(st.sampled_from([{}, body]))}
    form = draw(st.sampled_from([MERGE, STRATEGIC] if kind.strategic else [MERGE]))
    return Step("patch", name, change, form, {**query, **draw(_CHECKED)})


_PATHS = (
    "/metadata/labels", "/metadata/labels/app", "/metadata/annotations/a", "/metadata/finalizers",
    "/metadata/finalizers/-", "/metadata/finalizers/0", "/data/a", "/spec/size", "/spec/tags/0",
    "/spec/replicas", "/spec/ports/0", "/spec/settings/a", "/metadata/name", "/nothing/here",
)  # fmt: skip


def _json(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    value = st.sampled_from(["a", 2, None, {"a": "b"}, ["law.test/a"], "law.test/b"])
    one = st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "test"]),
            "path": st.sampled_from(_PATHS),
        }
    )
    change = draw(st.lists(one, min_size=1, max_size=2))
    change = [each if each["op"] == "remove" else {**each, "value": draw(value)} for each in change]
    return Step("patch", name, change, JSON, query)


def _status(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    if kind.status is None:
        return _merge(draw, kind, name, query)
    status = draw(kind.status)
    how = draw(st.sampled_from([MERGE, APPLY, "update"]))
    head = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}
    if how == "update":
        body = {**_object(draw, kind, name), "status": status}
        return Step("update", name, body, query=query, sub="/status", version=draw(_VERSION))
    more = {"metadata": draw(_METADATA)} if draw(st.booleans()) else {}
    body = {**head, "status": status} if how == APPLY else {"status": status, **more}
    query = {**query, **({"force": "true"} if how == APPLY and draw(st.booleans()) else {})}
    return Step("patch", name, body, how, query, sub="/status")


def _delete(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    policy = draw(st.sampled_from(["", "", "Background", "Foreground", "Orphan", "Odd"]))
    body: Object = {"kind": "DeleteOptions", "apiVersion": "v1"}
    if policy:
        body["propagationPolicy"] = policy
    if "dryRun" in query:
        body["dryRun"] = ["All"]
    if draw(st.sampled_from([False, False, True])):
        body["gracePeriodSeconds"] = draw(st.sampled_from([0, 3]))
    known = st.sampled_from(["", "", "", "own", "wrong"])
    return Step("delete", name, body, version=draw(known), uid=draw(known))


def _collection(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    chosen = draw(
        st.sampled_from([{"labelSelector": "app=a"}, {"fieldSelector": f"metadata.name={name}"}])
    )
    return Step("deletecollection", query=chosen)


def _look(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    labels = st.sampled_from(["app in (a,b)", "!app", "app in"]).map(
        lambda it: ("labelSelector", it)
    )
    fields = st.sampled_from(["metadata.name!=one", "spec.nothing=1"])
    others = st.sampled_from([("limit", "1"), ("resourceVersion", "0")])
    chosen = st.one_of(labels, fields.map(lambda it: ("fieldSelector", it)), others)
    return Step("list", query=dict([draw(chosen)]))


_MAKERS = (
    _create, _create, _update, _update, _apply, _apply, _apply, _merge, _merge, _json, _status,
    _status, _delete, _delete, _collection, _look,
)  # fmt: skip


@st.composite
def sequences(draw: st.DrawFn, kind: Kind, longest: int = 12) -> list[Step]:
    """Give the calls of one example."""
    return draw(st.lists(steps(kind), min_size=2, max_size=longest))


def long(kind: Kind, seed: int, count: int) -> list[Step]:
    """Give as many calls as asked for, about the same few objects; the same for the same seed."""
    gathered: list[Step] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(sequences(kind))
    def gather(drawn: list[Step]) -> None:
        gathered.extend(drawn)

    gather()
    return gathered[:count]
