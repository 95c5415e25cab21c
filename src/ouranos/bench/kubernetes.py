"""What a cloud on a real Kubernetes takes: its cluster, its images, its first guest."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from ouranos.bench import command, figures, machine, place, servers
from ouranos.lab import settings

NUMBER: Final = 9
"""Of the lab, so that it stands beside any other."""
_ROLES: Final = ("control-plane", "hypervisor", "gateway")


@dataclass(slots=True)
class Kubernetes:
    """Measures a lab of its own and the cloud in it.

    Attributes:
        root: where everything is kept.
        document: the Cloud, as a person wrote it.
        table: where the figures go.
    """

    root: Path
    document: dict[str, Any]
    table: figures.Table

    @property
    def lab(self) -> settings.Settings:
        """The lab."""
        return replace(settings.of_environment(NUMBER), root=self.root)

    def ouranos(self, more: Mapping[str, str] | None = None) -> command.Ouranos:
        """The command line, which is led to the lab."""
        ours = {
            "OURANOS_LAB": str(NUMBER),
            "OURANOS_CACHE": str(self.lab.cache),
            "OURANOS_KUBECONFIG": str(self.lab.kubeconfig),
            "KUBECONFIG": str(self.lab.kubeconfig),
        }
        return command.Ouranos(place.Place(self.root), {**ours, **(more or {})})

    def compiled(self) -> None:
        """Kubernetes from nothing: its sources fetched, compiled, started."""
        with tempfile.TemporaryDirectory(dir=self.root, prefix="go-") as folder:
            more = {
                "OURANOS_CACHE": f"{folder}/cache",
                "GOCACHE": f"{folder}/build",
                "GOMODCACHE": f"{folder}/modules",
            }
            try:
                spent = self.ouranos(more).module("ouranos.lab", "up")
            finally:
                self.ouranos(more).module("ouranos.lab", "down")
        self.table.measured["lab-nothing"] = figures.Measured(spent.wall, spent.cpu)

    def started(self) -> None:
        """Kubernetes that was compiled before."""
        spent = self.ouranos().module("ouranos.lab", "up")
        self.table.measured["lab"] = figures.Measured(spent.wall, spent.cpu)

    def images(self) -> None:
        """All images: from no package, and packed anew from layers that are there."""
        folder = place.Place(self.root).paths.images
        parts = (folder / "oci", folder / "packed")
        for name, gone in {"oci-nothing": (folder,), "oci": parts}.items():
            for each in gone:
                shutil.rmtree(each, ignore_errors=True)
            spent = self.ouranos().done("images", "build")
            self.table.measured[name] = figures.Measured(spent.wall, spent.cpu)

    def guest(self) -> None:
        """From `kubectl apply` to a guest that answers, on a cluster that has the images."""
        ouranos = self.ouranos()
        ouranos.done("images", "load", "--address", str(self.lab.node(1).socket))
        ouranos.done("install", "--yes")
        kubectl = str(self.lab.bin / "kubectl")
        ouranos.program(kubectl, "label", "node", "node1", *(f"ouranos.cloud/{r}=" for r in _ROLES))
        ouranos.program(kubectl, "create", "namespace", place.NAME)
        with self._file() as file:
            meter = machine.Meter()
            ouranos.program(kubectl, "apply", "--namespace", place.NAME, "--filename", str(file))
            ready = ("wait", "--for=condition=Ready", f"cloud/{place.NAME}", "--timeout=900s")
            ouranos.program(kubectl, *ready, "--namespace", place.NAME)
            self.table.measured["cluster"] = servers.guest_answers(ouranos, meter)

    @contextmanager
    def _file(self) -> Generator[Path]:
        document: dict[str, Any] = {**self.document, "metadata": {"name": place.NAME}}
        network = {**document["spec"].get("network", {}), "public": str(self.lab.public)}
        document["spec"] = {**document["spec"], "network": network}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
            yaml.safe_dump(document, file, allow_unicode=True)
            file.flush()
            yield Path(file.name)

    def remove(self) -> None:
        """Remove the lab with all that is in it."""
        self.ouranos().module("ouranos.lab", "down")
