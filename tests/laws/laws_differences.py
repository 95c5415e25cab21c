"""Where the embedded API may answer otherwise than kube-apiserver, and why: all of it.

Each difference erases itself from an answer, and brings calls that show it. The story fails on an
entry whose calls are answered alike: then it is to be removed here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from laws_calls import APPLY, JSON, MERGE
from laws_kinds import GOOD_POD, KINDS
from laws_sequences import Step

Object = dict[str, Any]
Answer = Object

_TYPED = re.compile(r"(failed to create typed patch object \([^)]*\)): .*", re.DOTALL)
_READ = re.compile(
    r"(in version \".*?\" cannot be handled as a \w+|"
    r"unable to convert unstructured object to [^:]*): .*",
    re.DOTALL,
)
_SELECTOR = re.compile(r"(unable to parse requirement): .*", re.DOTALL)
_ADDRESSES = ("clusterIPs", "ipFamilies", "ipFamilyPolicy")


@dataclass(frozen=True)
class Difference:
    """One accepted difference.

    Attributes:
        name: what it is called in messages.
        reason: why it stays.
        plural: the kind that shows it.
        erase: takes it out of an answer or event, given whether the kind is built in.
        witness: calls that show it.
    """

    name: str
    reason: str
    plural: str
    erase: Callable[[Any, bool], None]
    witness: list[Step]


def _message(pattern: re.Pattern[str]) -> Callable[[Any, bool], None]:
    def erase(body: Any, built_in: bool) -> None:  # noqa: FBT001
        if isinstance(body.get("message"), str):
            body["message"] = pattern.sub(r"\1", body["message"])

    return erase


def _causes(body: Any, built_in: bool) -> None:  # noqa: FBT001
    if built_in and body.get("reason") == "Invalid":
        body.get("details", {}).pop("causes", None)
        body.pop("message", None)


def _patch(body: Any, built_in: bool) -> None:  # noqa: FBT001
    causes = body.get("details", {}).get("causes", ())
    if [one["field"] for one in causes] == ["patch"]:
        body["details"].pop("causes")
        body.pop("message")


def _cluster_addresses(body: Any, built_in: bool) -> None:  # noqa: FBT001
    for one in body.get("items", [body]):
        if not isinstance(one.get("spec"), dict):
            continue
        spec = one["spec"]
        if spec.get("clusterIP") != "None":
            spec.pop("clusterIP", None)
        for name in _ADDRESSES:
            spec.pop(name, None)
        for port in spec.get("ports", ()):
            port.pop("nodePort", None)


def _inner_traffic(body: Any, built_in: bool) -> None:  # noqa: FBT001
    for one in body.get("items", [body]):
        spec = one.get("spec")
        if built_in and isinstance(spec, dict) and spec.get("type") == "ExternalName":
            spec.pop("internalTrafficPolicy", None)
        for entry in one.get("metadata", {}).get("managedFields", ()) if built_in else ():
            entry["fieldsV1"].get("f:spec", {}).pop("f:internalTrafficPolicy", None)


def _added_tolerations(body: Any, built_in: bool) -> None:  # noqa: FBT001
    for one in body.get("items", [body]):
        spec = one.get("spec")
        if built_in and one.get("kind", "Pod") == "Pod" and isinstance(spec, dict):
            stated = [each for each in spec.get("tolerations", ()) if not _is_added(each)]
            spec.pop("tolerations", None)
            if stated:
                spec["tolerations"] = stated


def _is_added(toleration: Object) -> bool:
    return str(toleration.get("key")).startswith("node.kubernetes.io/")


def _advice(body: Any, built_in: bool) -> None:  # noqa: FBT001
    kept = [one for one in body.get("warnings", ()) if "is ignored" not in one]
    if built_in and "warnings" in body:
        body["warnings"] = kept


def _object(plural: str, **more: Any) -> Object:
    kind = next(each for each in KINDS if each.plural == plural)
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "one"}, **more}


DIFFERENCES = (
    Difference(
        "the words about an apply that does not fit its schema",
        "they are Go's names of types, and Kubernetes stops at one that chance chooses",
        "gadgets",
        _message(_TYPED),
        [
            Step(
                "patch",
                "one",
                _object("gadgets", spec={"colour": 3}),
                APPLY,
                {"fieldManager": "ann"},
            )
        ],
    ),
    Difference(
        "the words about JSON that is no object of its kind",
        "they are those of Go's decoder, which names no field",
        "secrets",
        _message(_READ),
        [Step("create", "one", _object("secrets", data={"a": "?"}))],
    ),
    Difference(
        "the words about a selector that cannot be read",
        "they are the states of Kubernetes' parser",
        "configmaps",
        _message(_SELECTOR),
        [Step("list", query={"labelSelector": "app in"})],
    ),
    Difference(
        "all that is wrong with an object of a built-in kind",
        "both refuse it; a field that is missing is said to be missing, where Kubernetes has "
        "checked the zero that stands for it in Go, and goes on to what follows from that",
        "deployments",
        _causes,
        [Step("create", "one", _object("deployments", spec={}))],
    ),
    Difference(
        "the words about a patch that makes no object of its kind",
        "Kubernetes quotes all that the patch has made, and adds the words of Go's decoder",
        "gadgets",
        _patch,
        [
            Step("create", "one", _object("gadgets", spec={})),
            Step("patch", "one", [{"op": "add", "path": "/metadata/labels", "value": "a"}], JSON),
        ],
    ),
    Difference(
        "what a Pod tolerates for five minutes without saying so",
        "no node of solo is ever tainted",
        "pods",
        _added_tolerations,
        [Step("create", "one", _object("pods", spec=GOOD_POD))],
    ),
    Difference(
        "warnings about what is of no use in a Service",
        "nothing goes wrong without them",
        "services",
        _advice,
        [
            Step(
                "create",
                "one",
                _object("services", spec={"clusterIP": "None", "externalName": "example.org"}),
            )
        ],
    ),
    Difference(
        "the inner traffic of a Service that has become a name",
        "Kubernetes keeps it and leaves it out when the Service is read, but not for whoever "
        "watches; the embedded API drops it",
        "services",
        _inner_traffic,
        [
            Step(
                "create",
                "one",
                _object(
                    "services", spec={"ports": [{"port": 80}], "internalTrafficPolicy": "Local"}
                ),
            ),
            Step(
                "patch",
                "one",
                {"spec": {"type": "ExternalName", "externalName": "example.org"}},
                MERGE,
            ),
        ],
    ),
    Difference(
        "the address of a Service, and its ports of nodes",
        "nodes of solo reach Services by name; nobody gives them addresses or ports",
        "services",
        _cluster_addresses,
        [Step("create", "one", _object("services", spec={"ports": [{"port": 80}]}))],
    ),
)

NOT_DONE = {
    "webhooks": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
    "aggregation": "/apis/apiregistration.k8s.io/v1/apiservices",
    "access decisions of others": "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    "quotas": "/api/v1/namespaces/default/resourcequotas",
    "limits": "/api/v1/namespaces/default/limitranges",
    "ingresses": "/apis/networking.k8s.io/v1/ingresses",
    "autoscaling": "/apis/autoscaling/v2/horizontalpodautoscalers",
}
"""What kube-apiserver serves and the embedded API does not, by a path that shows it."""


def erased(answer: Any, *, built_in: bool, but: Difference | None = None) -> Any:
    """Take the accepted differences, but for one, out of a normalised answer or event."""
    for difference in DIFFERENCES:
        if difference is not but:
            difference.erase(answer, built_in)
    return answer
