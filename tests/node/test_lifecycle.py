"""What is to be done for a pod, decided from what is."""

from datetime import timedelta

import node_builders
import pytest
from node_builders import NOW, container, ended, pod, running, view

from ouranos.engine.node import containers, lifecycle
from ouranos.kit import conditions

SIDECAR = {"restartPolicy": "Always"}


def test_a_new_pod_starts_all_its_containers_at_once() -> None:
    found = lifecycle.decide(view(pod(container("a"), container("b"))))
    assert [one.container for one in found.starts] == ["a", "b"]
    assert found.phase == "Pending"
    assert found.initialized


def test_what_is_under_way_is_not_ordered_again() -> None:
    found = lifecycle.decide(view(pod(container("a"), container("b")), busy=frozenset({"a"})))
    assert [one.container for one in found.starts] == ["b"]


def test_a_running_pod_needs_nothing() -> None:
    found = lifecycle.decide(view(pod(), running()))
    assert found == lifecycle.Decision("Running", initialized=True)


def test_init_containers_run_one_after_the_other() -> None:
    told = pod(initContainers=[container("one"), container("two")])
    assert [s.container for s in lifecycle.decide(view(told)).starts] == ["one"]
    found = lifecycle.decide(view(told, ended("one")))
    assert [s.container for s in found.starts] == ["two"]
    assert not found.initialized
    found = lifecycle.decide(view(told, ended("one"), ended("two")))
    assert [s.container for s in found.starts] == ["main"]


def test_a_sidecar_has_only_to_be_started() -> None:
    told = pod(initContainers=[container("side", **SIDECAR), container("two")])
    waits = view(told, running("side"), health={"side": lifecycle.Health(started=False)})
    assert not lifecycle.decide(waits).starts
    found = lifecycle.decide(view(told, running("side")))
    assert [s.container for s in found.starts] == ["two"]


def test_a_sidecar_that_ends_is_started_again_beside_running_containers() -> None:
    told = pod(initContainers=[container("side", **SIDECAR)], restartPolicy="Never")
    found = lifecycle.decide(view(told, ended("side", 1), running()))
    assert [s.container for s in found.starts] == ["side"]
    assert found.phase == "Running"


def test_sidecars_end_after_the_others_and_the_last_first() -> None:
    told = pod(initContainers=[container("a", **SIDECAR), container("b", **SIDECAR)])
    leaving = {"leaving": True}
    found = lifecycle.decide(view(told, running("a"), running("b"), running(), **leaving))
    assert [s.container for s in found.stops] == ["main"]
    found = lifecycle.decide(view(told, running("a"), running("b"), ended(), **leaving))
    assert [s.container for s in found.stops] == ["b"]
    found = lifecycle.decide(view(told, running("a"), ended("b"), ended(), **leaving))
    assert [s.container for s in found.stops] == ["a"]
    found = lifecycle.decide(view(told, ended("a"), ended("b"), ended(), **leaving))
    assert found.over


def test_a_job_that_is_done_stops_its_sidecars() -> None:
    told = pod(initContainers=[container("a", **SIDECAR)], restartPolicy="OnFailure")
    found = lifecycle.decide(view(told, running("a"), ended()))
    assert found.phase == "Succeeded"
    assert [s.container for s in found.stops] == ["a"]


@pytest.mark.parametrize(
    ("policy", "code", "phase", "starts"),
    [
        ("Always", 0, "Running", 1),
        ("Always", 1, "Running", 1),
        ("OnFailure", 0, "Succeeded", 0),
        ("OnFailure", 1, "Running", 1),
        ("Never", 0, "Succeeded", 0),
        ("Never", 1, "Failed", 0),
    ],
)
def test_the_restart_policy_decides(policy: str, code: int, phase: str, starts: int) -> None:
    found = lifecycle.decide(view(pod(restartPolicy=policy), ended(code=code)))
    assert (found.phase, len(found.starts)) == (phase, starts)


def test_an_init_container_that_fails_for_good_fails_the_pod() -> None:
    told = pod(initContainers=[container("one")], restartPolicy="Never")
    assert lifecycle.decide(view(told, ended("one", 2))).phase == "Failed"


