"""Does a whole run prove what it should, name what is wrong, and leave nothing?"""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import fake_cloud
import openstack
import pytest
from openstack.config import loader

from ouranos.engine.apiserver import parts, server
from ouranos.images import guest as guest_image
from ouranos.images import qcow2
from ouranos.kit import cluster, kinds
from ouranos.verify import guest, inside, proofs, run, story, tenant

Said = list[str]
ACCESS = {"auth": {"auth_url": "http://keystone:5000/v3"}, "region_name": "Düdingen Test"}


def labels(selector: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in selector.split(","))


def pod(name: str, selector: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "home", "labels": labels(selector)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


LIBVIRT: dict[str, Any] = {
    "nodeName": "node1",
    "containers": [
        {
            "name": "libvirtd",
            "image": "registry.example/ouranos/libvirt:2026.2",
            "volumeMounts": [
                {"name": "tmp", "mountPath": "/tmp"},
                {"name": "run", "mountPath": "/run/libvirt"},
            ],
        }
    ],
    "volumes": [
        {"name": "tmp", "emptyDir": {}},
        {"name": "run", "hostPath": {"path": "/run/ouranos/home/libvirt", "type": ""}},
    ],
}
OVN: dict[str, Any] = {
    "nodeName": "node1",
    "containers": [{"name": "northbound", "image": "registry.example/ouranos/ovn:2026.2"}],
}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> fake_cloud.Cloud:
    """A cloud, in the place of what the libraries would reach."""
    made = fake_cloud.Cloud()

    def connection(**given: Any) -> fake_cloud.Connection:
        if "config" in given:
            assert given["config"] == ACCESS
            return fake_cloud.Connection(made)
        assert given["region_name"] == "Düdingen Test"
        return fake_cloud.Connection(made, given["project_id"])

    class Config:
        def __init__(self, *, load_yaml_config: bool, load_envvars: bool) -> None:
            assert not load_yaml_config
            assert not load_envvars

        def get_one(self, **access: Any) -> dict[str, Any]:
            return access

    monkeypatch.setattr(openstack.connection, "Connection", connection)
    monkeypatch.setattr(loader, "OpenStackConfig", Config)
    monkeypatch.setattr(http.client, "HTTPConnection", fake_cloud.guests_http(made))
    return made


@pytest.fixture
def order(tmp_path: Path) -> run.Order:
    disk = tmp_path / "disk.img"
    disk.write_bytes(qcow2.empty(1 << 20))
    return run.Order("home", ACCESS, tmp_path, image=str(disk))


@pytest.fixture
async def hypervisor(
    api: server.ApiServer, source: cluster.Cluster
) -> AsyncIterator[dict[str, Any]]:
    """A machine on which Jobs end at once; what libvirt and OVN tell them, and what was asked."""
    await source.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}})
    await source.create(pod("libvirt-x", inside.LIBVIRT, LIBVIRT))
    await source.create(pod("ovn-0", inside.OVN, OVN))
    metadata = {"name": inside.NORTHBOUND, "namespace": "home"}
    spec = {"clusterIP": "172.31.0.11", "ports": [{"port": 6641}]}
    await source.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
    told: dict[str, Any] = {
        "libvirt": ["a-stranger"],
        "ovn": ["neutron-other"],
        "phase": "Succeeded",
        "asked": {},
    }

    async def logs(request: parts.LogRequest) -> AsyncIterator[bytes]:
        about = request.pod.split("-")[1]
        yield "\n\n".join(told[about]).encode()

    api.pod_logs = logs

    async def work() -> None:
        begin = (await source.list(kinds.JOB)).resource_version
        async for event in source.watch(kinds.JOB, "home", resource_version=begin):
            if event.type != "ADDED":
                continue
            name = event.object["metadata"]["name"]
            spec = event.object["spec"]["template"]["spec"]
            told["asked"][name.split("-")[1]] = spec
            made = await source.create(pod(f"{name}-x", f"job-name={name}", spec))
            await source.replace_status({**made, "status": {"phase": told["phase"]}})

    working = asyncio.create_task(work())
    yield told
    working.cancel()


@pytest.fixture
def told() -> Said:
    return []


@pytest.fixture
def one(cloud: fake_cloud.Cloud, told: Said) -> story.Story:
    """A run whose user is in."""
    begun = story.Story(fake_cloud.Connection(cloud), "c0ffee", "public", "m1.nano", told.append)
    tenant.enter(begun)
    return begun


