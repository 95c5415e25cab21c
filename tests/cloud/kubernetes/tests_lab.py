"""A lab of the stories' own, beside the one that a person may have on this machine."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import yaml

from ouranos.engine.node import identity
from ouranos.lab import archive, building, down, groups, nodes, processes, settings, up

NUMBER = 9
IMAGE = "ouranos.cloud/busybox:lab"
PATIENCE = 120.0


class Lab:
    """What a story does with a lab."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.settings = settings.of_environment(
            NUMBER, environment={"OURANOS_ROOT": str(root), "OURANOS_CACHE": str(cache)}
        )

    @staticmethod
    def run(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run(work)

    def up(self, count: int = 1) -> None:
        self.run(up.up(self.settings, count, print))

    def down(self) -> None:
        self.run(down.down(self.settings, print))

    def build(self) -> None:
        self.run(building.ensure(self.settings.cache, print))

    def command(self, *words: str) -> "subprocess.Popen[bytes]":
        """The command that `make kubernetes` calls, for this lab."""
        place = self.settings
        given = {"OURANOS_ROOT": str(place.root), "OURANOS_CACHE": str(place.cache)}
        return subprocess.Popen(
            [sys.executable, "-m", "ouranos.lab", f"--lab={place.number}", *words],
            env=os.environ | given,
            stderr=subprocess.DEVNULL,
        )

    def load(self) -> None:
        """Load the image of the stories' pods into every node."""
        packed = self.settings.folder / "busybox.tar"
        archive.write(Path("/bin/busybox"), IMAGE, packed)
        for node in self.settings.present():
            self.run(nodes.load(node, packed))

    def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        done = subprocess.run(
            [self.settings.bin / "kubectl", "--kubeconfig", self.settings.kubeconfig, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE + 30,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "-o", "json"))

    def apply(self, *objects: dict[str, Any]) -> None:
        self.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))

    def ready(self, *pods: str) -> None:
        names = [f"pod/{name}" for name in pods]
        self.kubectl("wait", "--for=condition=Ready", *names, f"--timeout={PATIENCE:.0f}s")

    def inside(self, pod: str, *words: str) -> str:
        return self.kubectl("exec", pod, "--", "/busybox", *words)

    def running(self) -> dict[str, identity.Identity]:
        """Every component that runs, by its name."""
        names = [path.name for path in self.settings.processes.iterdir()]
        found = {name: processes.recorded(self.settings, name) for name in names}
        return {name: one for name, one in found.items() if one is not None}

    def everybody(self) -> set[identity.Identity]:
        """Every process of the lab, its pods' too."""
        return groups.processes(self.settings.name)

    def kill(self, *who: identity.Identity) -> None:
        for one in who:
            identity.send(one, signal.SIGKILL)
        eventually(lambda: not any(map(identity.is_alive, who)), "the killed to be gone")


def eventually(holds: Callable[[], Any], what: str) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)
    return found


def asked(address: str) -> str:
    """What a web server says, from this machine; nothing when it does not answer."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            return answer.read().decode().strip()
    except OSError:
        return ""


def answers(address: str, what: str) -> None:
    eventually(lambda: asked(address) == what, f"{what!r} from {address}")


def web(name: str, node: str = "", volumes: dict[str, Any] | None = None) -> dict[str, Any]:
    """A pod that serves its own name; with `volumes`, out of the one called data."""
    serve = f"echo {name} >/data/index.html && exec /busybox httpd -f -p 8080 -h /data"
    spec: dict[str, Any] = {
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
        "containers": [
            {
                "name": "web",
                "image": IMAGE,
                "command": ["/busybox", "sh", "-c", serve],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                "readinessProbe": {"httpGet": {"port": 8080, "path": "/"}, "periodSeconds": 1},
            }
        ],
        "volumes": [{"name": "data", **(volumes or {"emptyDir": {}})}],
    }
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": spec,
    }


def service(name: str, selects: str) -> dict[str, Any]:
    """A Service that is reached from outside."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": selects},
            "ports": [{"port": 80, "targetPort": 8080}],
        },
    }


def claim(name: str) -> dict[str, Any]:
    """A claim of the default class, for many pods on many nodes."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }


def machine() -> dict[str, set[str]]:
    """What a lab could leave on this machine, by its sort."""

    def said(*argv: str) -> list[str]:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()

    name = f"ouranos-k8s{NUMBER}"
    return {
        "links": {line.split(":")[1] for line in said("ip", "-o", "link") if name in line},
        "routes": {line for line in said("ip", "route") if name in line},
        "tables": {line for line in said("nft", "list", "tables") if line.endswith(name)},
        "groups": {str(path / name) for path in groups.hierarchies() if (path / name).exists()},
        "mounts": {
            line
            for line in Path("/proc/self/mountinfo").read_text().splitlines()
            if f"/kubernetes-{NUMBER}/" in line
        },
        "processes": {
            path.parent.name
            for path in Path("/proc").glob("[0-9]*/cgroup")
            # Of a process that has ended and is not reaped yet, the group is told as deleted.
            if any(
                f"/{name}/" in line and "(deleted)" not in line for line in _text(path).splitlines()
            )
        },
        "files": {str(path) for path in Path("/run").glob(f"{name}.*")},
        "namespaces": set(said("ip", "netns", "list")) & {"node1", "node2"},
    }


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
