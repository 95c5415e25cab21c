"""`kill -9` of any one process: Ready again without help, the guest goes on, nothing runs twice."""

from __future__ import annotations

import contextlib
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests_cloud import Cloud, eventually

from ouranos.solo import lock, machine

# service, component, container of each process that a cloud at rest has
VICTIMS = (
    ("mariadb", "server", "mariadbd"),
    ("rabbitmq", "server", "rabbitmq"),
    ("memcached", "server", "memcached"),
    ("ovn", "server", "northbound"),
    ("ovn", "server", "southbound"),
    ("ovn", "server", "northd"),
    ("keystone", "api", "api"),
    ("glance", "api", "api"),
    ("placement", "api", "api"),
    ("nova", "api", "api"),
    ("nova", "conductor", "conductor"),
    ("nova", "scheduler", "scheduler"),
    ("nova", "metadata", "metadata"),
    ("neutron", "api", "api"),
    ("neutron", "workers", "workers"),
    ("cinder", "api", "api"),
    ("cinder", "scheduler", "scheduler"),
    ("cinder", "volume", "volume"),
    ("hypervisor", "openvswitch", "ovsdb-server"),
    ("hypervisor", "openvswitch", "vswitchd"),
    ("hypervisor", "ovn-controller", "ovn-controller"),
    ("hypervisor", "metadata-agent", "metadata-agent"),
    ("hypervisor", "libvirt", "libvirtd"),
    ("hypervisor", "nova-compute", "nova-compute"),
)


def main_process(cloud: Cloud, service: str, component: str, container: str) -> int | None:
    """The first process of the container, or None while it does not run.

    Fails when the container runs twice.
    """
    labels = {"app.kubernetes.io/name": service, "app.kubernetes.io/component": component}
    pods = {
        pod["metadata"]["name"]
        for pod in cloud.objects("pods")
        if labels.items() <= pod["metadata"]["labels"].items()
    }
    found = [
        each["init"]["pid"]
        for each in cloud.records()
        if each["pod"] in pods and each["container"] == container
    ]
    assert len(found) <= 1, f"{service}/{component} {container} runs {len(found)} times"
    return found[0] if found else None


@pytest.mark.parametrize(("service", "component", "container"), VICTIMS)
def test_a_killed_process_comes_back(
    running: Cloud, guest: Any, service: str, component: str, container: str
) -> None:
    victim = main_process(running, service, component, container)
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    eventually(
        lambda: main_process(running, service, component, container) not in {None, victim},
        120,
        f"{container} of {service} running again",
    )
    running.wait_settled()
    guest.wait_answers()
    assert guest.boots() == 1, "the guest went on, it did not boot again"


def test_what_is_sent_before_its_receiver_is_back_waits_for_it(running: Cloud, guest: Any) -> None:
    broker = main_process(running, "rabbitmq", "server", "rabbitmq")
    receiver = main_process(running, "hypervisor", "nova-compute", "nova-compute")
    assert broker is not None
    assert receiver is not None
    os.kill(receiver, signal.SIGSTOP)
    try:
        os.kill(broker, signal.SIGKILL)
        with ThreadPoolExecutor(1) as beside:
            answer = beside.submit(guest.boots)
            eventually(lambda: waiting_at_the_broker(running, "compute."), 60, "a message waiting")
            os.kill(receiver, signal.SIGCONT)
            assert answer.result(120) == 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(receiver, signal.SIGCONT)
    running.wait_settled()


def waiting_at_the_broker(cloud: Cloud, queue: str) -> bool:
    """Whether a message waits in the queue of Nova whose name begins so; it stays there."""
    admin = cloud.secret("rabbitmq-admin-1")
    with httpx2.Client(
        base_url=f"http://{cloud.node}:15672/api/queues/",
        auth=(admin["username"], admin["password"]),
    ) as http:
        try:
            names = [each["name"] for each in http.get("nova").raise_for_status().json()]
            (name,) = (each for each in names if each.startswith(queue))
            order = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
            found = http.post(f"nova/{name}/get", json=order).raise_for_status()
        except httpx2.HTTPError:
            return False
        return len(found.json()) > 0


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


def test_everything_killed_at_once_is_there_again_with_its_data(
    running: Cloud, guest: Any, foreign: Any
) -> None:
    """Power loss, but for the kernel: all processes of the cloud at one moment."""
    before = {each["metadata"]["uid"] for each in running.objects("secrets")}
    daemon = lock.holder_of(running.folder / "daemon.lock")
    supervisor = lock.holder_of(running.folder / "supervisor.lock")
    assert daemon is not None
    assert supervisor is not None
    marker, bridge = str(running.folder), machine.bridge_name(running.paths)
    victims = [supervisor, daemon]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in {os.getpid(), supervisor, daemon}:
            continue
        try:
            text = (entry / "cgroup").read_text() + (entry / "cmdline").read_text(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if marker in text or bridge in text:
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
    foreign.untouched(running)
