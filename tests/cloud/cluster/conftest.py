"""One lab and one cloud in it for all stories of this folder; the last one removes both.

Who works on a story can keep the lab: `OURANOS_STORY_LAB=3` gives its number, and then it is
neither removed before nor after.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import tests_guest
import tests_raising
from tests_cluster import Cluster

from ouranos.lab import settings

KEPT = os.environ.get("OURANOS_STORY_LAB")
ROLES = ("control-plane", "hypervisor", "gateway")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """A real Kubernetes of one node, with all images on it and nothing else."""
    place = settings.of_environment(int(KEPT or 4))
    made = Cluster(place, tmp_path_factory.mktemp("cluster"))
    made.write()
    if not KEPT:
        made.lab("down")
    try:
        made.lab("up")
        made.load_images()
        yield made
    finally:
        if not KEPT:
            made.lab("down")


@pytest.fixture(scope="session")
def installed(lab: Cluster) -> Cluster:
    """Ouranos is installed there, and the node has its roles."""
    lab.run("install", "--yes", "--wait")
    lab.kubectl(
        "label", "node", "node1", "--overwrite", *(f"ouranos.cloud/{role}=" for role in ROLES)
    )
    return lab


@pytest.fixture(scope="session")
def running(installed: Cluster) -> Cluster:
    """A Cloud came up, although its controllers were killed ten times; one that is kept is kept."""
    if not installed.there():
        installed.kubectl("create", "namespace", installed.name, check=False)
        tests_raising.come_up(installed)
    installed.wait_settled()
    installed.write_clouds_yaml()
    return installed


@pytest.fixture(scope="session")
def guest(running: Cluster) -> Generator[tests_guest.Guest]:
    made = tests_guest.of_cloud(running.clouds_yaml, running.name)
    try:
        made.begin()
        yield made
    finally:
        if running.ready():
            made.end()
