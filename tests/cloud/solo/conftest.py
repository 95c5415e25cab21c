"""One cloud for all stories of solo: brought up once, removed at the end."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests_cloud import Cloud, cloud_named, eventually

from ouranos.images import guest as guest_image
from ouranos.verify import guest as guest_talk
from ouranos.verify import proofs, removal, story, tenant


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cloud]:
    made = cloud_named("story", 9, tmp_path_factory.mktemp("story"))
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
class Guest:
    """A server of an ordinary tenant that stays for several stories."""

    run: story.Story
    cloud: Cloud

    @property
    def address(self) -> str:
        return str(self.run.made["address"])

    @property
    def server(self) -> str:
        return str(self.run.made["server"])

    def answers(self) -> bool:
        return guest_talk.ask(self.address, "/proof.txt").startswith(self.run.token)

    def wait_answers(self, seconds: float = 240) -> None:
        eventually(self.answers, seconds, "the guest answering HTTP")

    def boots(self) -> int:
        """How often the guest has booted: its console says so each time."""
        output = self.run.tenant.compute.get_server_console_output(self.server)["output"]
        return int(output.count(f"user-data {self.run.token}"))


@pytest.fixture(scope="session")
async def guest(running: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Any:
    built = await guest_image.build(
        Path(os.environ.get("OURANOS_ROOT", "/var/lib/ouranos")) / "images" / "guest"
    )
    admin = tenant.connect_admin(str(running.folder / "clouds.yaml"), running.name)
    run = story.Story(admin, "c0ffee5tory", "public", "m1.nano", print)
    try:
        tenant.enter(run)
        proofs.image(run, built)
        proofs.network(run)
        proofs.server(run)
        proofs.http(run)
        yield Guest(run, running)
    finally:
        if run.project:
            removal.remove(run.tenant, run.project)
        tenant.leave(run)


def secrets_of(cloud: Cloud) -> dict[str, str]:
    """Every secret value of the cloud by where it is kept; short ones and names are left out."""
    found: dict[str, str] = {}
    for secret in cloud.objects("secrets"):
        for key, text in (secret.get("data") or {}).items():
            value = base64.b64decode(text).decode(errors="replace")
            if len(value) >= 16 and key != "username":
                found[f"{secret['metadata']['name']}/{key}"] = value
    return found


def main_processes(cloud: Cloud) -> dict[str, int]:
    """The main process of each running container, by `pod-label/container`."""
    found: dict[str, int] = {}
    for record in sorted((cloud.folder / "node").glob("containers/*/pid")):
        found[record.parent.name] = int(record.read_text())
    return found


def processes() -> dict[int, str]:
    """Command lines of all processes of the machine."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True)
    return {int(line.split()[0]): line.split(None, 1)[1] for line in listed.stdout.splitlines()}