async def test_a_cloud_that_works_is_proved_part_by_part_and_nothing_is_left(
    cloud: fake_cloud.Cloud,
    order: run.Order,
    source: cluster.Cluster,
    hypervisor: dict[str, Any],
    told: Said,
) -> None:
    assert hypervisor["libvirt"]
    shown = await run.verify(order, source, told.append)
    report = shown.report()
    names = [proof["name"] for proof in report["proofs"]]
    assert names == [
        "project and user",
        "image uploaded",
        "network, subnet, router",
        "security group, key pair",
        "server ACTIVE",
        "HTTP by floating IP, metadata, user-data",
        "console log",
        "volume created",
        "volume attached, bytes written",
        "volume detached, attached again, bytes read back",
        "server snapshot",
        "server stopped and started, HTTP again",
        "everything deleted",
        "nothing is left in OpenStack, libvirt, OVN",
    ]
    assert len(told) == len(names)
    assert any(
        line.endswith(f"{fake_cloud.ADDRESS}, hostname verify-guest.novalocal") for line in told
    )
    json.dumps(report)
    left = {kind: list(things) for kind, things in cloud.things.items() if things}
    assert left.keys() == {"network", "flavor", "role"}
    assert left["network"] == ["outside"]
    assert (await source.list(kinds.JOB)).items == []


async def test_what_an_interrupted_run_left_goes_first(
    cloud: fake_cloud.Cloud,
    order: run.Order,
    source: cluster.Cluster,
    hypervisor: dict[str, Any],
    told: Said,
) -> None:
    assert hypervisor
    old = cloud.add("project", name="verify-old", description=tenant.MARK)
    cloud.add("user", name="verify-old", description=tenant.MARK)
    stranger = cloud.add("user", name="verify-old", description="a person")
    cloud.add("server", project_id=old.id, status="ACTIVE")
    cloud.add("volume", project_id=old.id, status="available", server="")
    await run.verify(order, source, told.append)
    assert told[0] == "removing what an interrupted run left: verify-old"
    assert list(cloud.things["user"]) == [stranger.id]
    assert not cloud.things["project"]
    assert not cloud.things["server"]
    assert not cloud.things["volume"]


async def test_all_is_deleted_though_a_proof_failed(
    cloud: fake_cloud.Cloud,
    order: run.Order,
    source: cluster.Cluster,
    told: Said,
) -> None:
    cloud.after_boot = "ERROR"
    with pytest.raises(story.ProofError, match="server ACTIVE: ERROR: no fault given"):
        await run.verify(order, source, told.append)
    assert not cloud.things["server"]
    assert not cloud.things["project"]
    assert list(cloud.things["network"]) == ["outside"]


async def test_what_stays_behind_is_named(
    cloud: fake_cloud.Cloud,
    order: run.Order,
    source: cluster.Cluster,
    told: Said,
) -> None:
    cloud.stays = {"router"}
    with pytest.raises(story.ProofError, match=r"left in OpenStack: .*routers router-\d+"):
        await run.verify(order, source, told.append)


async def test_a_guest_that_libvirt_still_knows_is_named(
    cloud: fake_cloud.Cloud,
    one: story.Story,
    order: run.Order,
    source: cluster.Cluster,
    hypervisor: dict[str, Any],
) -> None:
    assert cloud
    one.made = {"server": "a-stranger", "network": "n"}
    hypervisor["ovn"] = ["neutron-n", "neutron-other"]
    with pytest.raises(story.ProofError) as caught:
        await run._nothing_left(one, order, source)
    assert str(caught.value) == "still there: libvirt domain a-stranger, OVN neutron-n"


async def test_servers_are_asked_by_pods_with_their_own_image_and_little_else(
    source: cluster.Cluster, hypervisor: dict[str, Any]
) -> None:
    assert await inside.domains(source, "home") == {"a-stranger"}
    assert await inside.networks(source, "home") == {"neutron-other"}
    libvirt, ovn = hypervisor["asked"]["libvirt"], hypervisor["asked"]["ovn"]
    assert libvirt["nodeName"] == "node1"
    assert libvirt["volumes"] == [LIBVIRT["volumes"][1]]
    assert libvirt["containers"][0]["volumeMounts"] == [
        {"name": "run", "mountPath": "/run/libvirt", "readOnly": True}
    ]
    assert "nodeName" not in ovn
    assert "volumes" not in ovn
    assert ovn["securityContext"]["runAsNonRoot"] is True
    assert "--db=tcp:172.31.0.11:6641" in ovn["containers"][0]["command"]
    for asked, image in ((libvirt, "libvirt"), (ovn, "ovn")):
        (container,) = asked["containers"]
        assert container["image"] == f"registry.example/ouranos/{image}:2026.2"
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"].keys() == {"requests", "limits"}


