"""What becomes of a pod: real workers on a real API, over containers in memory."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import node_runtime
import pytest
from node_runtime import IMAGE, Runtime

from ouranos.engine.node import preparation, records
from ouranos.kit import errors, kinds, objects


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Runtime]:
    async with node_runtime.running(tmp_path) as found:
        yield found


async def test_a_pod_runs_to_its_end(node: Runtime) -> None:
    await node.create("one", "exit", "0", restartPolicy="Never")
    status = (await node.phase("one", "Succeeded"))["status"]
    assert status["containerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert status["podIP"] == status["hostIP"] == "172.31.0.2"
    assert await node.told("Started")
    assert "already present" in await node.told("Pulled")


async def test_a_container_that_ends_is_started_again(node: Runtime) -> None:
    await node.create("one", "exit", "3")
    status = (await node.restarted("one", 3))["status"]["containerStatuses"][0]
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert await node.told("Started")
    assert node.held.forgotten, "attempts before the last two are forgotten"


async def test_a_deleted_pod_is_asked_to_end_and_leaves_nothing(node: Runtime) -> None:
    made = await node.create("one", "stay")
    await node.ready("one")
    folder = node.shared.layout.pod(objects.uid_of(made))
    log = Path(node.record().log)
    assert "172.31.0.2\tone" in (folder / "hosts").read_text()
    assert (folder / "hostname").read_text() == "one\n"
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")
    await node.until(lambda: asyncio.to_thread(lambda: not folder.exists()), "no folder")
    assert not await asyncio.to_thread(log.exists)
    assert node.held.forgotten == [node.record().id]


async def test_a_pod_whose_object_is_gone_is_ended_too(node: Runtime) -> None:
    made = await node.create("one", "stay")
    await node.ready("one")
    await node.client.delete(kinds.POD, "one", "default", grace_seconds=0)
    folder = node.shared.layout.pod(objects.uid_of(made))
    await node.until(lambda: asyncio.to_thread(lambda: not folder.exists()), "no folder")


async def test_what_cannot_be_run_is_said(node: Runtime) -> None:
    await node.create("one", "fail", "exec:", "not", "found", restartPolicy="Never")
    found = await node.phase("one", "Failed")
    assert "exec: not found" in str(found["status"])
    assert await node.told("Failed", "not found")


async def test_a_container_that_cannot_be_made_is_tried_again(node: Runtime) -> None:
    node.held.trouble = [errors.Transient("busy")]
    await node.create("one", "stay")
    await node.ready("one")
    assert await node.told("FailedMount", "busy")


async def test_a_container_without_a_program_is_refused(node: Runtime) -> None:
    await node.create("one")
    await node.says("one", "CreateContainerConfigError", "no command specified")


async def test_a_missing_object_is_awaited(node: Runtime) -> None:
    wanted = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    await node.create("one", "stay", c_env=[wanted])
    await node.says("one", "CreateContainerConfigError", 'configmap "c" not found')
    await node.apply("ConfigMap", "c", data={"k": "v"})
    await node.ready("one")
    assert "X=v" in node.held.plans[-1].config["process"]["env"]


async def follower(node: Runtime, **more: Any) -> Path:
    """Create a pod that mounts a ConfigMap; return the file that shows its key."""
    await node.apply("ConfigMap", "c", data={"k": "v"})
    made = await node.create(
        "one",
        "stay",
        volumes=[{"name": "c", "configMap": {"name": "c"}}],
        c_volumeMounts=[{"name": "c", "mountPath": "/c"}],
        **more,
    )
    return node.shared.layout.pod(objects.uid_of(made)) / "volumes/c/k"


async def shows(node: Runtime, file: Path, content: str) -> None:
    def same() -> bool:
        return file.exists() and file.read_text() == content

    await node.until(lambda: asyncio.to_thread(same), f"{content} in the file")


async def test_the_content_of_a_volume_follows_its_object(node: Runtime) -> None:
    file = await follower(node)
    await node.ready("one")
    await shows(node, file, "v")
    await node.apply("ConfigMap", "c", data={"k": "w"})
    await shows(node, file, "w")


class HeldUp:
    """A step that comes back only when a story lets it go on."""

    def __init__(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done, self.go_on = asyncio.Event(), asyncio.Event()
        self._step = getattr(owner, name)
        monkeypatch.setattr(owner, name, self)

    async def __call__(self, *args: Any) -> Any:
        result = await self._step(*args)
        self.done.set()
        await self.go_on.wait()
        return result


async def test_a_change_while_an_earlier_one_is_written_is_not_lost(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await follower(node)
    await node.ready("one")
    step = HeldUp(preparation, "refresh", monkeypatch)
    await node.apply("ConfigMap", "c", data={"k": "w"})
    await step.done.wait()
    await node.apply("ConfigMap", "c", data={"k": "x"})
    await heard(node, "x")
    step.go_on.set()
    await shows(node, file, "x")


async def test_a_change_while_the_first_container_starts_is_not_lost(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = HeldUp(node.held, "run", monkeypatch)
    file = await follower(node)
    await step.done.wait()
    assert await asyncio.to_thread(file.read_text) == "v"
    await node.apply("ConfigMap", "c", data={"k": "w"})
    await heard(node, "w")
    step.go_on.set()
    await shows(node, file, "w")


async def test_a_change_that_could_not_be_written_is_written_later(
    node: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = await follower(node)
    await node.ready("one")
    refresh, fails = preparation.refresh, [OSError("no space left")]

    async def full(*args: Any) -> bool:
        if fails:
            raise fails.pop()
        return await refresh(*args)

    monkeypatch.setattr(preparation, "refresh", full)
    await node.apply("ConfigMap", "c", data={"k": "w"})
    await shows(node, file, "w")


async def test_what_changed_while_nobody_looked_is_written(node: Runtime) -> None:
    file = await follower(node)
    found = await node.ready("one")
    await shows(node, file, "v")
    node.left = [node.record()]
    await node.leave()
    await node.apply("ConfigMap", "c", data={"k": "w"})
    spec = {"clusterIP": "172.31.0.2", "ports": [{"port": 80}]}
    await node.apply("Service", "web", spec=spec)
    await heard(node, "w")
    node.arrived(found)
    await shows(node, file, "w")
    hosts = node.shared.layout.pod(objects.uid_of(found)) / "hosts"
    assert "web.default" in await asyncio.to_thread(hosts.read_text)


async def heard(node: Runtime, content: str) -> None:
    async def known() -> bool:
        found = node.shared.known.get(kinds.CONFIG_MAP, "c", "default")
        return bool(found) and found["data"]["k"] == content

    await node.until(known, f"{content} known to the node")


async def test_a_missing_volume_is_told(node: Runtime) -> None:
    volumes = [{"name": "c", "configMap": {"name": "c"}}]
    await node.create("one", "stay", volumes=volumes)
    assert await node.told("FailedMount", 'MountVolume.SetUp failed for volume "c"')


async def test_volumes_are_below_the_nodes_folder(node: Runtime) -> None:
    root = node.shared.layout.root
    (root / "x").mkdir()
    (root / "x/file").touch()
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await node.apply("PersistentVolumeClaim", "p", spec={**spec, "volumeName": "v"})
    volume = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    await node.client.create(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "v"},
            "spec": {**volume, "hostPath": {"path": "/volumes/v"}},
        }
    )
    volumes = [
        {"name": "e", "emptyDir": {}},
        {"name": "h", "hostPath": {"path": "/y/z"}},
        {"name": "f", "hostPath": {"path": "/x/file", "type": "File"}},
        {"name": "p", "persistentVolumeClaim": {"claimName": "p", "readOnly": True}},
        {"name": "t", "hostPath": {"path": "/dev/null", "type": "CharDevice"}},
        {"name": "s", "hostPath": {"path": "/sys"}},
    ]
    mounts = [{"name": one["name"], "mountPath": f"/m/{one['name']}"} for one in volumes]
    mounts.append({"name": "e", "mountPath": "/m/sub", "subPathExpr": "$(WHO)/a"})
    await node.create(
        "one",
        "stay",
        volumes=volumes,
        c_volumeMounts=mounts,
        c_env=[{"name": "WHO", "value": "me"}],
    )
    await node.ready("one")
    assert (root / "y/z").is_dir()
    assert (root / "volumes/v").is_dir()
    plan = node.held.plans[-1]
    seen = {one["destination"]: one for one in plan.config["mounts"]}
    assert "ro" in seen["/m/p"]["options"]
    assert seen["/m/s"]["type"] == "sysfs"
    assert [one["path"] for one in plan.config["linux"]["devices"]] == ["/m/t"]
    assert any(binding.path.endswith("me/a") for binding in plan.bindings)


BAD_VOLUMES = {
    "of a kind that is not here": (
        {"iscsi": {"targetPortal": "s", "iqn": "iqn.2026-01.cloud.ouranos:v", "lun": 0}},
        "no volumes of kind iscsi",
    ),
    "of a claim that is not there": (
        {"persistentVolumeClaim": {"claimName": "no"}},
        'persistentvolumeclaim "no" not found',
    ),
    "of a file that is a folder": ({"hostPath": {"path": "/", "type": "File"}}, "is not a file"),
    "of nothing": ({"hostPath": {"path": "/no", "type": "Socket"}}, "is not a socket"),
    "of no device": ({"hostPath": {"path": "/dev/no", "type": "CharDevice"}}, "not a character"),
}


@pytest.mark.parametrize("case", BAD_VOLUMES)
async def test_a_volume_is_refused(node: Runtime, case: str) -> None:
    told, words = BAD_VOLUMES[case]
    await node.create("one", "stay", volumes=[{"name": "v", **told}])
    assert await node.told("FailedMount", words)


async def test_a_claim_that_is_not_bound_is_awaited(node: Runtime) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await node.apply("PersistentVolumeClaim", "p", spec=spec)
    volumes = [{"name": "p", "persistentVolumeClaim": {"claimName": "p"}}]
    await node.create("one", "stay", volumes=volumes)
    assert await node.told("FailedMount", "is not bound")


async def test_an_image_that_cannot_be_had_is_tried_again(node: Runtime) -> None:
    node.images.missing.add(IMAGE)
    await node.create("one", "stay")
    await node.says("one", "ErrImagePull", "no such image")
    node.images.missing.clear()
    for worker in node.workers.values():
        worker.retry(pulls=True)
    await node.ready("one")


async def test_a_slow_image_is_said_to_be_pulled(node: Runtime) -> None:
    node.images.slow = 0.3
    await node.create("one", "stay")
    assert IMAGE in await node.told("Pulling")
    assert "Successfully pulled" in await node.told("Pulled")


async def test_who_waits_for_an_image_can_be_deleted(node: Runtime) -> None:
    node.images.slow = 60
    await node.create("one", "stay")
    await node.told("Pulling")
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")


def probe(*command: str, **more: Any) -> dict[str, Any]:
    return {"exec": {"command": list(command)}, "periodSeconds": 1, **more}


async def test_probes_decide_who_is_ready_and_who_is_ended(node: Runtime) -> None:
    node.held.answers["well"] = (1, "not yet")
    await node.create(
        "one",
        "stay",
        c_startupProbe=probe("started"),
        c_readinessProbe=probe("well"),
        c_livenessProbe=probe("alive", failureThreshold=1),
    )
    await node.says("one", "'started': True")
    assert "not yet" in await node.told("Unhealthy", "Readiness")
    node.held.answers["well"] = (0, "")
    await node.ready("one")
    node.held.answers["alive"] = (-1, "")
    await node.restarted("one")
    assert await node.told("Killing", "will be restarted")


async def test_hooks_run_and_their_failures_are_told(node: Runtime) -> None:
    node.held.answers["before"] = (1, "refuse")
    hooks = {
        "postStart": {"exec": {"command": ["after"]}},
        "preStop": {"exec": {"command": ["before"]}},
    }
    await node.create("one", "stay", c_lifecycle=hooks, terminationGracePeriodSeconds=1)
    await node.ready("one")
    await node.client.delete(kinds.POD, "one", "default")
    assert "refused" in await node.told("FailedPreStopHook")
    await node.gone("one")
    node.held.answers["after"] = (2, "no")
    await node.create("two", "stay", c_lifecycle=hooks)
    assert "no" in await node.told("FailedPostStartHook")
    await node.restarted("two")


async def test_a_hook_that_sleeps_too_long_is_cut_short(node: Runtime) -> None:
    hooks = {"preStop": {"sleep": {"seconds": 600}}}
    await node.create("one", "stay", c_lifecycle=hooks, terminationGracePeriodSeconds=1)
    await node.ready("one")
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")


async def test_last_words_are_kept(node: Runtime) -> None:
    made = await node.create("one", "stay", restartPolicy="Never")
    await node.ready("one")
    record = node.record()
    words = node.shared.layout.pod(objects.uid_of(made)) / "messages" / record.id
    words.write_text("so long")
    node.held.end(record, 0)
    await node.says("one", "so long")
    policy = "FallbackToLogsOnError"
    await node.create("two", "exit", "1", restartPolicy="Never", c_terminationMessagePolicy=policy)
    await node.says("two", "hello")


async def test_an_unusual_end_is_told(node: Runtime) -> None:
    node.held.reason = "OOMKilled"
    await node.create("one", "exit", "137", restartPolicy="Never")
    assert "OOMKilled (137)" in await node.told("Failed")


async def test_tidying_up_is_tried_again(node: Runtime) -> None:
    await node.create("one", "stay", restartPolicy="Never")
    await node.ready("one")
    node.held.trouble = [errors.Transient("busy"), OSError("no space")]
    node.held.end(node.record(), 0)
    await node.phase("one", "Succeeded")


async def test_a_sandbox_holds_a_shared_process_namespace(node: Runtime) -> None:
    await node.create("one", "stay", shareProcessNamespace=True)
    await node.ready("one")
    assert node.held.ran == ["sandbox", "main"]
    sandbox = node.record("sandbox")
    await node.client.delete(kinds.POD, "one", "default")
    await node.gone("one")
    assert sandbox.id in node.held.forgotten


async def test_a_new_supervisor_goes_on_with_what_runs(node: Runtime) -> None:
    await node.create("one", "stay", c_readinessProbe=probe("well"))
    await node.ready("one")
    await node.leave()
    node.left = records.load(node.shared.layout)
    node.arrived(await node.pod("one"))
    await node.until(lambda: _held(node), "the container to be adopted")
    assert node.held.ran == ["main"]
    node.held.end(node.record(), 1)
    await node.restarted("one")


async def _held(node: Runtime) -> bool:
    return any(worker.is_running(node.record().id) for worker in node.workers.values())


async def test_who_the_services_are_is_kept_up_to_date(node: Runtime) -> None:
    made = await node.create("one", "stay")
    await node.ready("one")
    hosts = node.shared.layout.pod(objects.uid_of(made)) / "hosts"
    spec = {"clusterIP": "172.31.0.2", "ports": [{"port": 80}]}
    await node.apply("Service", "web", spec=spec)

    async def named() -> bool:
        return "172.31.0.2\tweb web.default" in hosts.read_text()

    await node.until(named, "the name")
    assert node.services