def test_the_first_restart_is_at_once_and_waits_double_after_it() -> None:
    found = lifecycle.decide(view(pod(), ended(code=1)))
    assert found.starts == (lifecycle.Start("main", 1, 10.0),)
    found = lifecycle.decide(view(pod(), ended(code=1, attempt=1, backoff=10.0, ago=4)))
    assert not found.starts
    assert found.wake_at == NOW + timedelta(seconds=6)
    assert found.waiting["main"][0] == "CrashLoopBackOff"
    found = lifecycle.decide(view(pod(), ended(code=1, attempt=1, backoff=10.0, ago=11)))
    assert found.starts == (lifecycle.Start("main", 2, 20.0),)
    found = lifecycle.decide(view(pod(), ended(code=1, attempt=9, backoff=300.0, ago=301)))
    assert found.starts == (lifecycle.Start("main", 10, 300.0),)


def test_a_long_run_forgives() -> None:
    found = lifecycle.decide(view(pod(), ended(code=1, attempt=9, backoff=300.0, ran=601)))
    assert found.starts == (lifecycle.Start("main", 10, 10.0),)


@pytest.mark.parametrize("reason", [lifecycle.NODE_SHUTDOWN, containers.UNKNOWN])
def test_what_the_node_ended_does_not_wait(reason: str) -> None:
    found = lifecycle.decide(view(pod(), ended(code=137, backoff=300.0, reason=reason)))
    assert found.starts


def test_a_node_may_limit_the_wait() -> None:
    found = lifecycle.decide(view(pod(), ended(code=1), longest_backoff=0.5))
    assert found.starts == (lifecycle.Start("main", 1, 0.5),)


def test_in_a_new_world_everything_begins_again() -> None:
    told = pod(initContainers=[container("one")])
    old = {"world": "world-0", "reason": lifecycle.NODE_SHUTDOWN}
    found = lifecycle.decide(view(told, ended("one", **old), ended(code=137, **old)))
    assert [s.container for s in found.starts] == ["one"]
    found = lifecycle.decide(view(told, ended("one"), ended(code=137, **old)))
    assert [s.container for s in found.starts] == ["main"]


def test_what_runs_in_an_old_world_is_stopped_first() -> None:
    found = lifecycle.decide(view(pod(), running(world="world-0")))
    assert [s.reason for s in found.stops] == ["SandboxChanged"]
    assert not found.starts


def test_a_job_that_was_done_in_an_old_world_stays_done() -> None:
    found = lifecycle.decide(view(pod(restartPolicy="OnFailure"), ended(world="world-0")))
    assert found.phase == "Succeeded"
    found = lifecycle.decide(view(pod(restartPolicy="Never"), ended(code=143, world="world-0")))
    assert found.phase == "Failed"


def test_a_sick_container_is_stopped() -> None:
    sick = {"main": lifecycle.Health(failing="Liveness probe failed: no")}
    found = lifecycle.decide(view(pod(), running(), health=sick))
    assert [(s.reason, s.message) for s in found.stops] == [("Unhealthy", sick["main"].failing)]


def test_a_problem_is_said_and_tried_again_in_time() -> None:
    later = NOW + timedelta(seconds=5)
    problem = {"main": lifecycle.Problem("ErrImagePull", "no such image", later)}
    found = lifecycle.decide(view(pod(), problems=problem))
    assert found.waiting == {"main": ("ErrImagePull", "no such image")}
    assert (found.starts, found.wake_at) == ((), later)
    assert lifecycle.decide(view(pod(), problems=problem, now=later)).starts


def test_a_deadline_fails_the_pod() -> None:
    start = {"startTime": conditions.timestamp(NOW)}
    told = pod(activeDeadlineSeconds=30, status=start)
    found = lifecycle.decide(view(told, running()))
    assert found.wake_at == NOW + timedelta(seconds=30)
    found = lifecycle.decide(view(told, running(), now=NOW + timedelta(seconds=30)))
    assert (found.phase, found.reason) == ("Failed", "DeadlineExceeded")
    assert found.stops


def test_a_pod_that_has_ended_is_never_started_again() -> None:
    found = lifecycle.decide(view(pod(status={"phase": "Failed"}), ended(code=1)))
    assert not found.starts
    assert found.over


def test_grace_is_the_deletions_before_the_pods() -> None:
    assert lifecycle.grace(pod()) == 30
    assert lifecycle.grace(pod(terminationGracePeriodSeconds=5)) == 5
    told = pod(terminationGracePeriodSeconds=5, metadata={"deletionGracePeriodSeconds": 0})
    assert lifecycle.grace(told) == 0
    assert node_builders.WORLD
