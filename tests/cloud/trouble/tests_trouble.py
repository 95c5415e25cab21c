"""What the stories of trouble share: a small cloud, a disk that shrinks, a registry that fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyroute2.nftables import main
from tests_cloud import OURANOS, ROOT, eventually

from ouranos.images import catalog, store
from ouranos.kit import errors
from ouranos.solo import door, lock, machine, paths

NAME = "trouble"
RELEASE = "2026.2"
MANAGEMENT, PUBLIC = "172.31.22.0/24", "172.24.22.0/24"
FILE = f"""\
apiVersion: ouranos.cloud/v1alpha1
kind: Cloud
metadata: {{name: {NAME}}}
spec:
  release: "{RELEASE}"
  region: Düdingen Test
  network: {{management: {MANAGEMENT}, public: {PUBLIC}}}
  services: {{keystone: {{}}}}
"""
LONG = 240.0
"""Seconds for what takes some twenty on a quiet machine."""


def output(*words: str | Path) -> str:
    """What a program of the host says; it must succeed."""
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def fill_shared() -> None:
    """Have every image in the store that all clouds of this machine share."""

    async def fill() -> None:
        held = store.ImageStore(ROOT / "images")
        await held.ensure_all(catalog.reference(name, RELEASE) for name in catalog.IMAGES)
        await held.close()

    asyncio.run(fill())


def mount(place: Path) -> None:
    """Give a folder a disk of its own; it takes memory only for what is written to it."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16g", "trouble", place], check=True)


def unmount(place: Path) -> None:
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> None:
    """Leave no room on the disk of a folder: it becomes as small as what is on it."""
    found = os.statvfs(place)
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    subprocess.run(["mount", "-o", f"remount,size={used // 1024}k", place], check=True)


def make_room(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=16g", place], check=True)


def tables() -> list[str]:
    """The names of the firewall's tables."""
    with main.NFTables(nfgen_family=1) as kernel:
        return [table.get_attr("NFTA_TABLE_NAME") for table in kernel.get_tables()]


class Said:
    """The lines of a running command, as they come."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, part: str, seconds: float = LONG) -> str:
        """The first line that holds this; the command may go on for so long."""

        def look() -> str:
            found = next((line for line in self.lines if part in line), "")
            assert found or self.process.poll() is None, self.text
            return found

        return eventually(look, seconds, f"{part!r} in:\n{self.text}")

    def end(self, seconds: float = LONG) -> int:
        """The exit code, once the command has ended by itself."""
        code = self.process.wait(seconds)
        self._reader.join(10)
        if self.process.stderr is not None and not self._reader.is_alive():
            self.process.stderr.close()
        return code


@dataclass(frozen=True)
class Small:
    """A cloud below a root of its own, driven by commands."""

    root: Path
    more: dict[str, str] = field(default_factory=dict[str, str])
    """Variables of its commands and of its daemon."""

    @property
    def place(self) -> paths.Paths:
        return paths.Paths(self.root, NAME)

    @property
    def folder(self) -> Path:
        return self.place.folder

    @property
    def images(self) -> Path:
        return self.place.images

    @property
    def bridge(self) -> str:
        return machine.bridge_name(self.place)

    @property
    def file(self) -> Path:
        file = self.root.parent / f"{self.root.name}.yaml"
        if not file.exists():
            file.write_text(FILE, encoding="utf-8")
        return file

    def share_images(self) -> None:
        """Use the images that the machine has."""
        self.images.symlink_to(ROOT / "images")

    def lack(self, name: str) -> None:
        """Have a store of its own, like the shared one, but without one layer upon the base."""
        if self.images.is_symlink():
            self.images.unlink()
        self.images.mkdir(exist_ok=True)
        shared = ROOT / "images"
        layers = self.images / "layers"
        layers.mkdir()
        for layer in (shared / "layers").iterdir():
            what = json.loads((layer / "layer.json").read_text())["name"]
            if what == "base":
                shutil.copytree(layer, layers / layer.name, symlinks=True)
            elif what != name:
                (layers / layer.name).symlink_to(layer)
        for folder in ("apt", "definitions"):
            shutil.copytree(shared / folder, self.images / folder)
        for stamp in self.images.glob("apt/*/updated"):
            stamp.touch()  # the index need not be asked for again

    def has(self, name: str) -> bool:
        """Whether the layer is there that was lacking."""
        found = self.images.glob("layers/*/layer.json")
        return name in {json.loads(record.read_text())["name"] for record in found}

    @property
    def environment(self) -> dict[str, str]:
        own = {"OURANOS_ROOT": str(self.root), "OURANOS_CLOUD": NAME}
        return {**os.environ, **own, **self.more}

    def run(
        self, *words: str | Path, seconds: float = 300, **more: Any
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [OURANOS, *words],
            capture_output=True,
            text=True,
            timeout=seconds,
            env=self.environment,
            check=False,
            **more,
        )

    def begin(self, *words: str | Path) -> Said:
        process = subprocess.Popen(
            [OURANOS, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        return Said(process)

    def up(self) -> None:
        done = self.run("up", self.file)
        assert done.returncode == 0, done.stderr

    def status(self) -> tuple[int, str, str]:
        done = self.run("status")
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    def ready(self) -> bool:
        return self.status()[0] == 0

    def wait_ready(self) -> None:
        eventually(self.ready, LONG, "trouble being Ready")

    def daemon(self) -> int:
        return eventually(lambda: lock.holder_of(self.place.daemon_lock), 60, "a daemon")

    def kill_daemon(self) -> int:
        pid = self.daemon()
        os.kill(pid, signal.SIGKILL)
        return pid

    def write(self, name: str, text: str) -> str:
        """Make an object through the API's door; what is refused, or nothing."""

        async def create() -> None:
            async with door.connect(self.place) as api:
                metadata = {"name": name, "namespace": NAME}
                wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
                await api.create({**wanted, "data": {"text": text}})

        try:
            asyncio.run(create())
        except errors.ApiError as error:
            return str(error)
        return ""

    def projects(self) -> set[str]:
        done = self.run("openstack", "project", "list", "-f", "value", "-c", "Name")
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    def remove(self) -> None:
        if self.folder.exists():
            done = self.run("down", "--destroy", "--keep-images", "--yes")
            assert done.returncode == 0, done.stderr
        self.file.unlink()

    def left(self) -> list[str]:
        """Every trace on this machine, but for the root folder itself."""
        links = output("ip", "-o", "link")
        routes = output("ip", "route")
        mounts = Path("/proc/self/mountinfo").read_text()
        return [
            *(line for line in links.splitlines() if self.bridge in line),
            *(line for line in routes.splitlines() if self.bridge in line),
            *(line for line in mounts.splitlines() if f"{self.root}/" in line),
            *(name for name in tables() if self.bridge in name),
            *(str(path) for path in Path("/sys/fs/cgroup").rglob(f"*{self.bridge}*")),
            *(str(path) for path in (self.root / "clouds").glob("**/*")),
        ]


@contextlib.contextmanager
def held(path: Path) -> Any:
    """Hold a lock as another process would, so that a story decides when a command goes on."""
    path.touch()
    with subprocess.Popen(["flock", path, "sleep", "600"], start_new_session=True) as holder:
        eventually(lambda: not _free(path), 10, "the lock")
        try:
            yield
        finally:
            os.killpg(holder.pid, signal.SIGKILL)


def _free(path: Path) -> bool:
    return subprocess.run(["flock", "-n", path, "true"], check=False).returncode == 0
