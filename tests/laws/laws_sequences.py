"""Random sequences of calls about one kind of object, as hypothesis strategies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import laws_gadget
from hypothesis import strategies as st

Object = dict[str, Any]
Some = st.SearchStrategy[Any]

NAMES = ("one", "two")
MANAGERS = ("ann", "bob", "cyd")
MERGE, JSON = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC, APPLY = "application/strategic-merge-patch+json", "application/apply-patch+yaml"


@dataclass(frozen=True)
class Kind:
    """One kind, and what may stand in its objects."""

    api_version: str
    kind: str
    plural: str
    body: Some
    status: Some | None = None
    strategic: bool = True

    def path(self, namespace: str) -> str:
        prefix = "/apis" if "/" in self.api_version else "/api"
        return f"{prefix}/{self.api_version}/namespaces/{namespace}/{self.plural}"

    def sentinel(self) -> Object:
        """Give an object that is always accepted."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": "end"},
            **SENTINELS.get(self.plural, {}),
        }


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


def optional(**entries: Some) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=entries)


def lists(of: Some, most: int = 3) -> Some:
    return st.lists(of, max_size=most)


_LETTER = st.sampled_from(["a", "b", "c"])
_TEXT = st.sampled_from(["", "x", "y", "Z z"])
_PORT = optional(
    port=st.sampled_from([80, 81, 0, "http"]),
    protocol=st.sampled_from(["TCP", "UDP", "SCTP"]),
    name=st.sampled_from(["web", "too-long"]),
)
_GADGET = optional(
    size=st.sampled_from([0, 1, 5, 10, 11, "3", None, 1.5]),
    colour=st.sampled_from(["red", "green", "blue", None]),
    note=st.sampled_from(["n", "", None]),
    empty=st.sampled_from(["e", None]),
    port=st.sampled_from([1, "http", True]),
    free=st.sampled_from([{}, {"a": {"b": [1, None]}}, {"x": None}]),
    when=st.sampled_from(["2026-01-02T03:04:05Z", "yesterday"]),
    ports=lists(_PORT),
    tags=lists(_LETTER),
    words=lists(_LETTER),
    settings=st.dictionaries(_LETTER, st.sampled_from(["1", "2", None, 3]), max_size=2),
    fixed=st.dictionaries(_LETTER, _TEXT, max_size=2),
    nested=optional(on=st.booleans(), depth=st.sampled_from([1.5, 0.5, 0.3]), odd=_LETTER),
    frozen=st.sampled_from(["a", "b", "A"]),
    growing=st.sampled_from([1, 2, 3]),
    unknown=_LETTER,
)
_CONDITION = optional(
    type=st.sampled_from(["Ready", "Done"]), status=st.sampled_from(["True", "?"])
)
_DATA = st.dictionaries(st.sampled_from(["a", "b", "no key!"]), _TEXT, max_size=2)
_CONTAINER = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "Bad"])},
    optional={
        "image": st.sampled_from(["i", "j", ""]),
        "env": lists(
            optional(name=st.sampled_from(["A", "B"]), value=st.sampled_from(["1", "2"])), 2
        ),
        "ports": lists(
            st.fixed_dictionaries(
                {"containerPort": st.sampled_from([80, 81])},
                optional={"name": st.sampled_from(["p", "q"]), "protocol": st.just("UDP")},
            ),
            2,
        ),
        "resources": optional(
            limits=optional(cpu=st.sampled_from(["1", "500m", 2]), memory=st.just("1Gi")),
            requests=optional(cpu=st.sampled_from(["100m", "3"])),
        ),
        "command": lists(_LETTER, 2),
        "livenessProbe": optional(
            tcpSocket=st.just({"port": 80}), periodSeconds=st.sampled_from([1, -1])
        ),
        "securityContext": optional(runAsUser=st.sampled_from([0, 1000]), privileged=st.booleans()),
    },
)
_POD = st.fixed_dictionaries(
    {"containers": st.lists(_CONTAINER, max_size=2)},
    optional={
        "restartPolicy": st.sampled_from(["Always", "Never", "Sometimes"]),
        "terminationGracePeriodSeconds": st.sampled_from([0, 5]),
        "nodeSelector": st.dictionaries(_LETTER, _TEXT, max_size=1),
        "tolerations": lists(
            optional(key=_LETTER, operator=st.sampled_from(["Exists", "Equal"])), 1
        ),
        "volumes": lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["v", "w"])},
                optional={
                    "emptyDir": st.just({}),
                    "configMap": st.just({"name": "one"}),
                    "hostPath": st.just({"path": "/x"}),
                },
            ),
            2,
        ),
        "hostNetwork": st.booleans(),
    },
)
_LABELS = st.sampled_from([{"app": "a"}, {"app": "b"}, {"app": "a", "x": "y"}])
_DEPLOYMENT = optional(
    replicas=st.sampled_from([0, 1, 3, -1]),
    selector=st.fixed_dictionaries({"matchLabels": _LABELS}),
    template=st.fixed_dictionaries(
        {"metadata": st.fixed_dictionaries({"labels": _LABELS}), "spec": _POD}
    ),
    strategy=st.sampled_from([{"type": "Recreate"}, {"type": "RollingUpdate"}, {"type": "No"}]),
    minReadySeconds=st.sampled_from([0, 5, -1]),
    paused=st.booleans(),
)
_SERVICE = optional(
    ports=lists(
        optional(
            name=st.sampled_from(["web", "dns"]),
            port=st.sampled_from([80, 53, 0]),
            targetPort=st.sampled_from([8080, "http"]),
            protocol=st.sampled_from(["TCP", "UDP"]),
        ),
        2,
    ),
    selector=st.dictionaries(_LETTER, _TEXT, max_size=1),
    clusterIP=st.just("None"),
    type=st.sampled_from(["ClusterIP", "ExternalName", "Odd"]),
    sessionAffinity=st.just("None"),
    publishNotReadyAddresses=st.sampled_from([True]),
)
_BASE64 = st.sampled_from(["YQ==", "", "?"])

