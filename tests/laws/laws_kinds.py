"""What may stand in objects of each kind that random calls are about, as hypothesis strategies."""

from dataclasses import dataclass
from typing import Any

import laws_gadget
from hypothesis import strategies as st

Object = dict[str, Any]
Some = st.SearchStrategy[Any]


@dataclass(frozen=True)
class Kind:
    """One kind, and what may stand in its objects."""

    api_version: str
    kind: str
    plural: str
    body: Some
    status: Some | None = None
    strategic: bool = True
    last: Object | None = None

    def path(self, namespace: str) -> str:
        prefix = "/apis" if "/" in self.api_version else "/api"
        return f"{prefix}/{self.api_version}/namespaces/{namespace}/{self.plural}"

    def sentinel(self) -> Object:
        """Give an object that is always accepted."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": "end"},
            **(self.last or SENTINELS.get(self.plural, {})),
        }


def optional(**entries: Some) -> st.SearchStrategy[Object]:
    return st.fixed_dictionaries({}, optional=entries)


def lists(of: Some, most: int = 3) -> Some:
    return st.lists(of, max_size=most)


LETTER = st.sampled_from(["a", "b", "c"])
TEXT = st.sampled_from(["", "x", "y", "Z z"])
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
    tags=lists(LETTER),
    words=lists(LETTER),
    settings=st.dictionaries(LETTER, st.sampled_from(["1", "2", None, 3]), max_size=2),
    fixed=st.dictionaries(LETTER, TEXT, max_size=2),
    nested=optional(on=st.booleans(), depth=st.sampled_from([1.5, 0.5, 0.3]), odd=LETTER),
    frozen=st.sampled_from(["a", "b", "A"]),
    growing=st.sampled_from([1, 2, 3]),
    unknown=LETTER,
)
_GOOD_GADGET = optional(
    size=st.sampled_from([3, 5, 10]),
    colour=st.sampled_from(["red", "green"]),
    note=st.sampled_from(["n", "", None]),
    empty=st.sampled_from(["e", None]),
    port=st.sampled_from([1, "http"]),
    free=st.sampled_from([{}, {"a": {"b": [1, None]}}, {"a": {"c": 1.5}}, {"x": None}]),
    ports=st.lists(
        st.fixed_dictionaries(
            {"port": st.sampled_from([80, 81])},
            optional={"protocol": st.sampled_from(["TCP", "UDP"]), "name": st.just("web")},
        ),
        max_size=3,
        unique_by=lambda it: (it["port"], it.get("protocol", "TCP")),
    ),
    tags=st.lists(LETTER, max_size=3, unique=True),
    words=lists(LETTER),
    settings=st.dictionaries(LETTER, st.sampled_from(["1", "2"]), max_size=2),
    fixed=st.dictionaries(LETTER, TEXT, max_size=2),
    nested=optional(on=st.booleans(), depth=st.sampled_from([1.5, 0.5, 2])),
    growing=st.sampled_from([1, 2, 3]),
)
_TIME = st.just("2026-01-02T03:04:05Z")
# Complete: what is left out of a status of a built-in kind, Go fills with zeros, or leaves out.
_CONDITIONS = {
    kind: st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["Ready", "Done"]),
                "status": st.sampled_from(["True", "False"]),
                "lastTransitionTime": _TIME,
                other: _TIME,
            }
        ),
        max_size=2,
        unique_by=lambda it: it["type"],
    )
    for kind, other in {"deployments": "lastUpdateTime", "pods": "lastProbeTime"}.items()
}
_CONDITION = optional(
    type=st.sampled_from(["Ready", "Done"]), status=st.sampled_from(["True", "?"])
)
_DATA = st.dictionaries(st.sampled_from(["a", "b", "no key!"]), TEXT, max_size=2)
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
        "command": lists(LETTER, 2),
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
        "nodeSelector": st.dictionaries(LETTER, TEXT, max_size=1),
        "tolerations": lists(
            optional(key=LETTER, operator=st.sampled_from(["Exists", "Equal"])), 1
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
    selector=st.dictionaries(LETTER, TEXT, max_size=1),
    clusterIP=st.just("None"),
    type=st.sampled_from(["ClusterIP", "ExternalName", "Odd"]),
    sessionAffinity=st.just("None"),
    publishNotReadyAddresses=st.sampled_from([True]),
)
_WEB: Object = {"name": "web", "port": 80}
_GOOD_SERVICE: Some = st.one_of(
    st.fixed_dictionaries(
        {
            "ports": st.sampled_from(
                [[_WEB], [_WEB, {"name": "dns", "port": 53, "protocol": "UDP"}]]
            )
        },
        optional={
            "selector": st.dictionaries(LETTER, st.sampled_from(["x", "y"]), max_size=1),
            "clusterIP": st.just("None"),
            "type": st.just("ClusterIP"),
            "sessionAffinity": st.sampled_from(["None", "ClientIP"]),
            "internalTrafficPolicy": st.sampled_from(["Local", "Cluster"]),
        },
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("LoadBalancer"),
            "allocateLoadBalancerNodePorts": st.just(value=False),
            "ports": st.just([_WEB]),
        },
        optional={"externalTrafficPolicy": st.just("Cluster")},
    ),
    st.just({"type": "ExternalName", "externalName": "example.org"}),
)
_BASE64 = st.sampled_from(["YQ==", "", "?"])

GOOD_POD: Object = {"containers": [{"name": "a", "image": "i"}]}
SENTINELS: dict[str, Object] = {
    "gadgets": {"spec": {}},
    "pods": {"spec": GOOD_POD},
    "services": {"spec": {"clusterIP": "None", "ipFamilyPolicy": "SingleStack"}},
    "deployments": {
        "spec": {
            "selector": {"matchLabels": {"app": "a"}},
            "template": {"metadata": {"labels": {"app": "a"}}, "spec": GOOD_POD},
        }
    },
}


def single(spec: Object) -> Object:
    """Leave out what Kubernetes refuses or takes by chance of how a Service came to be.

    Without a policy, families come from whether there was a selector once, and refuse one later;
    an update may name an address of an ExternalName, which nobody uses, and a patch may not.
    """
    if spec.get("type") == "ExternalName":
        return {key: one for key, one in spec.items() if key not in {"clusterIP", "ipFamilyPolicy"}}
    return {**spec, "ipFamilyPolicy": "SingleStack"} if "clusterIP" in spec else spec


_SERVICES = st.one_of(_GOOD_SERVICE, _SERVICE).map(single)


def _spec(spec: Some) -> Some:
    return st.fixed_dictionaries({"spec": spec})


KINDS = (
    Kind(
        laws_gadget.API_VERSION,
        "Gadget",
        "gadgets",
        _spec(st.one_of(_GOOD_GADGET, _GOOD_GADGET, _GADGET)),
        optional(
            phase=st.sampled_from(["Up", None, 1]),
            count=st.sampled_from([1, 2, "x"]),
            conditions=lists(_CONDITION, 2),
            odd=LETTER,
        ),
        strategic=False,
    ),
    Kind("v1", "ConfigMap", "configmaps", optional(
        data=_DATA, binaryData=st.dictionaries(LETTER, _BASE64, max_size=1),
        immutable=st.booleans(), odd=LETTER,
    )),
    Kind("v1", "Secret", "secrets", optional(
        data=st.dictionaries(LETTER, _BASE64, max_size=2), stringData=_DATA,
        type=st.sampled_from(["Opaque", "kubernetes.io/tls", "law/own"]), immutable=st.booleans(),
    )),
    Kind("apps/v1", "Deployment", "deployments", _spec(_DEPLOYMENT), optional(
        replicas=st.sampled_from([1, 2]), observedGeneration=st.just(1),
        conditions=_CONDITIONS["deployments"],
    )),
    Kind("v1", "Service", "services", _spec(_SERVICES), optional(
        loadBalancer=st.sampled_from([{}, {"ingress": [{"ip": "192.0.2.1"}]}]),
    )),
    Kind("v1", "Pod", "pods", _spec(_POD), optional(
        phase=st.sampled_from(["Running", "Failed"]), podIP=st.just("192.0.2.1"),
        conditions=_CONDITIONS["pods"],
    )),
)  # fmt: skip
