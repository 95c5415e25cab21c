"""One cloud for all stories of solo: brought up once, removed at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from dataclasses import dataclass

import pytest
from tests_cloud import ROOT, Cloud, cloud_named, eventually

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
def guest(running: Cloud) -> Generator[Guest]:
    built = asyncio.run(guest_image.build(ROOT / "images"))
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
        if running.folder.exists():  # the last story removes the cloud with all that is in it
            if run.tenant is not None:
                removal.remove(run.tenant, run.project)
            tenant.leave(run)
