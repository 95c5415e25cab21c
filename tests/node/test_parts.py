"""The smaller parts of a node: probes, files of volumes, the environment, cgroups, threads."""

import asyncio
import contextlib
import os
import signal
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from node_builders import NOW, container, pod, record
from node_runtime import Space

from ouranos.engine.node import (
    cgroups,
    config,
    conmon,
    ending,
    environment,
    facts,
    hosts,
    identity,
    linux,
    logs,
    lookups,
    obstacles,
    payloads,
    probes,
    pulling,
    records,
    rootfs,
    security,
    spec,
    volumes,
)
from ouranos.kit import errors, kinds, objects

AROUND = environment.Surroundings("n", "10.0.0.2", {"cpu": "4", "memory": "8Gi"})


# Probes


@asynccontextmanager
async def web(answer: bytes) -> AsyncIterator[tuple[probes.Target, list[str]]]:
    asked: list[str] = []
    done: list[asyncio.Event] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done.append(asyncio.Event())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(answer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        done[-1].set()

    async def execute(command: list[str], seconds: float) -> tuple[int, str]:
        await asyncio.sleep(0)
        return 0, ""

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    async with server:
        yield (
            probes.Target("127.0.0.1", {"web": port}, asyncio.open_connection, execute),
            asked,
        )
    for one in done:
        await one.wait()


ANSWERS = {
    "a good answer": (b"HTTP/1.1 204 No Content\r\n\r\n", True, ""),
    "a redirection": (b"HTTP/1.1 302 Found\r\n\r\n", True, ""),
    "a refusal": (b"HTTP/1.1 503 Busy\r\n\r\n", False, "statuscode: 503"),
    "something else": (b"SSH-2.0-x\r\n", False, "not HTTP"),
    "nothing": (b"", False, "not HTTP"),
}


@pytest.mark.enable_socket
@pytest.mark.parametrize("case", ANSWERS)
async def test_a_probe_by_http(case: str) -> None:
    answer, passed, words = ANSWERS[case]
    told = {
        "path": "/well",
        "port": "web",
        "httpHeaders": [{"name": "X-Of", "value": "test"}],
    }
    async with web(answer) as (target, asked):
        for where in ({}, {"host": "localhost"}):
            found = await probes.check({"httpGet": {**told, **where}}, target)
            assert found.passed is passed
            assert words in found.text
    assert "GET /well HTTP/1.1\r\n" in asked[0]
    assert "X-Of: test\r\n" in asked[0]


@pytest.mark.enable_socket
async def test_a_probe_by_connection() -> None:
    async with web(b"") as (target, _):
        assert (await probes.check({"tcpSocket": {"port": "web"}}, target)).passed
    found = await probes.check({"tcpSocket": {"port": "web"}}, target)
    assert not found.passed


@pytest.mark.enable_socket
async def test_a_probe_by_https_wants_tls() -> None:
    async with web(b"plain\r\n\r\n") as (target, _):
        told = {"scheme": "HTTPS", "port": "web"}
        found = await probes.check({"httpGet": told, "timeoutSeconds": 1}, target)
    assert not found.passed


async def test_probes_that_are_not_there_or_not_answered() -> None:
    async def never(host: str, port: int) -> Any:
        await asyncio.sleep(60)

    async def execute(command: list[str], seconds: float) -> tuple[int, str]:
        raise NotImplementedError

    target = probes.Target("10.0.0.2", {}, never, execute)
    told = {"tcpSocket": {"host": "localhost", "port": 1}, "timeoutSeconds": 0.01}
    assert "no answer within" in (await probes.check(told, target)).text
    assert "this node has only" in (await probes.check({"grpc": {"port": 1}}, target)).text
    assert not (await probes.check({"tcpSocket": {"port": "unnamed"}}, target)).passed


async def test_without_a_network_nothing_is_connected_to() -> None:
    class Held:
        space = Space()

        async def execute(self, *_: object) -> Any:
            raise errors.Transient("refused")

    own = container(ports=[{"name": "web", "containerPort": 80}, {"containerPort": 81}])
    target = ending.target(Held(), record(), own, "10.0.0.2", None)  # type: ignore[arg-type]
    assert target.ports == {"web": 80}
    with pytest.raises(OSError, match="network is gone"):
        await target.connect("127.0.0.1", 80)
    found = await probes.check({"exec": {"command": ["x"]}}, target)
    assert (found.passed, found.text) == (False, "refused")


# What files and variables say


def held(**found: dict[str, Any]) -> lookups.Lookups:
    def find(kind: objects.Kind, namespace: str, name: str) -> objects.Object | None:
        content = found.get(name)
        return None if content is None else {"kind": kind.kind, **content}

    return lookups.Lookups(find, "home")


def test_a_projected_volume_has_the_files_of_all_its_sources() -> None:
    sources = [
        {"configMap": {"name": "c", "items": [{"key": "k", "path": "a/b", "mode": 0o400}]}},
        {"secret": {"name": "s", "optional": True}},
        {
            "downwardAPI": {
                "items": [
                    {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}, "mode": 0o440},
                    {
                        "path": "cpu",
                        "resourceFieldRef": {"containerName": "main", "resource": "limits.cpu"},
                    },
                ]
            }
        },
    ]
    volume = {"name": "v", "projected": {"defaultMode": 0o600, "sources": sources}}
    found = payloads.build(volume, pod(), AROUND, held(c={"data": {"k": "v"}}))
    assert found == {
        "a/b": payloads.File(b"v", 0o400),
        "name": payloads.File(b"p", 0o440),
        "cpu": payloads.File(b"4", 0o600),
    }
    assert payloads.is_secret(volume)
    assert payloads.is_payload(volume)