GOOD_POD: Object = {"containers": [{"name": "a", "image": "i"}]}
SENTINELS: dict[str, Object] = {
    "gadgets": {"spec": {}},
    "pods": {"spec": GOOD_POD},
    "services": {"spec": {"clusterIP": "None"}},
    "deployments": {
        "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": GOOD_POD},
        }
    },
}


def _spec(spec: Some) -> Some:
    return st.fixed_dictionaries({"spec": spec})


KINDS = (
    Kind(
        laws_gadget.API_VERSION,
        "Gadget",
        "gadgets",
        _spec(_GADGET),
        optional(
            phase=st.sampled_from(["Up", None, 1]),
            count=st.sampled_from([1, 2, "x"]),
            conditions=lists(_CONDITION, 2),
            odd=_LETTER,
        ),
        strategic=False,
    ),
    Kind("v1", "ConfigMap", "configmaps", optional(
        data=_DATA, binaryData=st.dictionaries(_LETTER, _BASE64, max_size=1),
        immutable=st.booleans(), odd=_LETTER,
    )),
    Kind("v1", "Secret", "secrets", optional(
        data=st.dictionaries(_LETTER, _BASE64, max_size=2), stringData=_DATA,
        type=st.sampled_from(["Opaque", "kubernetes.io/tls", "law/own"]), immutable=st.booleans(),
    )),
    Kind("apps/v1", "Deployment", "deployments", _spec(_DEPLOYMENT), optional(
        replicas=st.sampled_from([0, 1]), observedGeneration=st.just(1),
        conditions=lists(_CONDITION, 2),
    )),
    Kind("v1", "Service", "services", _spec(_SERVICE), optional(
        loadBalancer=st.sampled_from([{}, {"ingress": [{"ip": "192.0.2.1"}]}]),
    )),
    Kind("v1", "Pod", "pods", _spec(_POD), optional(
        phase=st.sampled_from(["Running", "Failed"]), podIP=st.just("192.0.2.1"),
        conditions=lists(_CONDITION, 2),
    )),
)  # fmt: skip

_METADATA = optional(
    labels=st.dictionaries(
        st.sampled_from(["app", "x/y", "Bad key"]), st.sampled_from(["a", "b", "?"]), max_size=2
    ),
    annotations=st.dictionaries(_LETTER, _TEXT, max_size=2),
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
    metadata: Object = {"name": name, **draw(_METADATA)}
    obj: Object = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}
    if kind.status is not None and draw(st.sampled_from([False, False, True])):
        obj["status"] = draw(kind.status)
    return obj


def _stated(value: Any) -> Any:
    """Give a value without nulls, which nobody applies."""
    if isinstance(value, dict):
        return {key: _stated(one) for key, one in value.items() if one is not None}
    return [_stated(one) for one in value if one is not None] if isinstance(value, list) else value


def _create(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    obj = _object(draw, kind, name)
    return Step("create", name, obj, query={**query, **draw(_CHECKED)})


def _update(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    obj = _object(draw, kind, name)
    query = {**query, **draw(_CHECKED)}
    return Step("update", name, obj, query=query, version=draw(_VERSION))


def _apply(draw: st.DrawFn, kind: Kind, name: str, query: Mapping[str, str]) -> Step:
    obj = _stated(_object(draw, kind, name))
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
    body = {**head, "status": status} if how == APPLY else {"status": status}
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
