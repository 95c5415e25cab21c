"""What is in `deploy/`? The same objects as files, for Git, Flux, Argo CD and kustomize."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import yaml

from ouranos.install import manifests, order, workload
from ouranos.kit.objects import Object

_HEAD: Final = "# Made by `make deploy`; do not edit.\n"
_KUSTOMIZE: Final = "kustomize.config.k8s.io"


class _Dumper(yaml.SafeDumper):
    """Writes every value where it is used: the same list in two places is no anchor."""

    def ignore_aliases(self, data: Any) -> bool:
        """Always."""
        del data
        return True


def text(objects: Iterable[Object]) -> str:
    """Some objects as one YAML file."""
    return yaml.dump_all(
        objects, Dumper=_Dumper, sort_keys=False, width=120, explicit_start=True, allow_unicode=True
    )


def _kustomization(resources: Iterable[str], kind: str = "Kustomization") -> Object:
    version = "v1alpha1" if kind == "Component" else "v1beta1"
    return {
        "apiVersion": f"{_KUSTOMIZE}/{version}",
        "kind": kind,
        "resources": list(resources),
    }


def files(wanted: order.Order) -> dict[str, str]:
    """The text of each file below `deploy/`, by its path there."""
    definitions = {
        f"{one['metadata']['name']}.yaml": [one] for one in manifests.definitions(wanted)
    }
    parts = {f"{name}.yaml": objects for name, objects in manifests.parts(wanted).items()}
    folders = {
        "crds": (definitions, "Kustomization"),
        "controllers": (parts, "Kustomization"),
        "monitoring": ({"monitor.yaml": [workload.monitor(wanted)]}, "Component"),
    }
    found = {"kustomization.yaml": [_kustomization(["crds", "controllers"])]}
    for folder, (content, kind) in folders.items():
        found[f"{folder}/kustomization.yaml"] = [_kustomization(sorted(content), kind)]
        found |= {f"{folder}/{name}": objects for name, objects in content.items()}
    return {name: _HEAD + text(objects) for name, objects in sorted(found.items())}


def write(directory: Path, wanted: order.Order) -> list[str]:
    """Bring `deploy/` up to date and return the paths of the files that changed or went."""
    right = files(wanted)
    changed: list[str] = []
    for path in sorted(directory.rglob("*.yaml")):
        name = path.relative_to(directory).as_posix()
        if name not in right:
            path.unlink()
            changed.append(name)
    for name, content in right.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
            changed.append(name)
    return changed