BAD_FILES = {
    "a key that is not there": (
        {"configMap": {"name": "c", "items": [{"key": "no", "path": "x"}]}},
        "non-existent key: no",
    ),
    "a way out": (
        {"configMap": {"name": "c", "items": [{"key": "k", "path": "../x"}]}},
        "leads out",
    ),
    "a source of another kind": (
        {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
        "cannot make a volume of serviceAccountToken",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_files_that_a_volume_cannot_have(case: str) -> None:
    volume, words = BAD_FILES[case]
    with pytest.raises(lookups.Missing, match=words):
        payloads.build({"name": "v", **volume}, pod(), AROUND, held(c={"data": {"k": "v"}}))


def test_an_optional_key_may_be_missing() -> None:
    told = {"name": "c", "optional": True, "items": [{"key": "no", "path": "x"}]}
    volume = {"name": "v", "configMap": told}
    assert payloads.build(volume, pod(), AROUND, held(c={"data": {"k": "v"}})) == {}
    assert held().value(kinds.SECRET, {"name": "s", "key": "k", "optional": True}) is None
    with pytest.raises(lookups.Missing, match="couldn't find key"):
        held(s={"data": {}}).value(kinds.SECRET, {"name": "s", "key": "k"})


def test_what_a_pod_can_learn_of_itself() -> None:
    metadata = {"labels": {"b": 'x"y\\\n', "a": "1"}}
    told = pod(metadata=metadata)
    fields = {
        "metadata.name": "p",
        "metadata.labels['a']": "1",
        "metadata.labels": 'a="1"\nb="x\\"y\\\\\\n"',
        "spec.nodeName": "n",
        "status.podIP": "10.0.0.2",
    }
    for path, expected in fields.items():
        assert environment.field(told, path, AROUND) == expected
    with pytest.raises(lookups.Missing, match="unsupported fieldPath"):
        environment.field(told, "spec.hostname", AROUND)
    own = container(resources={"requests": {"memory": "100Mi"}})
    for reference, expected in (
        ({"resource": "requests.memory", "divisor": "1Mi"}, "100"),
        ({"resource": "limits.memory", "divisor": "1Gi"}, "8"),
        ({"resource": "requests.cpu"}, "0"),
    ):
        assert environment.resource(told, own, reference, AROUND) == expected
    env = [
        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "B", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ]
    found = environment.build(told, container(env=env), {}, AROUND, held())
    assert (found["A"], found["B"]) == ("p", "4")


def test_a_named_endpoint_has_a_name_of_its_own() -> None:
    slices = [
        {
            "metadata": {
                "name": "s",
                "namespace": "home",
                "labels": {"kubernetes.io/service-name": "db"},
            },
            "endpoints": [
                {"hostname": "db-0", "addresses": ["10.0.0.2"]},
                {"addresses": ["10.0.0.3"]},
            ],
        }
    ]
    told = pod(subdomain="db", hostname="db-0")
    services = [{"metadata": {"name": "x", "namespace": "home"}, "spec": {"clusterIP": "None"}}]
    text = hosts.text(told, "db-0", "10.0.0.2", services, slices)
    assert "10.0.0.2\tdb-0.db db-0.db.home" in text
    assert "10.0.0.2\tdb-0.db.home.svc.cluster.local db-0" in text
    assert "10.0.0.3" not in text
    assert "\tx" not in text
    assert hosts.host_name(pod(hostNetwork=True), "n") == "n"
    told = pod(dnsConfig={"nameservers": ["10.0.0.9"], "searches": ["a", "b"]})
    assert hosts.resolver(told).splitlines()[:2] == ["nameserver 10.0.0.9", "search a b"]
    options = pod(dnsConfig={"options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}]})
    assert hosts.resolver(options) == "options ndots:2 rotate\n"


OBSTACLES = {
    "an image": (pulling.ImageError("x"), 1, "ErrImagePull", 10),
    "an image again": (pulling.ImageError("x"), 3, "ImagePullBackOff", 40),
    "a file of a volume": (lookups.Missing("x", volume=True), 1, "ContainerCreating", 1),
    "a variable": (lookups.Missing("x"), 2, "CreateContainerConfigError", 2),
    "no program": (spec.Unusable("x"), 1, "CreateContainerConfigError", 1),
    "a rule": (security.Refused("x"), 9, "CreateContainerConfigError", 60),
    "the disk": (OSError("x"), 1, "ContainerCreating", 1),
}


@pytest.mark.parametrize("case", OBSTACLES)
def test_what_stands_in_the_way(case: str) -> None:
    error, failures, reason, seconds = OBSTACLES[case]
    found = obstacles.of(error, NOW, failures).problem
    assert found.reason == reason
    assert (found.retry_at - NOW).total_seconds() == seconds


# Volumes and users


def test_a_volume_is_given_to_its_group_once(tmp_path: Path) -> None:
    group = os.getgid()
    volume = tmp_path / "v"
    (volume / "inner").mkdir(parents=True)
    (volume / "inner/file").touch(0o600)
    (volume / "link").symlink_to("/etc/passwd")
    volumes.own(volume, None)
    assert not volume.stat().st_mode & stat.S_ISGID
    volumes.own(volume, group)
    assert volume.stat().st_mode & stat.S_ISGID
    assert (volume / "inner").stat().st_mode & 0o770 == 0o770
    assert (volume / "inner/file").stat().st_mode & 0o777 == 0o660
    (volume / "late").touch(0o600)
    volumes.own(volume, group)
    assert (volume / "late").stat().st_mode & 0o777 == 0o600


def test_an_empty_folder_is_for_everybody(tmp_path: Path) -> None:
    volumes.empty(tmp_path / "v", {}, None)
    volumes.empty(tmp_path / "v", {}, None)
    assert (tmp_path / "v").stat().st_mode & 0o777 == 0o777
    assert not volumes.is_mounted(tmp_path / "v")


def v1(folder: Path, *names: str) -> cgroups.Cgroups:
    trees = []
    for name in names:
        (folder / name).mkdir()
        trees.append(cgroups.Hierarchy(folder / name, frozenset({name}), unified=False))
    return cgroups.Cgroups("o/b/n", tuple(trees))


def test_the_nodes_own_cgroups_are_a_volume(tmp_path: Path) -> None:
    layout = node_layout(tmp_path)
    groups = v1(tmp_path, "cpu", "memory")
    found = volumes.host_path({"path": "/sys/fs/cgroup/"}, layout, groups)
    assert found.mount
    assert [name for name, _ in found.places] == ["cpu", "memory"]
    assert groups.folders("guests")


def test_a_cloud_weighs_as_much_as_the_machines_cores(tmp_path: Path) -> None:
    groups = v1(tmp_path, "cpu", "memory")
    groups.make("pods/of/one")
    weight = f"{1024 * (os.cpu_count() or 1)}"
    for place in ("o", "o/b", "o/b/n"):
        assert (tmp_path / "cpu" / place / "cpu.shares").read_text() == weight
    assert list(tmp_path.rglob("pods/**/cpu.shares")) == []
    assert list((tmp_path / "memory").rglob("cpu.shares")) == []


def test_the_one_tree_of_version_2_is_the_volume_itself(tmp_path: Path) -> None:
    for place in ("", "o", "o/b", "o/b/n"):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "cgroup.controllers").write_text("cpu\n")
        (tmp_path / place / "cgroup.subtree_control").write_text("")
    tree = cgroups.Hierarchy(tmp_path, frozenset(), unified=True)
    groups = cgroups.Cgroups("o/b/n", (tree,))
    found = volumes.host_path({"path": "/sys/fs/cgroup"}, node_layout(tmp_path), groups)
    assert found.places == (("", rootfs.Binding(tmp_path / "o/b/n")),)
    assert found.mount is None


def node_layout(folder: Path) -> config.Layout:
    layout = config.Layout(folder / "node")
    layout.make()
    return layout


def test_paths_of_the_machine_that_pods_may_see(tmp_path: Path) -> None:
    layout, groups = node_layout(tmp_path), cgroups.Cgroups("x", ())
    assert volumes.host_path({"path": "/dev"}, layout, groups).places[0][1].base == Path("/dev")
    assert volumes.host_path({"path": "/lib/modules"}, layout, groups).read_only
    null = volumes.host_path({"path": "/dev/null"}, layout, groups).device
    assert null == spec.Device("/dev/null", 1, 3)
    assert volumes.device("/dev") is None
    assert volumes.device("/dev/net/tun") == spec.Device("/dev/net/tun", 10, 200)
    made = volumes.host_path({"path": "/a/f", "type": "FileOrCreate"}, layout, groups)
    assert made.creates
    assert (layout.root / "a/f").is_file()
    volumes.host_path({"path": "/a/d", "type": "DirectoryOrCreate"}, layout, groups)
    assert (layout.root / "a/d").is_dir()
    (layout.root / "loop").symlink_to("loop")
    with pytest.raises(linux.KernelError, match="ELOOP"):
        volumes.host_path({"path": "/loop"}, layout, groups)
    for found in volumes.of_privileged():
        assert found.path.startswith("/dev/")


def test_cgroups_of_version_one(tmp_path: Path) -> None:
    groups = v1(tmp_path, "memory", "cpuset", "cpuacct")
    (tmp_path / "cpuset/cpuset.cpus").write_text("0-1\n")
    for place in ("o", "o/b", "o/b/n", "o/b/n/pods"):
        folder = tmp_path / "cpuset" / place
        folder.mkdir()
        for file in ("cpuset.cpus", "cpuset.mems"):
            (folder / file).write_text("")
            (folder.parent / file).write_text("0-1\n")
    (tmp_path / "cpuset/o/b/n/pods/cpuset.cpus").write_text("")
    groups.make("pods")
    assert (tmp_path / "cpuset/o/b/n/pods/cpuset.cpus").read_text() == "0-1\n"
    with subprocess.Popen(["sleep", "600"]) as process:
        groups.add("pods", process.pid)
        assert groups.processes("") == {process.pid}
        (tmp_path / "memory/o/b/n/pods/memory.usage_in_bytes").write_text("4096\n")
        (tmp_path / "cpuacct/o/b/n/pods/cpuacct.usage").write_text("2500000000\n")
        assert groups.usage("pods") == cgroups.Usage(2.5, 4096)
        assert groups.signal("pods", signal.SIGTERM) == 1
        assert process.wait(5) == -signal.SIGTERM
    assert not groups.was_out_of_memory("pods")
    assert groups.path("pods") == "/o/b/n/pods"
    assert cgroups.hierarchies()


def test_cgroups_are_removed_with_those_above_that_hold_nothing_else(tmp_path: Path) -> None:
    groups = v1(tmp_path, "memory")
    groups.make("pods/u/c")
    (tmp_path / "memory/o/other").mkdir()
    groups.remove_parent()
    assert not (tmp_path / "memory/o/b").exists()
    assert (tmp_path / "memory/o/other").exists()
    groups.remove("pods/none")


# Logs, facts, processes


def test_a_long_log_is_put_aside_if_its_writer_listens(tmp_path: Path) -> None:
    told = record(log=str(tmp_path / "0.log"))
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    assert not logs.rotate(told, bundle), "there is none"
    with Path(told.log).open("wb") as file:
        file.truncate(logs.ROTATE_AT)
    assert not logs.rotate(told, bundle), "nobody would write the new one"
    os.mkfifo(bundle / "ctl")
    reader = os.open(bundle / "ctl", os.O_RDONLY | os.O_NONBLOCK)
    for number in range(logs.KEPT + 2):
        (tmp_path / f"0.log.2020010{number}-000000").touch()
    assert logs.rotate(told, bundle)
    assert conmon.reopen_log(bundle)
    os.close(reader)
    assert len(list(tmp_path.glob("0.log.*"))) == logs.KEPT
    logs.remove(Path(told.log))
    assert not list(tmp_path.glob("0.log*"))


def test_the_last_lines_of_a_log_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    line = "2026-11-21T12:00:00.0Z stdout F " + "x" * 4000
    path.write_text("".join(f"{line}{number}\n" for number in range(64)) + "odd\n")
    assert logs.tail(path, 40, 10**6).count("\n") == 39
    assert logs.tail(path, 1000, 10**6).count("\n") == 64


def test_the_machine_is_looked_at(tmp_path: Path) -> None:
    found = facts.Machine.look(tmp_path)
    assert int(found.capacity()["pods"]) > 0
    assert facts.open_files() > 0
    assert facts.information("v1", "runc://1")["kernelVersion"]
    assert facts.oom_floor() >= -1000


async def test_a_process_that_has_ended_is_known_to_have() -> None:
    gone = identity.Identity(2**22 + 1, 1)
    assert await identity.ended_within(gone, 1)
    assert await identity.ended_within(None, 1)
    assert not identity.send(gone, signal.SIGTERM)
    with subprocess.Popen(["sleep", "600"]) as process:  # noqa: ASYNC220
        found = identity.of(process.pid)
        process.kill()
        await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert identity.of(process.pid) is None, "a zombie does not run"
        assert not identity.send(found, signal.SIGTERM)
        await identity.ended(found)


def test_records_of_pods_are_kept(tmp_path: Path) -> None:
    layout = node_layout(tmp_path)
    records.save_pod(layout, pod())
    (layout.pods / "half").mkdir()
    assert records.load_pods(layout) == {"u-1": pod()}
