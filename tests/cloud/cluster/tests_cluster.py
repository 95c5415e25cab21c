"""What the stories of a cloud on a real Kubernetes share: lab, command line, objects."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from tests_cloud import FILE, KINDS, OURANOS, decoded, eventually, say_to_mariadb

from ouranos.kit import cluster, conditions, errors, kinds, kubeconfig
from ouranos.lab import nodes, processes, settings
from ouranos.look import credentials, state

T = TypeVar("T")

CONTROLLERS = "ouranos-system"
PARTS = (
    *("mariadbs", "rabbitmqs", "memcacheds", "ovns", "databases", "vhosts", "hypervisors"),
    *("keystones", "glances", "placements", "novas", "neutrons", "cinders"),
)


@dataclass(frozen=True)
class Cluster:
    """A lab, and the cloud that stories have in it; driven as a person drives them."""

    place: settings.Settings
    folder: Path
    name: str = "kube"

    @property
    def file(self) -> Path:
        return self.folder / "cloud.yaml"

    @property
    def clouds_yaml(self) -> Path:
        return self.folder / "clouds.yaml"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "OURANOS_KUBECONFIG": str(self.place.kubeconfig),
            "OURANOS_LAB": str(self.place.number),
            "KUBECONFIG": str(self.place.kubeconfig),
            "PATH": f"{OURANOS.parent}:{self.place.bin}:{os.environ['PATH']}",
        }

    def write(self) -> None:
        text = FILE.format(name=self.name, network=f"public: {self.place.public}")
        self.file.write_text(text, encoding="utf-8")

    def lab(self, *words: str) -> None:
        self._said([sys.executable, "-m", "ouranos.lab", *words])

    def load_images(self) -> None:
        """Pack the images, where it was not done before, and bring them to every node."""
        self.run("images", "build")
        for node in self.place.present():
            self.run("images", "load", "--address", str(node.socket))

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._said([str(OURANOS), *words], check=check)

    def kubectl(self, *words: str, check: bool = True) -> str:
        return self._said(["kubectl", *words], check=check).stdout

    def _said(self, words: list[str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=1100,
            env=self.environment,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def ask(self, look: Callable[[cluster.Cluster], Awaitable[T]]) -> T:
        """Look into the API, or change something in it, as an administrator."""

        async def answered() -> T:
            async with kubeconfig.connect(self.place.kubeconfig, manager="stories") as api:
                return await look(api)

        return asyncio.run(answered())

    def objects(self, plural: str, namespace: str = "") -> list[dict[str, Any]]:
        return self.ask(lambda api: api.list(KINDS[plural], namespace or self.name)).items

    def object(self, plural: str, name: str, namespace: str = "") -> dict[str, Any]:
        found = self.ask(lambda api: api.get(KINDS[plural], name, namespace or self.name))
        assert found is not None, f"{plural} {name}"
        return found

    def secret(self, name: str) -> dict[str, str]:
        return decoded(self.object("secrets", name))

    def there(self) -> bool:
        """Whether somebody has applied the Cloud."""
        return self.ask(lambda api: api.get(kinds.CLOUD, self.name, self.name)) is not None

    def ready(self) -> bool:
        """Whether the Cloud says so; not while nobody answers."""
        try:
            found = self.ask(lambda api: api.get(kinds.CLOUD, self.name, self.name))
        except errors.Transient:
            return False
        return found is not None and state.of_cloud(found).ready

    def settled(self) -> bool:
        """Ready, no pod on its way out, and each that should run is ready."""
        if not self.ready():
            return False
        pods = self.objects("pods")
        lasting = [each for each in pods if each["status"].get("phase") != "Succeeded"]
        return all(
            "deletionTimestamp" not in each["metadata"] and conditions.is_true(each, "Ready")
            for each in lasting
        )

    def wait_settled(self, seconds: float = 900) -> None:
        eventually(self.settled, seconds, lambda: f"{self.name} settled: {self.told()}", every=0.5)

    def told(self) -> str:
        """What `ouranos status` says."""
        done = self.run("status", check=False)
        return f"{done.stdout}{done.stderr}"

    def pods(self) -> dict[str, str]:
        """The pods that are there by their names: what may not change."""
        found: dict[str, str] = {}
        for each in self.objects("pods"):
            restarts = sum(
                one["restartCount"] for one in each["status"].get("containerStatuses", [])
            )
            found[each["metadata"]["name"]] = f"{each['metadata']['uid']} {restarts}"
        return found

    def write_clouds_yaml(self) -> Path:
        """The administrator's, for OpenStack's client library."""
        entry = self.ask(lambda api: credentials.of_administrator(api, self.name, self.name))
        text = yaml.safe_dump({"clouds": {self.name: entry}}, allow_unicode=True)
        self.clouds_yaml.write_text(text, encoding="utf-8")
        return self.clouds_yaml

    def verify(self) -> dict[str, Any]:
        return json.loads(self.run("verify", "-o", "json").stdout)

    def sql(self, statement: str) -> list[Any]:
        """Say something to MariaDB, as its administrator."""
        root = self.secret("mariadb-root-1")
        address = self.object("services", "mariadb")["spec"]["clusterIP"]
        return say_to_mariadb(address, (root["username"], root["password"]), statement)

    def stop(self, component: str) -> None:
        """End a component of the lab's control plane; `lab up` starts it again."""
        assert asyncio.run(processes.stop(self.place, component)), component

    def power_off(self, node: int) -> None:
        """All processes of a node end at once, unasked; `lab up` switches it on again."""
        asyncio.run(nodes.power_off(self.place, self.place.node(node)))

    def inside(self, node: int, *words: str) -> str:
        """Run a program on a node."""
        return asyncio.run(nodes.run_inside(self.place, self.place.node(node), *words))

    def leader(self) -> str:
        """The pod of the controllers that holds the Lease; empty while none does."""
        try:
            lease = self.object("leases", "ouranos-controllers", CONTROLLERS)
            pods = self.objects("pods", CONTROLLERS)
        except (errors.Transient, AssertionError):
            return ""
        holder = lease["spec"].get("holderIdentity") or ""
        names = [each["metadata"]["name"] for each in pods]
        return next((name for name in names if name in holder), "")
