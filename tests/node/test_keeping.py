"""What a node keeps up: its object, its events, its rules, its lock, and its end."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import node_runtime
import pytest
from node_builders import pod, record, running
from node_runtime import NODE, Runtime

from ouranos.engine.node import (
    config,
    containers,
    events,
    guard,
    lock,
    network,
    node,
    records,
    registration,
    rules,
    runc,
    shutdown,
    worlds,
)
from ouranos.kit import errors, kinds, seams


@pytest.fixture
async def runtime(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with node_runtime.running(tmp_path) as found:
        yield found


# The Node object


@contextlib.asynccontextmanager
async def registered(runtime: Runtime, told: config.NodeConfig) -> AsyncIterator[Any]:
    registrar = registration.Registrar(told, runtime.client, seams.real())
    registrar._runtime = "1.1.5"  # asking runc needs runc
    task = asyncio.create_task(registrar.run())
    yield registrar
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_node_makes_its_object_and_its_lease(runtime: Runtime, tmp_path: Path) -> None:
    told = node_runtime.told_of(tmp_path, labels={"role": "x"})
    async with registered(runtime, told) as registrar:
        lease = await runtime.until(
            lambda: runtime.client.get(kinds.LEASE, NODE, "kube-node-lease"), "a lease"
        )
        assert lease["spec"]["holderIdentity"] == NODE
        found = await runtime.client.get(kinds.NODE, NODE)
        assert found
        assert found["metadata"]["labels"]["role"] == "x"
        assert found["status"]["nodeInfo"]["containerRuntimeVersion"] == "runc://1.1.5"
        registrar.say("")
        registrar.say("")

        async def ready() -> bool:
            now = await runtime.client.get(kinds.NODE, NODE)
            return bool(now) and "kubelet is posting ready status" in str(now["status"])

        await runtime.until(ready, "the node to be ready")


async def test_a_node_takes_up_its_object_with_new_labels(runtime: Runtime, tmp_path: Path) -> None:
    for labels in ({"role": "x"}, {"role": "y"}):
        async with registered(runtime, node_runtime.told_of(tmp_path, labels=labels)):

            async def labelled(labels: dict[str, str] = labels) -> bool:
                found = await runtime.client.get(kinds.NODE, NODE)
                return bool(found) and found["metadata"]["labels"].items() >= labels.items()

            await runtime.until(labelled, "its labels")


# Events


async def told_of(runtime: Runtime) -> list[dict[str, Any]]:
    return (await runtime.client.list(kinds.EVENT, "home")).items


async def test_a_repetition_counts_up(runtime: Runtime) -> None:
    await runtime.client.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}}
    )
    recorder = runtime.shared.recorder
    for _ in range(3):
        recorder.tell(pod(), events.NORMAL, "Because", "so")

    async def counted(count: int) -> bool:
        return [one["count"] for one in await told_of(runtime)] == [count]

    await runtime.until(lambda: counted(3), "one event, three times")
    await runtime.client.delete(
        kinds.EVENT, (await told_of(runtime))[0]["metadata"]["name"], "home"
    )
    recorder.tell(pod(), events.NORMAL, "Because", "so")
    await runtime.until(lambda: counted(1), "a new one for one that is gone")


async def test_who_says_too_much_is_not_heard(runtime: Runtime) -> None:
    await runtime.client.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "home"}}
    )
    recorder = runtime.shared.recorder
    for _ in range(40):
        recorder.tell(pod(), events.NORMAL, "Because", "so")
    recorder.tell(pod(), events.NORMAL, "Then", "enough")

    async def both() -> bool:
        return len(await told_of(runtime)) == 2

    await runtime.until(both, "both events")
    assert max(one["count"] for one in await told_of(runtime)) == 25


async def test_an_event_that_cannot_be_written_is_lost(runtime: Runtime) -> None:
    recorder = runtime.shared.recorder
    nowhere = pod(metadata={"namespace": "nowhere", "uid": "u-2"})
    recorder.tell(nowhere, events.NORMAL, "Because", "so")
    here = pod(metadata={"namespace": "default"})
    recorder.tell(here, events.NORMAL, "Because", "so")
    await runtime.told("Because")


async def test_what_is_remembered_of_events_is_bounded(runtime: Runtime) -> None:
    recorder = events.Recorder(runtime.client, NODE, seams.real())
    for number in range(1100):
        recorder.tell(pod(), events.NORMAL, "Because", str(number))
    assert recorder._queue.full()
    recorder._said = {
        ("u", "s", "r", str(one)): events._Said("", 0, "", 0, 0) for one in range(2000)
    }
    here = pod(metadata={"namespace": "default"})
    recorder._queue = asyncio.Queue()
    recorder.tell(here, events.NORMAL, "Because", "so")
    task = asyncio.create_task(recorder.run())
    await runtime.told("Because")
    task.cancel()
    assert len(recorder._said) == 2000


# The rules


class Kernel:
    """A place to run what would change the kernel's rules, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[frozenset[rules.Opening]] = []
        self.trouble: list[Exception] = []

    async def run(self, function: Any, *args: Any) -> list[str]:
        assert function is network.guard
        self.asked.append(args[2])
        if self.trouble:
            raise self.trouble.pop()
        return ["node"]


