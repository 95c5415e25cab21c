"""Is a pod's trouble told in words, and a decision left to a person passed on?"""

from typing import Any

import pytest

from ouranos.kit import conditions, errors, pod
from ouranos.kit.objects import Object

LOG = "a page\n\x1b[31mof a log\n\n"


def a_pod(first: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    status: dict[str, Any] = {"containerStatuses": [{"name": "main", **container}]}
    if first is not None:
        status["initContainerStatuses"] = [{"name": "first", **first}]
    return {"metadata": {"name": "mariadb-0"}, "status": status}


@pytest.mark.parametrize(
    ("container", "told"),
    [
        ({}, ""),
        ({"state": {"running": {}}}, ""),
        ({"state": {"waiting": {"reason": "ContainerCreating"}}}, ""),
        ({"state": {"terminated": {"reason": "Error", "message": LOG}}}, "Error: of a log"),
        (
            {"state": {"waiting": {"reason": "ErrImagePull", "message": "gone"}}},
            "ErrImagePull: gone",
        ),
        (
            {
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                "lastState": {"terminated": {"reason": "Error", "message": LOG}},
            },
            "CrashLoopBackOff: of a log",
        ),
        (
            {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}},
            "CrashLoopBackOff: back-off 10s",
        ),
        (
            {"state": {"running": {}}, "lastState": {"terminated": {"reason": "OOMKilled"}}},
            "OOMKilled",
        ),
        (
            {
                "ready": True,
                "state": {"running": {}},
                "lastState": {"terminated": {"reason": "OOMKilled"}},
            },
            "",
        ),
    ],
)
def test_trouble_is_told_until_it_is_over(container: dict[str, Any], told: str) -> None:
    expected = f"container main of pod mariadb-0: {told}" if told else ""
    assert pod.trouble(a_pod(**container)) == expected


@pytest.mark.parametrize("where", ["state", "lastState"])
def test_what_a_container_leaves_to_a_person_is_terminal(where: str) -> None:
    ended = {"terminated": {"exitCode": pod.UNDECIDED, "message": "restore a backup\n"}}
    undecided = a_pod({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, where: ended})
    with pytest.raises(errors.Terminal, match=r"first of pod mariadb-0: restore a backup$") as told:
        pod.refuse_to_guess(undecided)
    assert told.value.reason == conditions.Reason.UNRECOVERABLE


def test_another_exit_code_is_no_decision() -> None:
    pod.refuse_to_guess(a_pod(state={"terminated": {"exitCode": 1}}))


def test_last_words_are_those_of_the_container_that_is_asked_for() -> None:
    ended = a_pod({"state": {"terminated": {"exitCode": 0, "message": "{}"}}})
    assert pod.last_words(ended, "first") == "{}"
    assert pod.last_words(ended, "main") == ""
    assert pod.last_words(ended, "none") == ""


def test_a_pod_that_is_being_deleted_is_not_ready() -> None:
    ready: dict[str, Any] = {
        "metadata": {"name": "one"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    assert pod.is_ready(ready)
    ready["metadata"]["deletionTimestamp"] = "2026-11-21T12:00:00Z"
    assert not pod.is_ready(ready)


def test_images_are_named_as_the_nodes_find_them() -> None:
    def found(reference: str) -> str:
        return f"registry.example/{reference}"

    spec: Object = {"containers": [{"name": "a", "image": "one"}], "nodeName": "n"}
    first: Object = {**spec, "initContainers": [{"name": "b", "image": "two"}]}
    deployment: Object = {"kind": "Deployment", "spec": {"template": {"spec": first}}}
    job: Object = {
        "kind": "CronJob",
        "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
    }
    renamed = pod.with_images(deployment, found)["spec"]["template"]["spec"]
    assert renamed["initContainers"] == [{"name": "b", "image": "registry.example/two"}]
    assert renamed["containers"] == [{"name": "a", "image": "registry.example/one"}]
    inner = pod.with_images(job, found)["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert inner == {
        "containers": [{"name": "a", "image": "registry.example/one"}],
        "nodeName": "n",
    }
    assert pod.with_images({"kind": "ConfigMap"}, found) == {"kind": "ConfigMap"}
    assert pod.with_images(deployment, str) is deployment
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "one"


def test_a_pod_that_finds_no_node_says_why() -> None:
    why = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why}
    waiting = {"metadata": {"name": "p"}, "status": {"conditions": [said]}}
    assert pod.trouble(waiting) == f"pod p finds no node: {why}"
    told = {**said, "message": ""}
    assert pod.trouble({**waiting, "status": {"conditions": [told]}}).endswith("Unschedulable")
    assert pod.trouble({**waiting, "status": {"conditions": [{**said, "status": "True"}]}}) == ""