async def test_what_cannot_be_asked_is_said_and_not_taken_for_empty(
    source: cluster.Cluster,
) -> None:
    with pytest.raises(story.ProofError, match="the Service ovn-nb has no address"):
        await inside.networks(source, "home")
    with pytest.raises(story.ProofError, match="libvirt runs on no machine"):
        await inside.domains(source, "home")


def test_the_small_guest_is_uploaded_in_its_parts(
    cloud: fake_cloud.Cloud, one: story.Story, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("kernel", "ramdisk", "disk")]
    for file in files:
        file.write_bytes(b"x")
    proofs.image(one, guest_image.GuestImage(*files, "console=ttyS0", "digest"))
    disk = cloud.things["image"][one.made["image"]]
    assert (disk.kernel_id, disk.ramdisk_id) == (one.made["kernel"], one.made["ramdisk"])
    assert disk.os_command_line == "console=ttyS0"


def booted(one: story.Story, tmp_path: Path) -> None:
    path = tmp_path / "raw.img"
    path.write_bytes(b"raw")
    proofs.volume_asked(one)
    proofs.own_image(one, str(path))
    proofs.network(one)
    proofs.server(one)


def test_a_guest_without_its_name_has_no_metadata(
    cloud: fake_cloud.Cloud, one: story.Story, tmp_path: Path
) -> None:
    booted(one, tmp_path)
    cloud.hostname = "localhost"
    with pytest.raises(story.ProofError, match="calls itself 'localhost', not verify-guest"):
        proofs.http(one)


def test_bytes_that_are_not_written_or_not_read_back_are_said(
    cloud: fake_cloud.Cloud, one: story.Story, tmp_path: Path
) -> None:
    booted(one, tmp_path)
    proofs.http(one)
    cloud.writes = "no space"
    with pytest.raises(story.ProofError, match="the guest answered 'no space'"):
        proofs.volume(one)
    cloud.writes = "written"
    cloud.things["volume"][one.made["volume"]].status = "available"
    cloud.bytes = _Forgetful()
    with pytest.raises(story.ProofError, match="reading the volume back: 'else' instead of"):
        proofs.volume(one)


class _Forgetful(dict[str, str]):
    def __getitem__(self, _: str) -> str:
        return "else"


def test_a_volume_that_cannot_be_made_ends_the_waiting(
    cloud: fake_cloud.Cloud, one: story.Story
) -> None:
    proofs.volume_asked(one)
    cloud.things["volume"][one.made["volume"]].status = "error_extending"
    with pytest.raises(story.ProofError, match="volume available: error_extending"):
        proofs.volume(one.__class__(**_fields(one), made={**one.made, "address": "x"}))


def _fields(one: story.Story) -> dict[str, Any]:
    names = ("admin", "token", "public_network", "flavor", "say", "tenant")
    return {name: getattr(one, name) for name in names}


def test_a_guest_that_does_not_answer_yet_says_nothing(cloud: fake_cloud.Cloud) -> None:
    assert not list(cloud.all("server"))
    assert guest.ask(fake_cloud.ADDRESS, "/proof.txt") == ""


async def test_a_libvirt_that_does_not_answer_is_named_and_its_job_removed(
    source: cluster.Cluster, hypervisor: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    hypervisor["phase"] = "Pending"
    at_once = asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", lambda _: at_once(0.01))
    with pytest.raises(story.ProofError, match="libvirt on node1: no answer within 60 s"):
        await inside.domains(source, "home")
    assert (await source.list(kinds.JOB)).items == []


async def test_who_is_interrupted_waits_for_the_proof_that_goes_on() -> None:
    """Else another `verify` would begin beside it, and remove what it makes."""
    begun, on, ended = threading.Event(), threading.Event(), threading.Event()

    def prove(seconds: float) -> None:
        begun.set()
        on.wait(seconds)
        ended.set()

    waiting = asyncio.ensure_future(run._in_thread(prove, 3.0))
    await asyncio.to_thread(begun.wait)
    waiting.cancel()
    await asyncio.sleep(0.05)
    assert not waiting.done()
    on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()
