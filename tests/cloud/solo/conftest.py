"""One cloud for all stories of solo: brought up once, removed at the end.

Who works on a story can keep a cloud for several runs: `OURANOS_STORY=mine:21:22` names it, and
gives the numbers of its ranges and of those beside it; it is then neither removed before nor after.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
import tests_guest
from tests_cloud import Cloud, cloud_named

KEPT = os.environ.get("OURANOS_STORY")
NAME, NUMBER, BESIDE = (KEPT or "story:9:10").split(":")


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cloud]:
    made = cloud_named(NAME, int(NUMBER), tmp_path_factory.mktemp(NAME))
    if made.folder.exists() and not KEPT:
        made.destroy()
    try:
        yield made
    finally:
        if made.folder.exists() and not KEPT:
            made.destroy()


@pytest.fixture(scope="session")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cloud]:
    """A second cloud that is not there yet, and is there no longer in the end."""
    made = cloud_named(f"{NAME}-beside", int(BESIDE), tmp_path_factory.mktemp("beside"))
    if made.folder.exists():
        made.destroy()
    try:
        yield made
    finally:
        if made.folder.exists():
            made.destroy()


@pytest.fixture(scope="session")
def running(cloud: Cloud) -> Cloud:
    cloud.up()
    return cloud


@dataclass
class Foreign:
    """What somebody else has on this machine and in this cloud, made by hand."""

    link: str
    process: subprocess.Popen[bytes]
    file: Path
    database: str

    def untouched(self, cloud: Cloud | None = None) -> None:
        """All of it is as it was; with a cloud also what is in its database server."""
        found = subprocess.run(
            ["ip", "-o", "-4", "address", "show", "dev", self.link],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "198.51.100.1/32" in found.stdout
        assert self.process.poll() is None
        assert self.file.read_text() == "not yours\n"
        if cloud is not None:
            assert cloud.sql(f"SELECT word FROM {self.database}.words") == ["kept"]


@pytest.fixture(scope="session")
def foreign(running: Cloud) -> Generator[Foreign]:
    """A stranger's link, process, file beside the cloud's folder, and database in its server."""
    link, database = f"stranger{running.number}", "stranger"
    file = running.folder.parent / f"stranger-{running.number}.txt"
    process = subprocess.Popen(["conmon-of-a-stranger", "600000"], executable="/bin/sleep")
    try:
        subprocess.run(["ip", "link", "add", link, "type", "bridge"], check=True)
        subprocess.run(["ip", "address", "add", "198.51.100.1/32", "dev", link], check=True)
        file.write_text("not yours\n")
        running.sql(f"CREATE DATABASE IF NOT EXISTS {database}")
        running.sql(f"CREATE OR REPLACE TABLE {database}.words AS SELECT 'kept' AS word")
        yield Foreign(link, process, file, database)
    finally:
        process.kill()
        process.wait()
        subprocess.run(["ip", "link", "delete", link], check=False)
        file.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def guest(running: Cloud) -> Generator[tests_guest.Guest]:
    made = tests_guest.of_cloud(running.folder / "clouds.yaml", running.name)
    try:
        made.begin()
        yield made
    finally:
        if running.folder.exists():  # the last story removes the cloud with all that is in it
            made.end()
