"""A pod's containers run as its manifest says."""

import asyncio
import os
import time

from tests_node import Engine, init_of

from ouranos.engine.node import identity
from ouranos.kit import kinds

SEES = "while ! busybox ps | grep -q 'sleep 7[7]'; do busybox sleep 0.1; done; echo seen; sleep 99"


async def test_a_pod_runs_and_is_deleted(engine: Engine) -> None:
    await engine.ready_node()
    began = time.monotonic()
    await engine.create("a", "echo started; trap 'echo asked; exit 3' TERM; sleep 100 & wait")
    pod = await engine.ready("a")
    assert time.monotonic() - began < 5
    process = init_of(pod["status"], engine.told)
    await engine.said("a", "started")
    assert pod["status"]["podIP"] == str(engine.told.address)
    await engine.client.delete(kinds.POD, "a", "default")
    await engine.gone("a")
    assert not identity.is_alive(process)
    assert not list(engine.told.layout.pods.iterdir())
    assert len(list(engine.told.layout.containers.iterdir())) == 1


async def test_what_a_container_sees(engine: Engine) -> None:
    text = await engine.result(
        "see",
        "env | sort; pwd; hostname; id; grep -E 'Cap(Eff|Bnd)|NoNewPrivs' /proc/self/status;"
        "touch /x 2>&1; touch /tmp/x && echo tmp; touch /run/x && echo run; cat /etc/resolv.conf;"
        "busybox ps | wc -l; echo $0 $1",
        c_env=[
            {"name": "ONE", "value": "1"},
            {"name": "TWO", "value": "$(ONE)-$(NONE)-$$(ONE)"},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
        ],
        c_args=["zero", "$(TWO)"],
        c_workingDir="/usr",
        c_resources={"limits": {"memory": "64Mi"}},
    )
    lines = text.splitlines()
    for expected in (
        "ONE=1",
        "TWO=1-$(NONE)-$(ONE)",
        "NAME=see",
        "APP=see",
        f"IP={engine.told.address}",
        "CPU=67108864",
        "FROM_IMAGE=yes",
        "HOME=/root",
        "/usr",
        "see",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "NoNewPrivs:\t1",
        "tmp",
        "run",
        "zero 1-$(NONE)-$(ONE)",
    ):
        assert expected in lines, (expected, text)
    assert "Read-only file system" in text
    assert "PYTHONDONTWRITEBYTECODE" not in text


