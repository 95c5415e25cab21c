"""Whatever is killed: everything is ready again, nothing runs twice, nothing is left behind."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpx2
import pytest
import tests_node
import uvicorn
from tests_node import Engine, Images, host, init_of, running

from ouranos.engine.apiserver import server
from ouranos.engine.node import identity, node, records
from ouranos.kit import cluster, kinds, seams

PROGRAM = "echo up; trap 'exit 0' TERM; sleep 100000 & wait"
PYTHON = (
    "/usr/bin/python3",
    "-c",
    "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); signal.pause()",
)
PODS = 8


async def test_containers_outlive_the_supervisor(engine: Engine) -> None:
    await engine.create("stays", PROGRAM, c_readinessProbe={"exec": {"command": ["true"]}})
    await engine.create(
        "ends", "echo bye; while [ ! -e /run/end ]; do busybox sleep 0.05; done; exit 5"
    )
    process = init_of((await engine.ready("stays"))["status"], engine.told)
    other = init_of((await engine.ready("ends"))["status"], engine.told)
    await engine.leave()
    assert identity.is_alive(process)
    await asyncio.to_thread(Path(f"/proc/{other.pid}/root/run/end").touch)
    await identity.ended(other)
    await engine.come_back()

    async def restarted() -> bool:
        status = (await engine.pod("ends") or {})["status"]["containerStatuses"][0]
        ended = status["lastState"].get("terminated", {})
        return status["restartCount"] == 1 and ended.get("exitCode") == 5

    await engine.until(restarted, "the ended container to be restarted")
    status = (await engine.ready("stays"))["status"]
    assert init_of(status, engine.told) == process
    assert status["containerStatuses"][0]["restartCount"] == 0
    assert "up" in await engine.said("stays", "up")


async def test_the_nodes_own_world_is_made_again(engine: Engine) -> None:
    await engine.create("one", PROGRAM)
    before = init_of((await engine.ready("one"))["status"], engine.told)
    (world,) = [
        record for record in records.load(engine.told.layout) if record.role is records.Role.WORLD
    ]
    assert world.init
    os.kill(world.init.pid, signal.SIGKILL)

    async def again() -> bool:
        status = (await engine.pod("one") or {})["status"]["containerStatuses"][0]
        return status["restartCount"] == 1 and status["ready"]

    await engine.until(again, "the pod in a new world")
    assert not identity.is_alive(before)
    assert (await engine.result("reach", "ip -br addr")).count(str(engine.told.address)) == 1


async def test_shutdown_keeps_data_and_pods_go_on_afterwards(engine: Engine) -> None:
    volume = [{"name": "v", "emptyDir": {}}]
    await engine.create(
        "keeps",
        "cat /v/x; echo again > /v/x; trap 'exit 0' TERM; sleep 99 & wait",
        volumes=volume,
        c_volumeMounts=[{"name": "v", "mountPath": "/v"}],
    )
    await engine.ready("keeps")
    await engine.result("done", "true")
    await engine.node.shutdown()
    left = await asyncio.to_thread(host, engine.told.directory)
    assert not left["processes"]
    assert not left["links"]
    assert not left["cgroups"]
    assert not left["namespaces"]
    await engine.come_back()
    await engine.said("keeps", "again")
    assert (await engine.phase("done", "Succeeded"))["status"]["containerStatuses"]


async def test_destroy_leaves_the_host_as_it_was(images: Images, tmp_path: Path) -> None:
    before = await asyncio.to_thread(host, tmp_path)
    async with running(tests_node.node_config(tmp_path / "cloud"), images) as engine:
        await engine.apply("Secret", "s", data={"x": "eA=="})
        volumes = [
            {"name": "s", "secret": {"secretName": "s"}},
            {"name": "m", "emptyDir": {"medium": "Memory"}},
            {"name": "d", "emptyDir": {}},
            {"name": "h", "hostPath": {"path": "/srv", "type": "DirectoryOrCreate"}},
        ]
        mounts = [{"name": one["name"], "mountPath": f"/{one['name']}"} for one in volumes]
        await engine.create("a", PROGRAM, volumes=volumes, c_volumeMounts=mounts)
        await engine.create("b", PROGRAM, shareProcessNamespace=True)
        await engine.create("c", "exit 1")
        await engine.ready("a")
        await engine.ready("b")
        during = await asyncio.to_thread(host, tmp_path)
        assert not during["mounts"], "the host sees the node's mounts"
        assert all(during[name] for name in before if name != "mounts")
    after = await asyncio.to_thread(host, tmp_path)
    assert after == before == {name: [] for name in before} | {"processes": {}}
    assert not (tmp_path / "cloud/node-1").exists()


async def test_strangers_are_refused_and_left_alone(images: Images, tmp_path: Path) -> None:
    told = tests_node.node_config(tmp_path / "cloud")
    await asyncio.to_thread(tests_node.make_stranger, "onstranger0", told.network)
    try:
        async with running(told, images) as engine:

            async def said() -> bool:
                found = await engine.client.get(kinds.NODE, told.name) or {}
                text = str(found.get("status", {}).get("conditions"))
                return "in use on onstranger0" in text and "hint" in text

            await engine.until(said, "a refusal")
            left = await asyncio.to_thread(host, tmp_path)
            assert not left["links"]
            assert await asyncio.to_thread(tests_node.has_link, "onstranger0")
            await asyncio.to_thread(tests_node.remove_stranger, "onstranger0")
            await engine.ready_node()
    finally:
        if await asyncio.to_thread(tests_node.has_link, "onstranger0"):
            await asyncio.to_thread(tests_node.remove_stranger, "onstranger0")


async def test_a_link_of_the_same_name_is_left_alone(images: Images, tmp_path: Path) -> None:
    told = tests_node.node_config(tmp_path / "cloud")
    elsewhere = IPv4Network("192.0.2.128/25")
    await asyncio.to_thread(tests_node.make_stranger, told.bridge, elsewhere)
    try:
        async with running(told, images) as engine:

            async def said() -> bool:
                found = await engine.client.get(kinds.NODE, told.name) or {}
                return f"the link {told.bridge} exists and is not ours" in str(found.get("status"))

            await engine.until(said, "a refusal")
        assert await asyncio.to_thread(tests_node.has_link, told.bridge)
    finally:
        await asyncio.to_thread(tests_node.remove_stranger, told.bridge)


async def test_a_node_whose_folder_was_removed_still_ends(images: Images, tmp_path: Path) -> None:
    async with running(tests_node.node_config(tmp_path / "cloud"), images) as engine:
        await engine.create("one", PROGRAM)
        process = init_of((await engine.ready("one"))["status"], engine.told)
        await engine.leave()
        await asyncio.to_thread(shutil.rmtree, engine.told.directory)
        assert identity.is_alive(process)
        await engine.node.destroy()
        assert not identity.is_alive(process)
    left = await asyncio.to_thread(host, tmp_path)
    assert not left["cgroups"]
    assert not left["links"]
    assert not left["tables"]


async def test_two_nodes_of_one_cloud_and_another_cloud(images: Images, tmp_path: Path) -> None:
    one, two = (tests_node.node_config(tmp_path / "cloud", number) for number in (1, 2))
    other = tests_node.node_config(tmp_path / "other")
    serve = "cd /tmp; echo found > x; exec busybox httpd -f -p 80"
    async with running(one, images) as first, running(other, images) as stranger:
        second = node.Node(two, first.client, images, seams.real())
        task = asyncio.create_task(second.run())
        try:
            await first.create("web", serve, nodeName=two.name)
            await first.ready("web")
            fetch = f"busybox wget -T2 -qO- http://{two.address}/x"
            assert await first.result("ask", fetch) == "found\n"
            await stranger.create("blind", fetch, restartPolicy="Never")
            await stranger.phase("blind", "Failed")
        finally:
            await second.destroy()
            await asyncio.gather(task, return_exceptions=True)
        assert str(one.address) in await first.result("still", "ip -br addr")


@asynccontextmanager
async def door(api: server.ApiServer) -> AsyncIterator[str]:
    """Serve the API to other processes."""
    api.asgi.token = tests_node.TOKEN
    listener = socket.create_server(("127.0.0.1", 0))
    told = uvicorn.Config(api.asgi, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    web = uvicorn.Server(told)
    task = asyncio.create_task(web.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    web.should_exit = True
    await task


class Killer:
    """Kills one thing after the other, and sees that all is well afterwards."""

    def __init__(self, engine: Engine, chance: random.Random, spawn: Any) -> None:
        self.engine = engine
        self.chance = chance
        self.spawn = spawn
        self.trouble = ""
        self.supervisor: subprocess.Popen[bytes] = spawn()

    def kill(self) -> str:
        """Kill something at random; the supervisor is started again, as its own keeper would."""
        kind = self.chance.choice(["supervisor", "supervisor", "container", "conmon", "both"])
        if kind in {"supervisor", "both"}:
            self.supervisor.kill()
            self.supervisor.wait()
        if kind != "supervisor":
            alive = [
                record
                for record in records.load(self.engine.told.layout)
                if record.role is records.Role.MAIN and identity.is_alive(record.init)
            ]
            if alive:
                record = self.chance.choice(alive)
                victim = record.conmon if kind == "conmon" else record.init
                identity.send(victim, signal.SIGKILL)
        if kind in {"supervisor", "both"}:
            self.supervisor = self.spawn()
        return kind

    async def is_well(self) -> bool:
        """Whether each pod runs, and runs once."""
        if self.supervisor.poll() is not None:
            raise AssertionError("the supervisor has ended by itself")
        names: list[str] = []
        for pod in (await self.engine.client.list(kinds.POD)).items:
            status = (pod.get("status", {}).get("containerStatuses") or [{}])[0]
            identifier = status.get("containerID", "").partition("://")[2]
            try:
                text = (self.engine.told.layout.container(identifier) / "init.pid").read_text()
            except OSError:
                return False
            if not (status.get("ready") and identity.of(int(text))):
                return False
            names.append(pod["metadata"]["name"])
        self.trouble = f"running: {sorted(programs())}"
        return sorted(programs()) == sorted(names)


def programs() -> list[str]:
    """Return the marks of all running test programs: each has its pod's name as an argument."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(words) > 3 and words[3].startswith(b"mark-"):
                found.append(words[3][5:].decode())
    return found


