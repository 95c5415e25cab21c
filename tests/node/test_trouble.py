"""What a pod, and the whole node, live through: errors of the machine, death between two steps."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import node_runtime
import pytest
from node_runtime import NODE, Runtime

from ouranos.engine.node import (
    guard,
    lookups,
    obstacles,
    payloads,
    preparation,
    records,
    registration,
    status,
    writer,
)
from ouranos.kit import errors, kinds, objects, seams

BUSY = BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
FULL = OSError(errno.ENOSPC, "No space left on device")
LOOK = {"exec": {"command": ["look"]}, "periodSeconds": 1, "failureThreshold": 99}
NOBODY = {"containerName": "nobody", "resource": "limits.cpu"}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with node_runtime.running(tmp_path) as found:
        yield found


def volume(name: str, **told: Any) -> dict[str, Any]:
    """The fields of a pod that has one volume and mounts it."""
    return {
        "volumes": [{"name": name, **told}],
        "c_volumeMounts": [{"name": name, "mountPath": f"/{name}"}],
    }


async def content(node: Runtime, file: Path, part: str) -> None:
    def has() -> bool:
        return file.exists() and part in file.read_text()

    await node.until(lambda: asyncio.to_thread(has), f"{part} in {file.name}")


# Errors of the machine


def test_who_has_failed_for_days_is_tried_again() -> None:
    found = obstacles.of(lookups.Missing("x", volume=True), datetime.now(UTC), 5000)
    assert found.problem.retry_at is not None


@pytest.mark.parametrize("error", [BUSY, errors.Transient("refused")])
async def test_a_probe_that_cannot_be_made_is_made_again(
    node: Runtime, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, fails = node.held.execute, [error]

    async def sometimes(*args: Any) -> Any:
        if fails:
            raise fails.pop()
        return await execute(*args)

    monkeypatch.setattr(node.held, "execute", sometimes)
    await node.create("one", "stay", c_readinessProbe=LOOK)
    await node.ready("one")


async def test_a_hook_that_cannot_be_run_has_failed(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any) -> Any:
        raise BUSY

    monkeypatch.setattr(node.held, "execute", busy)
    await node.create("one", "stay", c_lifecycle={"postStart": {"exec": {"command": ["look"]}}})
    assert await node.told("FailedPostStartHook", "temporarily unavailable")


async def test_a_disk_that_is_full_for_names_keeps_no_pod_from_its_end(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> bool:
        raise FULL

    await node.create("one", "stay")
    await node.ready("one")
    monkeypatch.setattr(preparation, "write_hosts", full)
    for worker in node.workers.values():
        worker.renew_hosts()
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")


async def test_a_guard_that_is_refused_goes_on(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def refused(*_: Any) -> Any:
        tried.set()
        raise OSError(errno.ENOBUFS, "No buffer space available")

    monkeypatch.setattr(guard, "_LOOK", 0.01)
    monkeypatch.setattr(node.held.space, "run", refused)
    task = asyncio.create_task(guard.Guard(node.shared).run())
    for _ in range(2):
        tried.clear()
        await asyncio.wait_for(tried.wait(), 20)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# Pods that ask for what is not there


async def test_a_container_that_is_not_in_the_pod_is_named_and_the_pod_can_go(
    node: Runtime,
) -> None:
    wanted = {"name": "X", "valueFrom": {"resourceFieldRef": NOBODY}}
    await node.create("one", "stay", c_env=[wanted])
    assert await node.told("Failed", 'container "nobody" not found')
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")


async def test_a_volume_of_a_container_that_is_not_in_the_pod_is_told(node: Runtime) -> None:
    item = {"path": "cpu", "resourceFieldRef": NOBODY}
    await node.create("one", "stay", **volume("v", downwardAPI={"items": [item]}))
    assert await node.told("FailedMount", 'container "nobody" not found')


async def test_a_bug_is_one_pods_trouble(node: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = preparation.plan

    async def buggy(shared: Any, pod: dict[str, Any], *more: Any) -> Any:
        if pod["metadata"]["name"] == "one":
            raise KeyError("spec")
        return await plan(shared, pod, *more)

    monkeypatch.setattr(preparation, "plan", buggy)
    await node.create("one", "stay")
    assert await node.told("Failed", "spec")
    await node.create("two", "stay")
    await node.ready("two")


async def test_a_bug_in_a_look_is_one_pods_trouble(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, bugs = status.build, [KeyError("spec")]

    def buggy(*args: Any) -> Any:
        if bugs:
            raise bugs.pop()
        return build(*args)

    monkeypatch.setattr(status, "build", buggy)
    await node.create("one", "stay")
    await node.ready("one")


# What others change


async def test_a_pods_labels_reach_its_volume(node: Runtime) -> None:
    item = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
    made = await node.create("one", "stay", **volume("v", downwardAPI={"items": [item]}))
    await node.ready("one")
    change = {"metadata": {"labels": {"a": "b"}}}
    await node.client.patch(kinds.POD, "one", "default", change)
    file = node.shared.layout.pod(objects.uid_of(made)) / "volumes/v/labels"
    await content(node, file, 'a="b"')


async def test_an_object_that_is_gone_keeps_no_other_from_being_followed(node: Runtime) -> None:
    for name in ("a", "b"):
        await node.apply("ConfigMap", name, data={"k": "1"})
    volumes = [{"name": name, "configMap": {"name": name}} for name in ("a", "b")]
    made = await node.create("one", "stay", volumes=volumes)
    await node.ready("one")
    await node.client.delete(kinds.CONFIG_MAP, "a", "default")
    await node.apply("ConfigMap", "b", data={"k": "2"})
    folder = node.shared.layout.pod(objects.uid_of(made)) / "volumes"
    await content(node, folder / "b/k", "2")
    assert await asyncio.to_thread((folder / "a/k").read_text) == "1"


async def test_a_condition_of_another_stays_on_a_pod(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = {"type": "x.io/gate", "status": "True"}
    gates = [{"conditionType": "x.io/gate"}]
    node.held.answers["look"] = (1, "not yet")
    await node.create("one", "stay", readinessGates=gates, c_readinessProbe=LOOK)
    await node.says("one", "'running'")
    patch = node.client.patch

    async def after_another(kind: Any, name: str, *args: Any, **more: Any) -> Any:
        if kind == kinds.POD:
            monkeypatch.setattr(node.client, "patch", patch)
            said = (await node.pod("one"))["status"]["conditions"]
            change = {"status": {"conditions": [*said, gate]}}
            await patch(kind, name, "default", change, subresource="status")
        return await patch(kind, name, *args, **more)

    monkeypatch.setattr(node.client, "patch", after_another)
    node.held.answers["look"] = (0, "")
    found = await node.says("one", "'type': 'Ready', 'status': 'True'")
    assert gate["type"] in {one["type"] for one in found["status"]["conditions"]}


async def test_a_condition_of_another_stays_on_the_node(
    node: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registrar = registration.Registrar(node_runtime.told_of(tmp_path), node.client, seams.real())
    registrar._runtime = "1.1.5"  # asking runc needs runc
    monkeypatch.setattr(registration, "_BEAT", 0.05)
    get, written = node.client.get, asyncio.Event()

    async def before_another(kind: Any, name: str, *more: Any) -> Any:
        found = await get(kind, name, *more)
        if kind == kinds.NODE and found and "conditions" in found.get("status", {}):
            monkeypatch.setattr(node.client, "get", get)
            said = [*found["status"]["conditions"], {"type": "ImagesReady", "status": "True"}]
            change = {"status": {"conditions": said}}
            await node.client.patch(kinds.NODE, name, "", change, subresource="status")
            written.set()
        return found

    monkeypatch.setattr(node.client, "get", before_another)
    task = asyncio.create_task(registrar.run())

    async def both() -> bool:
        registrar.say("" if written.is_set() else "a first trouble")
        found = await get(kinds.NODE, NODE)
        said = str(found["status"].get("conditions")) if found else ""
        return "ImagesReady" in said and "posting ready status" in said

    await node.until(both, "both conditions")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# Death between two steps


async def test_a_container_that_was_starting_when_the_supervisor_died_becomes_ready(
    node: Runtime,
) -> None:
    node.held.answers["look"] = (1, "not yet")
    await node.create("one", "stay", c_startupProbe=LOOK)
    await node.says("one", "'running'", "'started': False")
    await node.leave()
    node.left = records.load(node.shared.layout)
    node.held.answers["look"] = (0, "")
    node.arrived(await node.pod("one"))
    await node.ready("one")


async def test_a_container_is_not_ready_before_its_probe_has_passed(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget, seen = node.held.forget, list[bool]()

    async def slowly(record: records.Record) -> None:
        for worker in node.workers.values():
            worker.wake()
        for _ in range(20):
            (one,) = (await node.pod("one"))["status"]["containerStatuses"]
            seen.append(one["ready"])
            await asyncio.sleep(0.005)
        await forget(record)

    monkeypatch.setattr(node.held, "forget", slowly)
    node.held.answers["look"] = (1, "not yet")
    await node.create("one", "exit", "1", c_readinessProbe=LOOK)
    await node.restarted("one", 3)
    await node.until(lambda: asyncio.sleep(0, seen), "an attempt to be forgotten")
    assert not any(seen)


@pytest.mark.parametrize("file", ["pod.json", "record.json"])
def test_a_file_that_a_power_cut_left_empty_is_no_file(tmp_path: Path, file: str) -> None:
    layout = node_runtime.told_of(tmp_path).layout
    layout.make()
    folder = layout.pod("u-1") if file == "pod.json" else layout.container("c-1")
    folder.mkdir(parents=True)
    (folder / file).touch()
    assert not records.load_pods(layout)
    assert not records.load(layout)


async def test_a_pod_that_could_not_be_written_down_goes(node: Runtime) -> None:
    made = await node.create("one", "stay")
    await node.ready("one")
    folder = node.shared.layout.pod(objects.uid_of(made))
    await asyncio.to_thread((folder / ".pod.json.new").touch)  # as death leaves it
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")
    assert not await asyncio.to_thread(folder.exists)


def test_a_record_that_does_not_fit_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Path:
        raise FULL

    monkeypatch.setattr(Path, "replace", full)
    with contextlib.suppress(OSError):
        records.write(tmp_path / "a", b"x")
    assert not list(tmp_path.iterdir())


def test_files_that_were_written_but_not_shown_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise FULL

    files = {"a": payloads.File(b"x", 0o644)}
    with monkeypatch.context() as patched:
        patched.setattr(writer, "_show", full)
        with pytest.raises(OSError, match="No space"):
            writer.write(tmp_path, files, None)
    writer.write(tmp_path, files, None)
    assert (tmp_path / "a").read_bytes() == b"x"