async def test_users_groups_and_rights(engine: Engine) -> None:
    text = await engine.result(
        "user",
        "id; ls -ldn /data; touch /data/x; ls -n /data/x; grep Cap /proc/self/status; echo $HOME",
        securityContext={"runAsUser": 5001, "fsGroup": 6001, "supplementalGroups": [6002]},
        volumes=[{"name": "data", "emptyDir": {}}],
        c_volumeMounts=[{"name": "data", "mountPath": "/data"}],
        c_securityContext={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "SYS_RESOURCE"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    )
    assert "uid=5001(small) gid=5002(small) groups=5002(small),5003(extra),6001,6002" in text
    assert "drwxrwsrwx" in text
    assert "5001 6001" in text
    assert "CapBnd:\t0000000000001000" in text
    assert "/home/small" in text


async def test_root_is_refused_where_it_must_not_be(engine: Engine) -> None:
    await engine.create("root", "true", c_securityContext={"runAsNonRoot": True})

    async def look() -> bool:
        pod = await engine.pod("root") or {}
        statuses = pod.get("status", {}).get("containerStatuses") or [{}]
        waiting = statuses[0].get("state", {}).get("waiting", {})
        return waiting.get("reason") == "CreateContainerConfigError" and "runAsNonRoot" in str(
            waiting
        )

    await engine.until(look, "a refusal")


async def test_exit_codes_and_reasons(engine: Engine) -> None:
    await engine.create(
        "seven", "echo last words > /dev/termination-log; exit 7", restartPolicy="Never"
    )
    state = (await engine.phase("seven", "Failed"))["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["exitCode"] == 7
    assert state["terminated"]["reason"] == "Error"
    assert state["terminated"]["message"] == "last words\n"

    await engine.create("zero", "true", restartPolicy="OnFailure")
    state = (await engine.phase("zero", "Succeeded"))["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["reason"] == "Completed"

    await engine.create("none", ["/no/such/program"], restartPolicy="Never")
    state = (await engine.phase("none", "Failed"))["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["reason"] == "ContainerCannotRun"
    assert state["terminated"]["exitCode"] == 127
    assert "no such file" in state["terminated"]["message"]

    hog = "import time\nx = bytearray(200 << 20)\ntime.sleep(9)"
    limits = {"limits": {"memory": "32Mi"}}
    await engine.create(
        "hog", ["/usr/bin/python3", "-c", hog], restartPolicy="Never", c_resources=limits
    )
    state = (await engine.phase("hog", "Failed"))["status"]["containerStatuses"][0]["state"]
    assert state["terminated"]["reason"] == "OOMKilled"
    assert state["terminated"]["exitCode"] == 137


async def test_a_crashing_container_backs_off(engine: Engine) -> None:
    await engine.create("crash", "echo once more; exit 1")

    async def look() -> bool:
        status = (await engine.pod("crash") or {}).get("status", {})
        own = (status.get("containerStatuses") or [{}])[0]
        waits = own.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"
        return (
            waits and own["restartCount"] >= 2 and own["lastState"]["terminated"]["exitCode"] == 1
        )

    await engine.until(look, "a back-off")
    assert "once more" in await engine.said("crash", "once", previous=True)


async def test_init_containers_and_sidecars_come_first(engine: Engine) -> None:
    share = [{"name": "share", "mountPath": "/share"}]
    text = await engine.result(
        "order",
        "cat /share/said; kill -0 1; [ -e /share/side ] && echo side",
        volumes=[{"name": "share", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}],
        c_volumeMounts=share,
        initContainers=[
            {
                "name": "one",
                "image": "x",
                "command": ["/bin/sh", "-c", "echo one >> /share/said"],
                "volumeMounts": share,
            },
            {
                "name": "side",
                "image": "x",
                "restartPolicy": "Always",
                "command": [
                    "/bin/sh",
                    "-c",
                    "touch /share/side; trap 'exit 0' TERM; sleep 99 & wait",
                ],
                "startupProbe": {"exec": {"command": ["test", "-e", "/share/side"]}},
                "volumeMounts": share,
            },
            {
                "name": "two",
                "image": "x",
                "command": ["/bin/sh", "-c", "echo two >> /share/said"],
                "volumeMounts": share,
            },
        ],
    )
    assert text.split() == ["one", "two", "side"]

    async def look() -> bool:
        status = (await engine.pod("order") or {})["status"]
        return all("terminated" in one["state"] for one in status["initContainerStatuses"])

    await engine.until(look, "the sidecar to be stopped")


async def test_probes_decide_readiness_and_life(engine: Engine) -> None:
    serve = "cd /tmp; touch ready alive; exec /usr/bin/busybox httpd -f -p 8080"
    await engine.create(
        "web",
        serve,
        c_ports=[{"name": "http", "containerPort": 8080}],
        c_startupProbe={"tcpSocket": {"port": "http"}},
        c_readinessProbe={
            "httpGet": {"path": "/ready", "port": "http"},
            "periodSeconds": 1,
            "failureThreshold": 1,
        },
        c_livenessProbe={
            "exec": {"command": ["/bin/sh", "-c", "test -e /tmp/alive"]},
            "periodSeconds": 1,
            "failureThreshold": 2,
        },
    )
    pod = await engine.ready("web")
    root = f"/proc/{init_of(pod['status'], engine.told).pid}/root"
    await asyncio.to_thread(os.unlink, f"{root}/tmp/ready")

    async def unready() -> bool:
        status = (await engine.pod("web") or {})["status"]
        return not status["containerStatuses"][0]["ready"]

    await engine.until(unready, "web to be unready")
    await asyncio.to_thread(os.unlink, f"{root}/tmp/alive")

    async def again() -> bool:
        status = (await engine.pod("web") or {})["status"]
        return status["containerStatuses"][0]["restartCount"] == 1

    await engine.until(again, "web to be restarted")
    await engine.ready("web")
    assert any("Liveness probe failed" in text for text in await engine.events("Unhealthy"))


async def test_hooks_and_graceful_end(engine: Engine) -> None:
    await engine.create(
        "hooks",
        "trap 'exit 0' TERM; while [ ! -e /tmp/hook ]; do sleep 0.05; done; echo hooked;"
        "sleep 99 & wait",
        c_lifecycle={
            "postStart": {"exec": {"command": ["touch", "/tmp/hook"]}},
            "preStop": {"exec": {"command": ["/bin/sh", "-c", "echo before > /share/end"]}},
        },
        c_volumeMounts=[{"name": "share", "mountPath": "/share"}],
        volumes=[
            {"name": "share", "hostPath": {"path": "/srv/share", "type": "DirectoryOrCreate"}}
        ],
    )
    await engine.said("hooks", "hooked")
    await engine.client.delete(kinds.POD, "hooks", "default")
    await engine.gone("hooks")
    assert (engine.told.layout.root / "srv/share/end").read_text() == "before\n"


async def test_a_missing_image_is_said_and_fetched_when_it_is_there(engine: Engine) -> None:
    engine.images.missing.add("ouranos.cloud/late:1")
    await engine.create("late", "sleep 99", c_image="ouranos.cloud/late:1")

    async def look() -> bool:
        status = (await engine.pod("late") or {}).get("status", {})
        waiting = (status.get("containerStatuses") or [{}])[0].get("state", {}).get("waiting", {})
        return waiting.get("reason") == "ErrImagePull" and "no such image" in waiting["message"]

    await engine.until(look, "ErrImagePull")
    assert any("no such image" in text for text in await engine.events("Failed"))
    engine.images.missing.clear()
    await engine.ready("late", 15)


async def test_a_shared_pid_namespace(engine: Engine) -> None:
    sleeps = {"name": "other", "image": "x", "command": ["/usr/bin/busybox", "sleep", "77"]}
    sees = {"name": "main", "image": "x", "command": ["/bin/sh", "-c", SEES]}
    await engine.create("both", "true", shareProcessNamespace=True, containers=[sees, sleeps])
    await engine.ready("both")
    await engine.said("both", "seen", container="main")


async def test_a_deadline_ends_a_pod(engine: Engine) -> None:
    await engine.create("late", "sleep 99", activeDeadlineSeconds=1)
    pod = await engine.phase("late", "Failed")
    assert pod["status"]["reason"] == "DeadlineExceeded"


async def test_a_probe_of_loopback_asks_inside_the_node(engine: Engine) -> None:
    serve = "cd /tmp; echo well > x; exec busybox httpd -f -p 127.0.0.1:8088"
    inside = {"httpGet": {"host": "127.0.0.1", "port": 8088, "path": "/x"}}
    await engine.create("inner", serve, c_readinessProbe=inside)
    await engine.ready("inner")
    outside = {"httpGet": {"port": 8088, "path": "/x"}, "failureThreshold": 1}
    await engine.create("outer", "sleep 99", c_readinessProbe=outside)

    async def told() -> bool:
        return any("Readiness" in one for one in await engine.events("Unhealthy"))

    await engine.until(told, "the other address to be refused")
