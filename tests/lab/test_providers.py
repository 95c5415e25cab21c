"""Do claims get their volumes and Services their addresses, whatever happens in between?"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from ouranos.kit import cluster, controller, kinds, seams
from ouranos.kit.objects import Object
from ouranos.lab import objects as given_objects
from ouranos.lab import up
from ouranos.lab.providers import addresses, volumes

NETWORK = IPv4Network("172.30.1.0/29")


def service(name: str, *held: str, kind: str = "LoadBalancer", **spec: Any) -> Object:
    made: Object = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "home"},
        "spec": {"type": kind, "ports": [{"port": 80}], **spec},
    }
    if held:
        made["status"] = {"loadBalancer": {"ingress": [{"ip": ip} for ip in held]}}
    return made


def claim(name: str = "data", storage: str = "local") -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "home"},
        "spec": {
            "storageClassName": storage,
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


@contextlib.asynccontextmanager
async def running(source: cluster.Cluster, given: seams.Seams, folder: Path) -> AsyncIterator[None]:
    every = (*volumes.controllers_of(folder), addresses.controller_of(NETWORK))
    runner = controller.ControllerRunner(every, controller.Mirror(source, every, given))
    task = asyncio.create_task(controller.run_alone(runner))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _until(asked: Callable[[], Any]) -> Any:
    async with asyncio.timeout(60):
        while not (found := await asked()):  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(0.1)
    return found


async def _ip(source: cluster.Cluster, name: str) -> str:
    found = await source.get(kinds.SERVICE, name, "home")
    assert found is not None
    return ",".join(map(str, addresses.addresses(found)))


@pytest.mark.parametrize(
    ("held", "asked", "chosen"),
    [
        ([], None, "172.30.1.1"),
        (["172.30.1.1", "172.30.1.3"], None, "172.30.1.2"),
        ([], "172.30.1.5", "172.30.1.5"),
        (["172.30.1.5"], "172.30.1.5", None),
        ([], "192.0.2.1", "172.30.1.1"),
        ([], "2001:db8::1", "172.30.1.1"),
        ([f"172.30.1.{last}" for last in range(1, 7)], None, None),
        (["2001:db8::1", ""], None, "172.30.1.1"),
    ],
)
def test_a_free_address_is_chosen(held: list[str], asked: str | None, chosen: str | None) -> None:
    found = addresses.choose(NETWORK, [service(f"s{ip}", ip) for ip in held], asked)
    assert found == (chosen and IPv4Address(chosen))


@pytest.mark.virtual_time
async def test_services_have_addresses_of_their_own_and_keep_them(
    source: cluster.Cluster, given: seams.Seams, tmp_path: Path
) -> None:
    for number in range(4):
        await source.create(service(f"s{number}"))
    await source.create(service("other", loadBalancerClass="somebody/else"))
    async with running(source, given, tmp_path):
        first = [await _until(lambda n=n: _ip(source, f"s{n}")) for n in range(4)]
        assert len(set(first)) == 4
    # A successor that knows nothing of it leaves them, and gives away what is free alone.
    await source.delete(kinds.SERVICE, "s1", "home")
    await source.create(service("new"))
    async with running(source, given, tmp_path):
        assert await _until(lambda: _ip(source, "new")) == first[1]
        kept = [await _ip(source, f"s{n}") for n in (0, 2, 3)]
    assert kept == [first[0], *first[2:]]
    assert await _ip(source, "other") == ""


@pytest.mark.virtual_time
async def test_who_comes_when_all_are_taken_gets_the_first_that_is_free(
    source: cluster.Cluster, given: seams.Seams, tmp_path: Path
) -> None:
    async with running(source, given, tmp_path):
        for number in range(6):
            await source.create(service(f"s{number}"))
            await _until(lambda n=number: _ip(source, f"s{n}"))
        await source.create(service("late"))
        await asyncio.sleep(60)
        assert await _ip(source, "late") == ""
        freed = await _ip(source, "s3")
        await source.delete(kinds.SERVICE, "s3", "home")
        assert await _until(lambda: _ip(source, "late")) == freed


@pytest.mark.virtual_time
async def test_a_service_of_another_type_gives_its_address_back(
    source: cluster.Cluster, given: seams.Seams, tmp_path: Path
) -> None:
    async with running(source, given, tmp_path):
        await source.create(service("web"))
        await _until(lambda: _ip(source, "web"))
        await source.patch(kinds.SERVICE, "web", "home", {"spec": {"type": "ClusterIP"}})

        async def given_back() -> bool:
            return await _ip(source, "web") == ""

        assert await _until(given_back)


@pytest.mark.virtual_time
async def test_a_claim_gets_one_volume_with_a_folder(
    source: cluster.Cluster, given: seams.Seams, tmp_path: Path
) -> None:
    made = await source.create(claim())
    await source.create(claim("foreign", "fast"))
    name = f"pvc-{made['metadata']['uid']}"

    async def found() -> Object | None:
        return await source.get(kinds.PERSISTENT_VOLUME, name)

    for _ in range(2):
        async with running(source, given, tmp_path):
            volume = await _until(found)
            await asyncio.sleep(5)
    assert volume["spec"]["claimRef"]["name"] == "data"
    assert volume["spec"]["capacity"] == {"storage": "1Gi"}
    assert volume["spec"]["local"] == {"path": f"/var/volumes/{name}"}
    assert _names(tmp_path) == [name]
    assert len((await source.list(kinds.PERSISTENT_VOLUME)).items) == 1


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _released(name: str, provisioner: str = given_objects.PROVISIONER) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": provisioner},
        },
        "spec": {
            "persistentVolumeReclaimPolicy": "Delete",
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "hostPath": {"path": "/x"},
        },
        "status": {"phase": "Released"},
    }


OURS = "pvc-00000000-1111-2222-3333-444444444444"


@pytest.mark.virtual_time
async def test_a_released_volume_goes_and_nothing_but_its_folder(
    source: cluster.Cluster, given: seams.Seams, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    folder = tmp_path / "volumes"
    folder.mkdir()
    (folder / OURS / "deep").mkdir(parents=True)
    (folder / OURS / "link").symlink_to(outside)
    linked = f"{OURS[:-1]}5"
    (folder / linked).symlink_to(outside)
    (folder / "precious").mkdir()
    names = (OURS, linked, "precious", "theirs")
    for name in names:
        of = "somebody/else" if name == "theirs" else given_objects.PROVISIONER
        wanted = _released(name, of)
        made = await source.create(wanted)
        await source.replace_status({**made, "status": wanted["status"]})
    async with running(source, given, folder):

        async def left() -> bool:
            found = (await source.list(kinds.PERSISTENT_VOLUME)).items
            return [one["metadata"]["name"] for one in found] == ["theirs"]

        assert await _until(left)
    assert not (folder / OURS).exists()
    assert (outside / "kept").exists()
    assert (folder / "precious").is_dir()


def _node(status: str, heard: str) -> Object:
    ready = {"type": "Ready", "status": status, "lastHeartbeatTime": heard}
    return {"kind": "Node", "status": {"conditions": [ready]}}


def test_a_node_is_ready_when_it_says_so_now() -> None:
    begun = datetime.fromisoformat("2026-01-01T10:00:00Z")
    assert up.is_node_ready(_node("True", "2026-01-01T09:00:00Z"))
    assert not up.is_node_ready(_node("True", "2026-01-01T09:59:59Z"), begun)
    assert up.is_node_ready(_node("True", "2026-01-01T10:00:00Z"), begun)
    assert not up.is_node_ready(_node("False", "2026-01-01T10:00:05Z"), begun)
    assert not up.is_node_ready({"kind": "Node"})