@pytest.mark.timeout(900)
async def test_two_hundred_kills_in_a_row(  # noqa: PLR0915 - one story
    images: Images, tmp_path: Path
) -> None:
    kills = int(os.environ.get("OURANOS_KILLS", "200"))
    before = await asyncio.to_thread(host, tmp_path)
    told = tests_node.node_config(tmp_path / "cloud")
    api = await server.ApiServer.open(None, seams.real())
    script = str(Path(__file__).with_name("supervisor.py"))
    async with (
        httpx2.AsyncClient(transport=api.transport(), base_url="http://api") as http,
        door(api) as url,
    ):
        client = cluster.Cluster(http, manager="test")
        engine = Engine(client, api, images, told, None, asyncio.current_task())  # type: ignore[arg-type]

        def spawn() -> subprocess.Popen[bytes]:
            words = [sys.executable, script, str(images.root), str(tmp_path / "cloud"), url, "1"]
            log = (tmp_path / "supervisor.log").open("ab")
            with log:
                return subprocess.Popen(words, stdout=log, stderr=log)

        killer = Killer(engine, random.Random(20261121), spawn)
        try:
            names = [f"pod-{number}" for number in range(PODS)]
            for name in names:
                await engine.create(name, [*PYTHON, f"mark-{name}"])
            for _ in range(kills):
                killer.kill()
                await asyncio.sleep(killer.chance.uniform(0, 0.3))
                if killer.chance.random() < 0.5:
                    await engine.until(killer.is_well, f"all well, {killer.trouble}", 30)
            await engine.until(killer.is_well, "all well at the end", 30)
            for name in names:
                await client.delete(kinds.POD, name, "default")
                await engine.gone(name)
            assert not programs()
            kept = list(told.layout.containers.iterdir())
            assert len(kept) == 1, "more than the world's record is left"
        finally:
            killer.supervisor.kill()
            killer.supervisor.wait()
            await node.Node(told, client, images, seams.real()).destroy()
            await api.close()
    after = await asyncio.to_thread(host, tmp_path)
    assert after == before
