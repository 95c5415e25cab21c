"""What built-in kinds are refused and given, where Kubernetes cannot be asked the same way."""

import copy
from typing import Any

import pytest

from ouranos.engine.apiserver.schema import builtin
from ouranos.kit import kinds

Object = dict[str, Any]


def made(kind: kinds.Kind, *, meta: Object | None = None, **fields: Any) -> Object:
    metadata = {"name": "thing", "uid": "1", **(meta or {})}
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}
    builtin.structural(kind).default(obj)
    return obj


def said(old: Object, **spec: Any) -> list[str]:
    new = copy.deepcopy(old)
    new["spec"] |= spec
    schema = builtin.structural(kinds.of(new))
    schema.default(new)
    return [str(cause).split("\n")[0] for cause in schema.validate_update(new, old)]


def job(**spec: Any) -> Object:
    pod = {"containers": [{"name": "a", "image": "b:1"}], "restartPolicy": "Never"}
    return made(kinds.JOB, spec={"template": {"spec": pod}, **spec})


def test_a_jobs_work_does_not_change_once_it_runs() -> None:
    old = job(completions=2, parallelism=2)
    template = copy.deepcopy(old["spec"]["template"])
    template["spec"]["containers"][0]["image"] = "b:2"
    (cause,) = said(old, template=template)
    assert cause.startswith('spec.template: Invalid value: {"metadata"')
    assert cause.endswith("field is immutable")
    assert said(old, completions=3) == ["spec.completions: Invalid value: 3: field is immutable"]
    assert said(old, parallelism=5) == []


def test_a_suspended_jobs_template_may_still_change() -> None:
    old = job(suspend=True)
    template = copy.deepcopy(old["spec"]["template"])
    template["spec"]["nodeSelector"] = {"a": "b"}
    assert said(old, template=template) == []


def test_an_indexed_job_grows_in_tandem() -> None:
    old = job(completionMode="Indexed", completions=2, parallelism=2)
    assert said(old, completions=3, parallelism=3) == []
    assert said(old, completions=3) == [
        "spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"
    ]


def test_a_job_of_anothers_pods_is_refused() -> None:
    obj = job(selector={"matchLabels": {"a": "b"}})
    found = builtin.structural(kinds.JOB).validate(obj)
    assert [cause.field for cause in found] == ["spec.template.metadata.labels"]


def test_a_services_address_stays() -> None:
    old = made(kinds.SERVICE, spec={"ports": [{"port": 80}], "clusterIP": "10.0.0.1"})
    assert said(old, clusterIP="10.0.0.2") == [
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'
    ]


def test_a_pod_that_has_no_node_may_be_given_one() -> None:
    old = made(kinds.POD, spec={"containers": [{"name": "a", "image": "b:1"}]})
    assert said(old, nodeName="here") == []
    placed = copy.deepcopy(old)
    placed["spec"]["nodeName"] = "here"
    assert said(placed, nodeName="there")[0].startswith("spec: Forbidden: pod updates may not")


def test_two_ports_of_one_number_and_protocol_are_refused() -> None:
    ports = [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]
    obj = made(kinds.SERVICE, spec={"ports": ports})
    (cause,) = builtin.structural(kinds.SERVICE).validate(obj)
    assert cause.field == "spec.ports[1]"
    assert cause.reason == "FieldValueDuplicate"


def test_too_much_data_is_refused() -> None:
    obj = made(kinds.CONFIG_MAP, data={"a": "x" * (1024 * 1024 + 1)})
    (cause,) = builtin.structural(kinds.CONFIG_MAP).validate(obj)
    assert cause.message == "Too long: may not be more than 1048576 bytes"
    secret = made(kinds.SECRET, stringData={"a": "x" * (1024 * 1024 + 1)})
    (cause,) = builtin.structural(kinds.SECRET).validate(secret)
    assert cause.field == "data"


def test_too_many_annotations_are_refused() -> None:
    obj = made(kinds.CONFIG_MAP, meta={"annotations": {"a": "x" * 300_000}})
    (cause,) = builtin.structural(kinds.CONFIG_MAP).validate(obj)
    assert str(cause) == "metadata.annotations: Too long: may not be more than 262144 bytes"


def test_a_generated_names_prefix_is_checked() -> None:
    obj = made(kinds.CONFIG_MAP, meta={"name": "", "generateName": "A_"})
    (cause,) = builtin.structural(kinds.CONFIG_MAP).validate(obj)
    assert cause.field == "metadata.generateName"


def test_a_secrets_texts_become_data_and_are_gone() -> None:
    obj = made(kinds.SECRET, stringData={"a": "ü"}, data={"a": "eA==", "b": "eQ=="})
    assert obj["data"] == {"a": "w7w=", "b": "eQ=="}
    assert "stringData" not in obj


def test_a_numeric_quantity_becomes_a_text() -> None:
    container = {"name": "a", "image": "b", "resources": {"requests": {"cpu": 1}}}
    obj = made(kinds.POD, spec={"containers": [container]})
    assert obj["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1"}


OTHERS = {
    "a role's binding": (
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding"},
        {"roleRef": {"kind": "Role", "name": "a"}, "subjects": [{"kind": "User", "name": "b"}]},
        {
            "roleRef": {"kind": "Role", "name": "a", "apiGroup": "rbac.authorization.k8s.io"},
            "subjects": [{"kind": "User", "name": "b", "apiGroup": "rbac.authorization.k8s.io"}],
        },
    ),
    "a network policy": (
        {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"},
        {"spec": {"podSelector": {}, "egress": [{"ports": [{"port": 1}]}]}},
        {
            "spec": {
                "podSelector": {},
                "egress": [{"ports": [{"port": 1, "protocol": "TCP"}]}],
                "policyTypes": ["Ingress", "Egress"],
            }
        },
    ),
    "endpoints": (
        {"apiVersion": "v1", "kind": "Endpoints"},
        {"subsets": [{"ports": [{"port": 1}]}]},
        {"subsets": [{"ports": [{"port": 1, "protocol": "TCP"}]}]},
    ),
    "a node": (
        {"apiVersion": "v1", "kind": "Node"},
        {"status": {"capacity": {"cpu": "1"}}},
        {"status": {"capacity": {"cpu": "1"}, "allocatable": {"cpu": "1"}}, "spec": {}},
    ),
}


@pytest.mark.parametrize(("kind", "given", "full"), OTHERS.values(), ids=OTHERS.keys())
def test_other_kinds_get_their_defaults(kind: Object, given: Object, full: Object) -> None:
    group, _, version = kind["apiVersion"].rpartition("/")
    schema = builtin.structural(kinds.Kind(group, version, kind["kind"], ""))
    obj = {**kind, "metadata": {"name": "a"}, **copy.deepcopy(given)}
    schema.default(obj)
    assert obj == {**kind, "metadata": {"name": "a"}, **full}
