"""A Kubernetes of this machine comes up, is mended whatever dies, and leaves nothing."""

import signal
import socket
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
import tests_lab
from tests_lab import Lab, answers, asked, claim, eventually, service, web

from ouranos.engine.node import identity
from ouranos.lab import control, down, errors, groups, nodes, processes, up

COMPONENTS = (
    *control.NAMES,
    *("node1-containerd", "node1-kubelet", "node1-kube-proxy"),
)


def _address(lab: Lab, name: str) -> str:
    """The address of a Service that is reached from outside."""

    def found() -> str:
        ingress = lab.get("service", name)["status"]["loadBalancer"].get("ingress", [{}])
        return ingress[0].get("ip", "")

    return eventually(found, f"an address of {name}")


def _started(lab: Lab, pod: str) -> tuple[str, int]:
    """Which container runs in a pod, and how often it was restarted."""
    status = lab.get("pod", pod)["status"]["containerStatuses"][0]
    return status.get("containerID", ""), status["restartCount"]


def test_a_range_in_use_is_refused_and_nothing_is_made(lab: Lab) -> None:
    taken = str(lab.settings.services)
    subprocess.run(["ip", "route", "add", "blackhole", taken], check=True)
    try:
        with pytest.raises(errors.LabError, match=f"{taken} .* is in use") as refused:
            lab.up()
    finally:
        subprocess.run(["ip", "route", "delete", "blackhole", taken], check=True)
    assert refused.value.hint
    assert not lab.settings.folder.exists()
    assert not any(tests_lab.machine().values())


def test_a_port_in_use_is_refused_and_nothing_is_made(lab: Lab) -> None:
    with socket.create_server((str(lab.settings.local), 2379)):
        with pytest.raises(errors.LabError, match=r"port 2379 of .* is taken"):
            lab.up()
        assert not lab.settings.folder.exists()


def test_a_start_that_is_killed_half_way_goes_on(lab: Lab) -> None:
    starting = lab.command("up")
    record = lab.settings.processes / "node1-containerd"
    eventually(record.exists, "containerd to be started")
    starting.send_signal(signal.SIGKILL)
    starting.wait(30)
    begun = lab.running()
    lab.up()
    assert set(lab.running()) == {*COMPONENTS, "node1"}
    assert begun.items() <= lab.running().items(), "what ran already was left as it was"
    assert up.is_node_ready(lab.get("node", "node1"))
    lab.load()


def test_a_pod_is_reached_by_every_way(lab: Lab) -> None:
    volume = {"persistentVolumeClaim": {"claimName": "data"}}
    lab.apply(claim("data"), web("hello", volumes=volume), service("front", "hello"), web("other"))
    lab.ready("hello", "other")
    front = _address(lab, "front")
    assert IPv4Address(front) in lab.settings.balancers
    pod = lab.get("pod", "hello")["status"]["podIP"]
    for address in (front, lab.get("service", "front")["spec"]["clusterIP"], f"{pod}:8080"):
        answers(address, "hello")
    # By name, from another pod; and what it wrote is in the volume's folder, as its group.
    assert lab.inside("other", "wget", "-q", "-O-", "http://front").strip() == "hello"
    name = lab.get("pvc", "data")["spec"]["volumeName"]
    written = lab.settings.volumes / name / "index.html"
    assert written.read_text() == "hello\n"
    assert written.parent.stat().st_gid == 1000


def test_a_pod_meets_its_node_and_not_the_host(lab: Lab) -> None:
    place = {"hostPath": {"path": "/var/lib/of-a-pod", "type": "DirectoryOrCreate"}}
    pod = web("inside", volumes=place)
    pod["spec"]["hostPID"] = True
    pod["spec"]["securityContext"] = {"runAsUser": 0}
    lab.apply(pod)
    lab.ready("inside")
    node = lab.settings.node(1)
    assert (node.folder / "var/lib/of-a-pod/index.html").read_text() == "inside\n"
    # Its process 1 is the node's first, and nobody of this machine is among the others.
    assert lab.inside("inside", "cat", "/proc/1/cmdline").rstrip("\0") == "/opt/bin/pause"
    assert "kube-apiserver" not in lab.inside("inside", "ps")
    refused = lab.run(_attempt(lab, "touch", "/usr/of-a-pod"))
    assert "Read-only file system" in refused
    lab.kubectl("delete", "pod", "inside")


async def _attempt(lab: Lab, *argv: str) -> str:
    try:
        return await nodes.run_inside(lab.settings, lab.settings.node(1), *argv)
    except errors.LabError as error:
        return error.message


def test_up_again_changes_nothing(lab: Lab) -> None:
    before, served = lab.running(), _started(lab, "hello")
    lab.up()
    assert lab.running() == before
    assert _started(lab, "hello") == served


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_killed_component_comes_back_and_nothing_else_changes(lab: Lab, name: str) -> None:
    before, served = lab.running(), _started(lab, "hello")
    lab.kill(before[name])
    lab.up()
    after = lab.running()
    assert after.pop(name) != before.pop(name)
    # The controller manager and the scheduler may end with the API server: they come back too.
    gone = {one for one, process in before.items() if not identity.is_alive(process)}
    assert gone <= {"kube-controller-manager", "kube-scheduler"}
    assert set(after) == set(before)
    assert _started(lab, "hello") == served
    answers(_address(lab, "front"), "hello")


