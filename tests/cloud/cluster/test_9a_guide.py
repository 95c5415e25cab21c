"""The guide to a cloud on Kubernetes is true: its commands are run as they stand in its text.

On an empty cluster, after all other stories of this folder, or with nothing before it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests_cluster import Cluster

from ouranos.images import qcow2

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "install-on-kubernetes.md"
ITS_PUBLIC = "172.24.4.0/24"
ITS_NAMESPACE = "home"


def blocks(language: str) -> list[str]:
    """The text of each block of a language, in order."""
    text = GUIDE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every line after `$ ` in the console blocks."""
    lines = [line for block in blocks("console") for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@dataclass(frozen=True)
class Reader:
    """A person with a shell in an empty folder, who does what the guide says."""

    cluster: Cluster
    folder: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=1300,
            env={**self.cluster.environment, "IMAGE": "first.qcow2"},
            check=False,
        )


@pytest.fixture(scope="module")
def reader(lab: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Generator[Reader]:
    """An empty cluster; what earlier stories have left of their cloud's data goes first."""
    lab.kubectl("delete", "namespace", ITS_NAMESPACE, "--ignore-not-found", "--timeout=300s")
    folder = tmp_path_factory.mktemp("guide")
    (file,) = blocks("yaml")
    assert ITS_PUBLIC in file, "the lab's own range takes this one's place"
    (folder / "cloud.yaml").write_text(file.replace(ITS_PUBLIC, str(lab.place.public)), "utf-8")
    (folder / "first.qcow2").write_bytes(qcow2.empty(64 << 20))  # boots nothing, and is a server
    (folder / "deploy").symlink_to(GUIDE.parents[2] / "deploy")
    yield Reader(lab, folder)
    lab.kubectl("delete", "namespace", ITS_NAMESPACE, "--ignore-not-found", "--timeout=300s")


@pytest.mark.parametrize(
    "command", commands(), ids=[f"{number} {each}" for number, each in enumerate(commands(), 1)]
)
def test_a_command_of_the_guide_works(reader: Reader, command: str) -> None:
    """In the order of the guide, from an empty cluster to an empty cluster."""
    done = reader.run(command)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"


def test_what_the_guide_leaves_is_an_empty_cluster(reader: Reader) -> None:
    for kind in ("crds", "namespaces", "clusterroles"):
        assert "ouranos" not in reader.cluster.kubectl("get", kind, "-o", "name")


def test_the_guide_has_commands() -> None:
    assert len(commands()) > 30
    assert len(set(commands())) == len(commands()) - 2, "apply and install are run again"