async def test_the_rules_follow_the_services(runtime: Runtime) -> None:
    kernel = Kernel()
    runtime.held.space = kernel  # type: ignore[assignment]
    keeper = guard.Guard(runtime.shared)
    await keeper.look(runtime.shared.place)
    assert kernel.asked == [frozenset()]
    task = asyncio.create_task(keeper.run())
    try:
        kernel.trouble = [errors.Transient("busy")]
        for number in (80, 81):
            spec = {"type": "LoadBalancer", "ports": [{"name": "x", "port": number}]}
            await runtime.apply("Service", "web", spec=spec)
            ingress = {"loadBalancer": {"ingress": [{"ip": "172.31.0.2"}]}}
            await runtime.client.patch(
                kinds.SERVICE, "web", "default", {"status": ingress}, subresource="status"
            )

            async def opened(number: int = number) -> bool:
                keeper.hear()
                return any(one.port == number for one in kernel.asked[-1])

            await runtime.until(opened, f"port {number}")
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    asked = len(kernel.asked)
    keeper.hear()
    assert len(kernel.asked) == asked


async def test_without_a_world_there_is_nothing_to_guard(runtime: Runtime) -> None:
    kernel = Kernel()
    runtime.held.space = kernel  # type: ignore[assignment]
    keeper = guard.Guard(node_runtime.with_world(runtime, None))
    task = asyncio.create_task(keeper.run())
    keeper._woken.set()
    await asyncio.sleep(0.05)
    task.cancel()
    assert kernel.asked == []


def test_the_network_of_a_process_that_is_gone_is_never_anothers() -> None:
    gone = node_runtime.identity.Identity(os.getpid(), 1)
    with (
        pytest.raises(network.NetworkError, match="has ended"),
        network.Namespace(gone).entered(),
    ):
        pass
    with (
        pytest.raises(network.NetworkError, match="has ended"),
        network.Namespace(node_runtime.identity.Identity(2**22 + 1, 1)).entered(),
    ):
        pass


# The lock


def test_one_supervisor_at_a_time(tmp_path: Path) -> None:
    first = lock.take(tmp_path)
    with pytest.raises(errors.Terminal, match="another process supervises"):
        lock.take(tmp_path, patience=0.1)
    first.release()
    lock.take(tmp_path).release()


# The end


