"""A real kube-apiserver, alone with its etcd, and the definitions that real operators publish."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path

import tests_planes
import yaml

from ouranos.bench import controlplane
from ouranos.kit import cluster, kubeconfig
from ouranos.kit.objects import Kind, Object
from ouranos.lab import programs

MODULES = Path(__file__).parents[2] / "crds"


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncGenerator[tuple[cluster.Cluster, controlplane.Plane]]:
    """Run a control plane for as long as the block lasts."""
    async with (
        tests_planes.running(folder, controllers=False) as plane,
        kubeconfig.connect(plane.kubeconfig) as source,
    ):
        yield source, plane


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


def refusals(plane: controlplane.Plane, obj: Object) -> str:
    """Return what the server says against applying an object, unknown fields included."""
    metadata = {key: obj["metadata"].get(key, {}) for key in ("name", "namespace", "annotations")}
    written = {key: obj[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": metadata}
    words = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict")
    done = subprocess.run(
        [plane.kubectl, "--kubeconfig", plane.kubeconfig, *words, "-f", "-"],
        input=json.dumps(written),
        env=programs.ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stderr
