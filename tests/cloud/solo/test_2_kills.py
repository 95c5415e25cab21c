"""`kill -9` of any one process: Ready again without help, the guest goes on, nothing runs twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests_cloud import Cloud, eventually

from ouranos.solo import lock

# pod label app.kubernetes.io/name, and a word of the main process' command line
VICTIMS = (
    ("mariadb", "mariadbd"),
    ("rabbitmq", "beam"),
    ("memcached", "memcached"),
    ("ovn", "ovsdb-server"),
    ("ovn", "ovn-northd"),
    ("keystone", "python"),
    ("glance", "python"),
    ("placement", "python"),
    ("nova", "python"),
    ("neutron", "python"),
    ("cinder", "python"),
    ("ovs", "ovsdb-server"),
    ("ovs", "ovs-vswitchd"),
    ("ovn-controller", "ovn-controller"),
    ("ovn-metadata", "python"),
    ("libvirt", "libvirtd"),
    ("nova-compute", "python"),
)


def running_containers(cloud: Cloud) -> dict[str, tuple[str, int]]:
    """ContainerID → (name/component of its pod, restarts)."""
    found: dict[str, tuple[str, int]] = {}
    for pod in cloud.objects("pods"):
        labels = pod["metadata"]["labels"]
        for status in pod["status"].get("containerStatuses", []):
            if "running" in status["state"]:
                identity = status["containerID"].rpartition("/")[2]
                found[identity] = (labels["app.kubernetes.io/name"], status["restartCount"])
    return found


def pids_of(cloud: Cloud, name: str, word: str) -> list[int]:
    """Processes of the containers of a pod label whose command line has the word."""
    ours = {each for each, (label, _) in running_containers(cloud).items() if label == name}
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            groups = (entry / "cgroup").read_text()
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if word in words and any(each in groups for each in ours):
            found.append(int(entry.name))
    return found


def ready_and_once(cloud: Cloud) -> bool:
    """Ready, and no container of a pod runs twice."""
    if not cloud.ready():
        return False
    pods = [pod for pod in cloud.objects("pods") if pod["status"].get("phase") == "Running"]
    return all(
        status["ready"] for pod in pods for status in pod["status"].get("containerStatuses", [])
    )


@pytest.mark.parametrize(("name", "word"), VICTIMS, ids=str)
def test_a_killed_process_comes_back(running: Cloud, guest: Any, name: str, word: str) -> None:
    victims = pids_of(running, name, word)
    assert victims, f"no process {word} in {name}"
    boots = guest.boots() if name not in {"nova", "neutron", "keystone"} else None
    os.kill(victims[0], signal.SIGKILL)
    eventually(
        lambda: victims[0] not in pids_of(running, name, word) and pids_of(running, name, word),
        120,
        f"{word} of {name} running again",
    )
    eventually(lambda: ready_and_once(running), 300, "Ready again")
    guest.wait_answers()
    if boots is not None:
        assert guest.boots() == boots, "the guest went on, it did not boot again"


def test_the_daemon_and_the_supervisor_bring_each_other_back(running: Cloud, guest: Any) -> None:
    for path in ("daemon.lock", "supervisor.lock"):
        pid = lock.holder_of(running.folder / path)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        eventually(
            lambda path=path, pid=pid: lock.holder_of(running.folder / path) not in {None, pid},
            60,
            f"another holder of {path}",
        )
        running.wait_ready()
        guest.wait_answers()


def test_everything_killed_at_once_is_there_again_with_its_data(running: Cloud, guest: Any) -> None:
    """Power loss, but for the kernel: all processes of the cloud at one moment."""
    before = {each["metadata"]["uid"] for each in running.objects("secrets")}
    daemon = lock.holder_of(running.folder / "daemon.lock")
    supervisor = lock.holder_of(running.folder / "supervisor.lock")
    assert daemon is not None
    assert supervisor is not None
    marker = str(running.folder)
    victims = [supervisor, daemon]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in {os.getpid(), supervisor, daemon}:
            continue
        try:
            text = (entry / "cgroup").read_text() + (entry / "cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if marker in text or f"{running.name}-1" in text:
            victims.append(int(entry.name))
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    running.up()
    assert {each["metadata"]["uid"] for each in running.objects("secrets")} == before
    server = guest.run.tenant.compute.get_server(guest.server)
    assert server.id == guest.server
    if server.status == "SHUTOFF":
        guest.run.tenant.compute.start_server(guest.server)
    guest.wait_answers()
