"""A real kube-apiserver, alone with its etcd, and the definitions that real operators publish."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Generator, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import yaml

from ouranos.kit import cluster, errors, kubeconfig
from ouranos.kit.objects import Kind, Object
from ouranos.lab import authority, building, control, programs, settings

MODULES = Path(__file__).parents[2] / "crds"
PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Alone(settings.Settings):
    """A lab without nodes: its API server is reached by loopback, so it needs no network."""

    @property
    def host(self) -> IPv4Address:
        return self.local

    @property
    def local(self) -> IPv4Address:
        return IPv4Address(f"127.30.{8 * self.number}.9")


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[cluster.Cluster, Alone]]:
    """Run etcd and kube-apiserver for as long as the block lasts."""
    place = Alone(folder, settings.of_environment().cache, 8)
    place.folder.mkdir(parents=True)
    place.bin.symlink_to(await building.ensure(place.cache, print))
    authority.ensure(place, authority.control_plane(place))
    api = control.api_server(place).argv
    with (
        _running(place, control.etcd(place).argv),
        _running(place, (*api, "--endpoint-reconciler-type=none")),
    ):
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(errors.OuranosError):
                    async with kubeconfig.connect(place.kubeconfig) as source:
                        if await source.is_ready():
                            yield source, place
                            return
                await asyncio.sleep(0.2)


@contextlib.contextmanager
def _running(place: Alone, argv: tuple[str, ...]) -> Generator[None]:
    with (place.folder / f"{Path(argv[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(argv, env=programs.ENVIRONMENT, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def published(kinds: Iterable[Kind]) -> list[Object]:
    """Return the definitions of operators' kinds, from modules whose checksums are pinned."""
    folders = [Path(_download(module, version)) for module, version in _modules()]
    found: list[Object] = []
    for kind in kinds:
        name = f"config/crd/bases/{kind.group}_{kind.plural}.yaml"
        (file,) = [folder / name for folder in folders if (folder / name).exists()]
        found.append(yaml.safe_load(file.read_text(encoding="utf-8")))
    return found


def _modules() -> list[tuple[str, str]]:
    said = json.loads(_go("mod", "edit", "-json"))
    return [(one["Path"], one["Version"]) for one in said["Require"]]


def _download(module: str, version: str) -> str:
    return json.loads(_go("mod", "download", "-json", f"{module}@{version}"))["Dir"]


def _go(*words: str) -> str:
    go = shutil.which("go") or "/usr/local/go/bin/go"
    flags = {"GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    done = subprocess.run(
        [go, *words],
        cwd=MODULES,
        env={**os.environ, **flags},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def refusals(place: Alone, obj: Object) -> str:
    """Return what the server says against applying an object, unknown fields included."""
    metadata = {key: obj["metadata"].get(key, {}) for key in ("name", "namespace", "annotations")}
    written = {key: obj[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
    words = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    done = subprocess.run(
        [place.bin / "kubectl", "--kubeconfig", place.kubeconfig, *words, "-f", "-"],
        input=json.dumps(written),
        env=programs.ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr
