"""What the stories on real machines share: how a cloud is brought up, looked at and removed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(os.environ.get("OURANOS_ROOT", "/var/lib/ouranos"))
OURANOS = Path(sys.executable).with_name("ouranos")


def eventually(look: Callable[[], Any], seconds: float, what: str) -> Any:
    """Look again until something true is seen; the deadline is several times the quiet figure."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.5)
    return found


@dataclass(frozen=True)
class Cloud:
    """A cloud of a story, driven as a person drives it: by the command line."""

    name: str
    file: Path

    @property
    def folder(self) -> Path:
        return ROOT / "clouds" / self.name

    def run(
        self, *words: str, check: bool = True, seconds: float = 1100
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [OURANOS, *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, "OURANOS_CLOUD": self.name},
            check=False,
        )
        if check:
            assert done.returncode == 0, f"ouranos {' '.join(words)}:\n{done.stdout}\n{done.stderr}"
        return done

    def up(self) -> None:
        self.run("up", str(self.file))

    def ready(self) -> bool:
        return self.run("status", check=False).returncode == 0

    def wait_ready(self, seconds: float = 600) -> None:
        eventually(self.ready, seconds, f"{self.name} Ready")

    def verify(self) -> dict[str, Any]:
        return json.loads(self.run("verify", "-o", "json").stdout)

    def kubectl(self, *words: str) -> str:
        done = subprocess.run(
            ["kubectl", "--kubeconfig", self.folder / "kubeconfig", *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def objects(self, kind: str) -> list[dict[str, Any]]:
        return json.loads(self.kubectl("get", kind, "-n", self.name, "-o", "json"))["items"]

    def destroy(self) -> None:
        self.run("down", "--destroy", "--keep-images", "--yes")


FILE = """\
apiVersion: ouranos.cloud/v1alpha1
kind: Cloud
metadata: {{name: {name}}}
spec:
  release: "2026.2"
  region: Düdingen Test
  network: {{management: 172.31.{number}.0/24, public: 172.24.{number}.0/24}}
  services:
    {{keystone: {{}}, glance: {{}}, placement: {{}}, nova: {{}}, neutron: {{}}, cinder: {{}}}}
"""


def cloud_named(name: str, number: int, folder: Path) -> Cloud:
    """A cloud with ranges of its own, so that it stands beside any other on this machine."""
    file = folder / f"{name}.yaml"
    file.write_text(FILE.format(name=name, number=number), encoding="utf-8")
    return Cloud(name, file)


def secrets_of(cloud: Cloud) -> dict[str, str]:
    """Every secret value of the cloud by where it is kept; short ones and names are left out."""
    found: dict[str, str] = {}
    for secret in cloud.objects("secrets"):
        for key, text in (secret.get("data") or {}).items():
            value = base64.b64decode(text).decode(errors="replace")
            if len(value) >= 16 and key != "username":
                found[f"{secret['metadata']['name']}/{key}"] = value
    return found


def processes() -> dict[int, str]:
    """Command lines of all processes of the machine."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
    return {int(line.split()[0]): line.split(None, 1)[1] for line in listed.stdout.splitlines()}
