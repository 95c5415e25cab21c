"""What a pod's status says."""

from node_builders import NOW, container, ended, pod, running, view

from ouranos.engine.node import lifecycle, status
from ouranos.kit import conditions


def built(*args: object, **more: object) -> dict[str, object]:
    seen = view(*args, **more)  # type: ignore[arg-type]
    return status.build(seen, lifecycle.decide(seen), "10.0.0.1")


def states(found: dict[str, object]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in found["conditions"]}  # type: ignore[index,union-attr]


def test_a_running_pod_is_ready() -> None:
    found = built(pod(), running())
    assert found["phase"] == "Running"
    assert set(states(found).values()) == {"True"}
    (own,) = found["containerStatuses"]
    assert own["state"] == {"running": {"startedAt": conditions.timestamp(NOW)}}
    assert own["containerID"] == "runc://main-0"
    assert own["ready"]
    assert own["started"]
    assert found["podIPs"] == [{"ip": "10.0.0.1"}]


def test_a_pod_waits_for_its_init_containers() -> None:
    found = built(pod(initContainers=[container("one")]), running("one"))
    assert found["phase"] == "Pending"
    assert found["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert states(found)["Initialized"] == "False"
    assert not found["initContainerStatuses"][0]["ready"]


def test_an_unready_container_makes_the_pod_unready() -> None:
    sick = {"main": lifecycle.Health(ready=False)}
    found = built(pod(), running(), health=sick)
    assert states(found)["Ready"] == "False"
    (ready,) = [one for one in found["conditions"] if one["type"] == "Ready"]
    assert ready["message"] == "containers with unready status: [main]"


def test_a_crash_is_told_with_what_was_before() -> None:
    found = built(pod(), ended(code=3, attempt=1, backoff=10.0, message="because"))
    (own,) = found["containerStatuses"]
    assert own["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert own["lastState"]["terminated"]["exitCode"] == 3
    assert own["lastState"]["terminated"]["message"] == "because"
    assert own["restartCount"] == 1


def test_a_completed_pod_is_not_ready() -> None:
    found = built(pod(restartPolicy="Never"), ended())
    assert found["phase"] == "Succeeded"
    (ready,) = [one for one in found["conditions"] if one["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "PodCompleted")


def test_conditions_of_others_stay_and_gates_hold() -> None:
    gate = {"type": "site/ok", "status": "False"}
    told = pod(readinessGates=[{"conditionType": "site/ok"}], status={"conditions": [gate]})
    found = built(told, running())
    assert gate in found["conditions"]
    assert states(found)["ContainersReady"] == "True"
    assert states(found)["Ready"] == "False"


def test_saying_the_same_again_changes_nothing() -> None:
    first = built(pod(), running())
    again = built(pod(status=first), running())
    assert status.same(first, again)