def test_a_component_that_nobody_wrote_down_is_not_started_twice(lab: Lab) -> None:
    before, served = lab.running(), _started(lab, "hello")
    lost = {"kube-scheduler", "node1-containerd", "node1-kubelet"}
    for name in lost:
        (lab.settings.processes / name).unlink()
    lab.up()
    after = lab.running()
    assert {name for name in before if after[name] != before[name]} == lost
    assert not any(identity.is_alive(before[name]) for name in lost)
    assert _started(lab, "hello") == served


def test_a_lab_in_another_folder_is_not_taken_over(lab: Lab, tmp_path: Path) -> None:
    before, other = lab.running(), replace(lab.settings, root=tmp_path)
    for work in (up.up(other, 1, print), down.down(other, print)):
        with pytest.raises(errors.LabError, match=f"is in {lab.settings.folder}"):
            lab.run(work)
    assert lab.running() == before


def test_pods_do_not_notice_that_there_is_no_api_server(lab: Lab) -> None:
    served, front = _started(lab, "hello"), _address(lab, "front")
    assert lab.run(processes.stop(lab.settings, control.API_SERVER))
    assert "refused" in _complaint(lab)
    answers(front, "hello")
    lab.run(up.control_plane(lab.settings, print))
    assert _started(lab, "hello") == served


def _complaint(lab: Lab) -> str:
    place = lab.settings
    argv = [place.bin / "kubectl", "--kubeconfig", place.kubeconfig, "get", "node"]
    return subprocess.run(argv, capture_output=True, text=True, check=False).stderr


def test_every_service_has_an_address_of_its_own_and_keeps_it(lab: Lab) -> None:
    names = [f"many-{number}" for number in range(5)]
    lab.apply(*(service(name, "hello") for name in names))
    first = {name: _address(lab, name) for name in [*names, "front"]}
    assert len(set(first.values())) == len(first)
    lab.kill(lab.running()[control.PROVIDERS])
    lab.up()
    assert {name: _address(lab, name) for name in first} == first
    lab.kubectl("delete", "service", *names)


def test_a_volume_goes_with_its_claim(lab: Lab) -> None:
    lab.apply(claim("short"))
    name = eventually(lambda: lab.get("pvc", "short")["spec"].get("volumeName"), "a volume")
    folder = lab.settings.volumes / name
    eventually(folder.is_dir, "its folder")
    lab.kubectl("delete", "pvc", "short")
    eventually(lambda: not folder.exists(), "the folder to be gone")
    kept = lab.settings.volumes / lab.get("pvc", "data")["spec"]["volumeName"]
    assert (kept / "index.html").exists()


def test_a_second_node_joins_and_pods_reach_each_other(lab: Lab) -> None:
    before = lab.running()
    lab.up(2)
    assert before.items() <= lab.running().items()
    lab.load()
    volume = {"persistentVolumeClaim": {"claimName": "data"}}
    lab.apply(web("far", "node2"), web("reader", "node2", volume))
    lab.ready("far", "reader")
    far = lab.get("pod", "far")["status"]["podIP"]
    answers(f"{far}:8080", "far")
    assert lab.inside("other", "wget", "-q", "-O-", f"http://{far}:8080").strip() == "far"
    near = lab.get("pod", "other")["status"]["podIP"]
    assert lab.inside("far", "wget", "-q", "-O-", f"http://{near}:8080").strip() == "other"
    assert lab.inside("far", "wget", "-q", "-O-", "http://front").strip() == "reader"


def test_a_node_without_current_harms_no_other_and_comes_back(lab: Lab) -> None:
    served = _started(lab, "hello")
    second = lab.settings.node(2)
    lab.run(nodes.power_off(lab.settings, second))
    assert not groups.processes(nodes.group(lab.settings, second))
    far = lab.get("pod", "far")["status"]["podIP"]
    assert asked(f"{far}:8080") == ""
    lab.run(up.node_on(lab.settings, second))
    # What was said before is still there: a new container is what shows that it runs again.
    for name in ("far", "reader"):
        eventually(lambda pod=name: _started(lab, pod)[1] > 0, f"{name} to be started again")
    lab.ready("far", "reader")
    far = lab.get("pod", "far")["status"]["podIP"]
    answers(f"{far}:8080", "far")
    assert _started(lab, "hello") == served


def test_all_killed_at_once_comes_back(lab: Lab) -> None:
    before = {name: _started(lab, name) for name in ("hello", "other", "far", "reader")}
    lab.kill(*lab.everybody())
    lab.up()
    assert set(lab.running()) > {*COMPONENTS, "node1", "node2", "node2-kubelet"}
    for name, started in before.items():
        eventually(lambda pod=name, was=started: _started(lab, pod) != was, f"{name} to start")
    lab.ready(*before)
    front = _address(lab, "front")
    # Both write the file of their common volume when they start: the later one is read.
    eventually(lambda: asked(front) in {"hello", "reader"}, f"an answer from {front}")


def test_down_leaves_nothing_and_may_be_said_twice(lab: Lab) -> None:
    left = tests_lab.machine()
    del left["mounts"], left["namespaces"]
    assert all(left.values()), "the looking sees a lab that is up"
    for _ in range(2):
        lab.down()
        assert not any(tests_lab.machine().values())
        assert list(lab.settings.root.iterdir()) == []
    assert (lab.settings.cache / "kubernetes").is_dir()
