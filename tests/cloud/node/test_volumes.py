"""A pod's volumes are what Kubernetes says they are."""

import asyncio
import base64
import os
import socket
from pathlib import Path

from tests_node import IMAGE, Engine, container_processes, init_of

from ouranos.engine.node import identity
from ouranos.kit import kinds

SHARE = {"name": "share", "mountPath": "/share"}


async def test_host_paths_are_below_the_nodes_own_folder(engine: Engine) -> None:
    await engine.ready_node()
    root = engine.told.layout.root
    (root / "srv").mkdir()
    (root / "srv/out").symlink_to("/etc")
    (root / "etc").mkdir()
    (root / "etc/mine").write_text("of the node\n")
    text = await engine.result(
        "paths",
        "cat /link/mine; ls /link; echo hi > /made/x; cat /made/x; echo no > /readonly/x;"
        "ls -l /dev/net",
        volumes=[
            {"name": "link", "hostPath": {"path": "/srv/out"}},
            {"name": "made", "hostPath": {"path": "/var/lib/made", "type": "DirectoryOrCreate"}},
            {"name": "tun", "hostPath": {"path": "/dev/net/tun", "type": "CharDevice"}},
        ],
        c_volumeMounts=[
            {"name": "link", "mountPath": "/link"},
            {"name": "made", "mountPath": "/made", "subPath": "deep/er"},
            {"name": "made", "mountPath": "/readonly", "readOnly": True},
            {"name": "tun", "mountPath": "/dev/net/tun"},
        ],
    )
    assert text.startswith("of the node\nmine\nhi\n"), text
    assert "tun" in text
    assert "Read-only" in text
    assert (root / "var/lib/made/deep/er/x").read_text() == "hi\n"


async def test_a_wrong_host_path_is_said(engine: Engine) -> None:
    volume = {"name": "x", "hostPath": {"path": "/no/such", "type": "Directory"}}
    await engine.create("wrong", "true", volumes=[volume], c_volumeMounts=[{**SHARE, "name": "x"}])

    async def look() -> bool:
        return any("not a directory" in text for text in await engine.events("FailedMount"))

    await engine.until(look, "FailedMount")


async def test_a_share_that_cannot_be_mounted_is_said(engine: Engine) -> None:
    """The node calls the server first: the kernel would wait for it, and the node with it."""
    known = await asyncio.to_thread(Path("/proc/filesystems").read_text)
    told = {"127.0.0.1": "does not answer on port 2049"}
    with socket.socket() as server:
        if "nfs4" not in known:
            server.bind(("127.0.0.2", 2049))
            server.listen()
            told["127.0.0.2"] = "kernel has no NFS client"
        for number, (address, words) in enumerate(told.items()):
            volume = {"name": "x", "nfs": {"server": address, "path": "/srv"}}
            mount = [{**SHARE, "name": "x"}]
            await engine.create(f"share-{number}", "true", volumes=[volume], c_volumeMounts=mount)

            async def look(words: str = words) -> bool:
                return any(words in text for text in await engine.events("FailedMount"))

            await engine.until(look, words)


async def test_config_arrives_late_and_changes_as_a_whole(engine: Engine) -> None:
    await engine.create(
        "config",
        "while true; do a=$(cat /c/a); b=$(cat /c/b); echo $a$b $(cat /s/key 2>&1);"
        "busybox sleep 0.05; done",
        volumes=[
            {"name": "c", "configMap": {"name": "late"}},
            {"name": "s", "secret": {"secretName": "word", "defaultMode": 0o400}},
        ],
        c_volumeMounts=[{"name": "c", "mountPath": "/c"}, {"name": "s", "mountPath": "/s"}],
        c_env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "late", "key": "a"}}}],
    )

    async def waits() -> bool:
        said = await engine.events("FailedMount")
        return any('configmap "late" not found' in text for text in said)

    await engine.until(waits, "FailedMount")
    secret = {"key": base64.b64encode(b"open").decode()}
    await engine.apply("Secret", "word", data=secret)
    await engine.apply("ConfigMap", "late", data={"a": "1", "b": "1"})
    await engine.said("config", "11 open")
    await engine.apply("ConfigMap", "late", data={"a": "2", "b": "2"})
    await engine.said("config", "22 open")
    assert not any(
        b"open" in p.read_bytes()
        for p in engine.told.directory.rglob("*/volumes/**/*")
        if p.is_file()
    )


async def test_projected_and_sub_paths(engine: Engine) -> None:
    await engine.apply("ConfigMap", "c", data={"one": "1", "two": "2"})
    await engine.apply("Secret", "s", data={"three": base64.b64encode(b"3").decode()})
    text = await engine.result(
        "projected",
        "cat /p/one /p/dir/three /p/labels; echo; cat /single; ls -ln /p/dir/three",
        volumes=[
            {"name": "c", "configMap": {"name": "c"}},
            {
                "name": "p",
                "projected": {
                    "sources": [
                        {"configMap": {"name": "c", "items": [{"key": "one", "path": "one"}]}},
                        {
                            "secret": {
                                "name": "s",
                                "items": [{"key": "three", "path": "dir/three", "mode": 0o400}],
                            }
                        },
                        {
                            "downwardAPI": {
                                "items": [
                                    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}
                                ]
                            }
                        },
                    ]
                },
            },
        ],
        c_volumeMounts=[
            {"name": "p", "mountPath": "/p"},
            {"name": "c", "mountPath": "/single", "subPath": "two"},
        ],
    )
    assert text.startswith('13app="projected"\n2'), text
    assert "-r--------" in text