async def test_a_shutdown_ends_pods_before_those_that_others_stand_on(runtime: Runtime) -> None:
    order: list[str] = []
    stop = runtime.held.stop

    async def stopped(found: records.Record, grace: float) -> None:
        order.append(f"{found.uid}/{found.container}")
        await stop(found, grace)

    runtime.held.stop = stopped  # type: ignore[method-assign]
    sidecar = {"name": "side", "restartPolicy": "Always", "command": ["stay"]}
    ordinary = pod(metadata={"uid": "u-1", "name": "a"}, initContainers=[sidecar])
    critical = pod(metadata={"uid": "u-2", "name": "b"}, priorityClassName="system-node-critical")
    found: list[records.Record] = []
    for made in (ordinary, critical):
        records.save_pod(runtime.shared.layout, made)
    layout = runtime.shared.layout
    shared = {"log": str(layout.logs / "x.log")}
    found = [
        running("main", uid="u-2", id="b-main", **shared),
        running("main", id="a-main", **shared),
        running("side", id="a-side", role=records.Role.INIT, **shared),
        running("sandbox", id="a-box", role=records.Role.SANDBOX, **shared),
        running("gone", uid="u-3", id="c-main", **shared),
        record("old", uid="u-1", id="a-old", phase=records.Phase.EXITED),
        running("world", uid="", id="w", role=records.Role.WORLD, **shared),
    ]
    loop = asyncio.get_running_loop()
    for one in found:
        runtime.held.ends[one.id] = loop.create_future()
    await shutdown.everything(runtime.shared.told, runtime.held, found)  # type: ignore[arg-type]
    assert order.index("u-1/main") < order.index("u-1/side") < order.index("u-1/sandbox")
    assert order.index("u-1/sandbox") < order.index("u-2/main") < order.index("/world")
    assert "u-3/gone" in order
    assert {"a-box", "w"} == set(runtime.held.forgotten)
    kept = {one.id: one for one in records.load(layout)}
    assert kept["a-main"].reason == "NodeShutdown"


def test_a_folder_with_a_strangers_mount_is_not_erased(tmp_path: Path) -> None:
    shutdown.erase(tmp_path / "none")
    folder = tmp_path / "node"
    (folder / "inner").mkdir(parents=True)
    with pytest.raises(errors.Terminal, match="is mounted in the node's folder"):
        shutdown.erase(folder, mounts=f"22 1 0:1 / {folder}/inner rw - tmpfs x rw\n")
    shutdown.erase(folder, mounts="22 1 0:1 / /proc rw - proc proc rw\n")
    assert not folder.exists()


async def test_a_node_that_never_was_ends_at_once(tmp_path: Path) -> None:
    told = node_runtime.told_of(tmp_path)
    one = node.Node(told, None, None, seams.real())  # type: ignore[arg-type]
    assert one.usage() == []
    wanted = type("Wanted", (), {"namespace": "n", "pod": "p", "container": "c", "previous": True})
    with pytest.raises(LookupError, match="previous terminated container"):
        async for _ in one.logs(wanted()):  # type: ignore[arg-type]
            pass
    await one.stop()


# The world


class Cabling(node_runtime.Space):
    """Threads that leave the machine's network alone."""

    def __init__(self, trouble: list[Exception]) -> None:
        self.trouble = trouble
        self.cabled = 0

    async def run(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is not network.connect:
            return await super().run(function, *args, **kwargs)
        if self.trouble:
            raise self.trouble.pop()
        self.cabled += 1
        return None


async def test_a_world_is_made_and_connected(runtime: Runtime) -> None:
    space = Cabling([])
    runtime.held.space = space
    made = await worlds.make(runtime.shared.told, runtime.held, runtime.images)  # type: ignore[arg-type]
    assert made.is_alive
    assert space.cabled == 1
    assert made.id == runtime.held.plans[-1].record.id
    assert made.namespace("net").endswith("/ns/net")
    assert runtime.held.plans[-1].config["hostname"] == NODE


async def test_a_world_that_cannot_be_connected_is_taken_down(runtime: Runtime) -> None:
    taken = errors.Terminal("InvalidSpec", "the range is in use")  # type: ignore[arg-type]
    runtime.held.space = Cabling([taken])
    with pytest.raises(errors.Terminal, match="in use"):
        await worlds.make(runtime.shared.told, runtime.held, runtime.images)  # type: ignore[arg-type]
    assert runtime.held.forgotten == [runtime.held.plans[-1].record.id]


async def test_a_world_that_does_not_start_is_told(runtime: Runtime) -> None:
    run = runtime.held.run

    async def refused(plan: containers.Plan) -> records.Record:
        found = await run(plan)
        return found.but(phase=records.Phase.EXITED, message="no such program")

    runtime.held.run = refused  # type: ignore[method-assign]
    with pytest.raises(runc.RuncError, match="did not start: no such program"):
        await worlds.make(runtime.shared.told, runtime.held, runtime.images)  # type: ignore[arg-type]
    with pytest.raises(runc.RuncError, match="has no process"):
        worlds.World(record()).init  # noqa: B018
    with pytest.raises(runc.RuncError, match="is being made"):
        node_runtime.with_world(runtime, None).place  # noqa: B018
