"""What the stories on real machines share: how a cloud is brought up, looked at and removed."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import pymysql
import tests_kubectl

from ouranos.kit import cluster, errors, kinds
from ouranos.kit.objects import Kind
from ouranos.look import state
from ouranos.solo import door, lock, machine, paths

ROOT = Path(os.environ.get("OURANOS_ROOT", "/var/lib/ouranos"))
OURANOS = Path(sys.executable).with_name("ouranos")


T = TypeVar("T")
KINDS = {kind.plural: kind for kind in vars(kinds).values() if isinstance(kind, Kind)}
LASTING = (
    *("clouds", "mariadbs", "rabbitmqs", "memcacheds", "ovns", "databases", "vhosts"),
    *("keystones", "glances", "placements", "novas", "neutrons", "cinders", "hypervisors"),
    *("deployments", "statefulsets", "daemonsets", "services", "configmaps", "secrets"),
)


def eventually(
    look: Callable[[], Any], seconds: float, what: str | Callable[[], str], every: float = 0.2
) -> Any:
    """Look again until something true is seen; the deadline is several times the quiet figure.

    What is awaited may be a question, which is asked when it has not come.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"{told}: not within {seconds:.0f} s")
        time.sleep(every)
    return found


@dataclass(frozen=True)
class Cloud:
    """A cloud of a story, driven as a person drives it: by the command line.

    What a story only waits for is looked up in the API itself: a command costs half a second.
    """

    name: str
    file: Path
    number: int
    """Of its ranges: 172.31.N.0/24 and 172.24.N.0/24."""

    @property
    def paths(self) -> paths.Paths:
        return paths.Paths(ROOT, self.name)

    @property
    def folder(self) -> Path:
        return self.paths.folder

    @property
    def bridge(self) -> str:
        """The link that everything of the cloud on this machine is named after."""
        return machine.bridge_name(self.paths)

    @property
    def node(self) -> str:
        """The address where its services answer."""
        return f"172.31.{self.number}.2"

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "OURANOS_CLOUD": self.name}

    def daemon(self) -> int | None:
        return lock.holder_of(self.paths.daemon_lock)

    def run(
        self, *words: str, check: bool = True, seconds: float = 1100
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [OURANOS, *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"ouranos {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def up(self) -> None:
        self.run("up", str(self.file))

    def start(self, *words: str, said: IO[str]) -> subprocess.Popen[str]:
        """Begin a command and come back; what it says goes into a file."""
        return subprocess.Popen(
            [OURANOS, *words],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment,
        )

    def ask(self, look: Callable[[cluster.Cluster], Awaitable[T]]) -> T:
        """Look into the API, or change something in it, as the command line does."""

        async def answered() -> T:
            async with door.connect(self.paths) as api:
                return await look(api)

        return asyncio.run(answered())

    def state(self) -> state.State | None:
        """What the Cloud says of itself; None while nobody answers."""
        try:
            found = self.ask(lambda api: api.get(kinds.CLOUD, self.name, self.name))
        except (errors.Unreachable, door.NotUpError):
            return None
        return state.of_cloud(found) if found else None

    def ready(self) -> bool:
        now = self.state()
        return now is not None and now.ready

    def wait_ready(self, seconds: float = 600) -> None:
        eventually(self.ready, seconds, lambda: f"{self.name} Ready: {self.told()}")

    def wait_settled(self, seconds: float = 300) -> None:
        eventually(self.settled, seconds, lambda: f"{self.name} at rest: {self.told()}")

    def told(self) -> str:
        """What somebody would look at who wonders: the status, and the daemon's last words."""
        status = self.run("status", check=False)
        log = self.paths.log
        words = log.read_text(encoding="utf-8")[-3000:] if log.exists() else "no daemon.log"
        return f"{status.stdout}{status.stderr}{words}"

    def verify(self) -> dict[str, Any]:
        return json.loads(self.run("verify", "-o", "json").stdout)

    def kubectl(self, *words: str) -> str:
        done = subprocess.run(
            [tests_kubectl.binary(), "--kubeconfig", self.folder / "kubeconfig", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self, plural: str) -> list[dict[str, Any]]:
        return self.ask(lambda api: api.list(KINDS[plural], self.name)).items

    def object(self, plural: str, name: str) -> dict[str, Any]:
        found = self.ask(lambda api: api.get(KINDS[plural], name, self.name))
        assert found is not None, f"{plural} {name}"
        return found

    def secret(self, name: str) -> dict[str, str]:
        return decoded(self.object("secrets", name))

    def records(self) -> list[dict[str, Any]]:
        """What the node has written down of the containers that run."""
        found = (
            json.loads(file.read_text())
            for file in (self.folder / "node" / "containers").glob("*/record.json")
        )
        return [each for each in found if each["role"] == "main" and each.get("phase") == "running"]

    def containers(self, pod: str) -> set[str]:
        """Which containers run of the pods whose names begin so."""
        return {each["id"] for each in self.records() if each["pod"].startswith(pod)}

    def wait_replaced(self, pod: str, before: set[str], seconds: float = 300) -> None:
        """Wait until all of the pods' containers are others than before, and all is well."""

        def replaced() -> bool:
            now = self.containers(pod)
            return bool(now) and now.isdisjoint(before) and self.settled()

        eventually(replaced, seconds, f"{pod} replaced and {self.name} Ready")

    def settled(self) -> bool:
        """Ready; no pod is on its way out, and those that run are what the node runs."""
        if not self.ready():
            return False
        pods = [each for each in self.objects("pods") if each["status"].get("phase") == "Running"]
        if any("deletionTimestamp" in each["metadata"] for each in pods):
            return False
        told = [one for pod in pods for one in pod["status"].get("containerStatuses", [])]
        running = {f"runc://{each['id']}" for each in self.records()}
        return all(one["ready"] for one in told) and {one["containerID"] for one in told} == running

    def fingerprint(self) -> dict[str, Any]:
        """What may not change: every object's identity and generation, and what runs."""
        found: dict[str, Any] = {}
        for plural in LASTING:
            for each in self.objects(plural):
                known = each["metadata"]
                found[f"{plural}/{known['name']}"] = (known["uid"], known.get("generation"))
        for each in self.records():
            found[f"{each['pod']}/{each['container']}"] = each["id"]
        return found

    def inside(self, pod: str, container: str, *words: str) -> str:
        """Run a program inside a running container, as root; the pod by how its name begins."""
        (pid,) = (
            each["init"]["pid"]
            for each in self.records()
            if each["pod"].startswith(pod) and each["container"] == container
        )
        done = subprocess.run(
            ["nsenter", "-t", str(pid), "-m", "-n", "-p", "-r", "-w", "--", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, statement: str, *, username: str = "", password: str = "") -> list[Any]:
        """Say something to MariaDB, as its administrator if nobody else is named."""
        root = self.secret("mariadb-root-1")
        login = (username or root["username"], password or root["password"])
        return say_to_mariadb(self.node, login, statement)

    def destroy(self) -> None:
        self.run("down", "--destroy", "--keep-images", "--yes")


FILE = """\
apiVersion: ouranos.cloud/v1alpha1
kind: Cloud
metadata: {{name: {name}}}
spec:
  release: "2026.2"
  region: Düdingen Test
  network: {{{network}}}
  services:
    {{keystone: {{}}, glance: {{}}, placement: {{}}, nova: {{}}, neutron: {{}}, cinder: {{}}}}
"""


def decoded(secret: dict[str, Any]) -> dict[str, str]:
    """What a Secret holds."""
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def say_to_mariadb(host: str, login: tuple[str, str], statement: str) -> list[Any]:
    """The first column of what a server answers to somebody."""
    with (
        pymysql.connect(
            host=host, user=login[0], password=login[1], autocommit=True, connect_timeout=30
        ) as server,
        server.cursor() as cursor,
    ):
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def described(name: str, number: int) -> str:
    """The file of a cloud with ranges of its own."""
    network = f"management: 172.31.{number}.0/24, public: 172.24.{number}.0/24"
    return FILE.format(name=name, network=network)


def cloud_named(name: str, number: int, folder: Path) -> Cloud:
    """A cloud with ranges of its own, so that it stands beside any other on this machine."""
    file = folder / f"{name}.yaml"
    file.write_text(described(name, number), encoding="utf-8")
    return Cloud(name, file, number)


def secrets_of(cloud: Cloud) -> dict[str, str]:
    """Every secret value of the cloud by where it is kept; short ones and names are left out."""
    found: dict[str, str] = {}
    for secret in cloud.objects("secrets"):
        data: dict[str, str] = secret.get("data") or {}
        for key, text in data.items():
            value = base64.b64decode(text).decode(errors="replace")
            if len(value) >= 16 and key != "username":
                found[f"{secret['metadata']['name']}/{key}"] = value
    return found


def processes() -> dict[int, str]:
    """Command lines of all processes of the machine."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
    return {int(line.split()[0]): line.split(None, 1)[1] for line in listed.stdout.splitlines()}


def groups_of(cloud: Cloud) -> list[str]:
    """The cgroups that processes of the cloud are in; those that were removed under a zombie not.

    A zombie that init has not reaped yet still names the group that it was in.
    """
    found: list[str] = []
    for entry in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            groups = entry.read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [each for each in groups if cloud.bridge in each and "(deleted)" not in each]
    return found


def left_of(cloud: Cloud) -> list[str]:
    """What a cloud has left behind: process, mount, namespace, link, route, rule, cgroup, file."""
    left = [line for line in processes().values() if str(cloud.folder) in line]
    if cloud.folder.exists():
        left.append(str(cloud.folder))
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    left += [line for line in mounts if str(cloud.folder) in line or cloud.bridge in line]
    for words in (("link",), ("route",), ("rule",), ("address",), ("netns",)):
        command = ["ip", "-o", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        marks = (cloud.bridge, f"172.24.{cloud.number}.", f"172.31.{cloud.number}.")
        left += [line for line in done.stdout.splitlines() if any(mark in line for mark in marks)]
    left += [str(path) for path in Path("/sys/fs/cgroup").rglob(f"*{cloud.bridge}*")]
    return left + groups_of(cloud)