async def test_a_claimed_volume_keeps_its_data(engine: Engine) -> None:
    volume = {"hostPath": {"path": "/var/lib/volumes/one"}, "capacity": {"storage": "1Gi"}}
    await engine.client.create(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": "one"},
            "spec": {**volume, "accessModes": ["ReadWriteOnce"]},
        }
    )
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    await engine.apply("PersistentVolumeClaim", "data", spec={**claim, "volumeName": "one"})
    told = {
        "volumes": [{"name": "share", "persistentVolumeClaim": {"claimName": "data"}}],
        "c_volumeMounts": [SHARE],
        "securityContext": {"runAsUser": 5001, "fsGroup": 5002},
    }
    await engine.result("first", "echo kept > /share/x", **told)
    await engine.client.delete(kinds.POD, "first", "default", grace_seconds=0)
    await engine.gone("first")
    assert await engine.result("second", "cat /share/x", **told) == "kept\n"


async def test_mounts_propagate_where_they_are_asked_to(engine: Engine) -> None:
    def container(name: str, command: str, propagation: str, **more: object) -> dict[str, object]:
        mount = {**SHARE, "mountPropagation": propagation}
        words = ["/bin/sh", "-c", command]
        return {"name": name, "image": IMAGE, "command": words, "volumeMounts": [mount], **more}

    def awaited(file: str) -> str:
        return f"until [ -e /share/{file} ]; do busybox sleep 0.1; done"

    # A container sees what was mounted before it was made, whatever is propagated later.
    mounts = "mkdir -p /share/m; busybox mount -t tmpfs x /share/m; echo deep > /share/m/x"
    makes = f"{awaited('ready')}; {mounts}; : > /share/made; sleep 99"
    looks = "while ! cat /share/m/x; do busybox sleep 0.1; done 2>/dev/null; sleep 99"
    blind = f": > /share/ready; {awaited('made')}; cat /share/m/x || echo blind; sleep 99"
    rights = {"capabilities": {"add": ["SYS_ADMIN"]}}
    volume = {"name": "share", "hostPath": {"path": "/srv/m", "type": "DirectoryOrCreate"}}
    await engine.create(
        "many",
        "true",
        volumes=[volume],
        containers=[
            container("makes", makes, "Bidirectional", securityContext=rights),
            container("looks", looks, "HostToContainer"),
            container("blind", blind, "None"),
        ],
    )
    await engine.said("many", "deep", container="looks")
    await engine.said("many", "blind", container="blind")
    assert "/srv/m" not in await asyncio.to_thread(Path("/proc/self/mountinfo").read_text)
    await engine.client.delete(kinds.POD, "many", "default", grace_seconds=0)
    await engine.gone("many")
    assert (
        await engine.result(
            "after",
            "cat /share/m/x",
            volumes=[volume],
            c_volumeMounts=[{**SHARE, "mountPropagation": "HostToContainer"}],
        )
        == "deep\n"
    )


async def test_a_guest_outlives_the_container_that_started_it(engine: Engine) -> None:
    told = {
        "hostPID": True,
        "volumes": [{"name": "groups", "hostPath": {"path": "/sys/fs/cgroup"}}],
        "c_volumeMounts": [{"name": "groups", "mountPath": "/sys/fs/cgroup"}],
        "c_securityContext": {"capabilities": {"add": ["SYS_ADMIN", "DAC_OVERRIDE"]}},
    }
    move = (
        "setsid sh -c 'for d in /sys/fs/cgroup/guests /sys/fs/cgroup/*/guests; do"
        " [ -d $d ] && mkdir -p $d/one && { [ ! -e $d/one/cpuset.cpus ] ||"
        " { cat $d/cpuset.cpus > $d/one/cpuset.cpus; cat $d/cpuset.mems > $d/one/cpuset.mems; }; }"
        " && echo $$$$ > $d/one/cgroup.procs; done; echo moved; exec busybox sleep 4321' & "
        "busybox sleep 1234 & busybox sleep 5678"
    )
    await engine.create("starts", move, **told)
    pod = await engine.ready("starts")
    await engine.said("starts", "moved")
    first = init_of(pod["status"], engine.told)
    (guest,) = _sleeping_list("4321")
    assert _sleeping("1234")
    os.kill(first.pid, 9)

    async def again() -> bool:
        status = (await engine.pod("starts") or {})["status"]
        return status["containerStatuses"][0]["restartCount"] == 1

    await engine.until(again, "a restart")
    await engine.ready("starts")
    await engine.said("starts", "moved")
    assert identity.is_alive(guest), "the guest went with its container"
    assert _sleeping("4321") == 2
    assert _sleeping("1234") == 1, "a sibling that stayed was not ended"
    await engine.client.delete(kinds.POD, "starts", "default", grace_seconds=0)
    await engine.gone("starts")

    async def ended() -> bool:
        return not _sleeping("1234")

    await engine.until(ended, "the sibling to end")
    assert identity.is_alive(guest)
    await engine.node.shutdown()
    assert not _sleeping("4321")
    assert not container_processes(engine.told.directory)


def _sleeping_list(seconds: str) -> list[identity.Identity]:
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:3] == [b"busybox", b"sleep", seconds.encode()]:
                one = identity.of(int(entry.name))
                if one:
                    found.append(one)
    return found


def _sleeping(seconds: str) -> int:
    return len(_sleeping_list(seconds))
