"""A server of an ordinary tenant that stays for several stories, and what may be asked of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests_cloud import ROOT, eventually

from ouranos.images import guest as guest_image
from ouranos.verify import guest as guest_talk
from ouranos.verify import stay, story, tenant


@dataclass
class Guest:
    """The server."""

    run: story.Story

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

    def begin(self) -> None:
        """Boot it, as a tenant of its own, until it answers HTTP."""
        stay.begin(self.run, asyncio.run(guest_image.build(ROOT / "images")))

    def end(self) -> None:
        """Remove it with its tenant; what was not made is left out."""
        stay.end(self.run)


def of_cloud(clouds_yaml: Path, name: str) -> Guest:
    """A guest that is not there yet, of a cloud that is named in a clouds.yaml."""
    admin = tenant.connect_admin(str(clouds_yaml), name)
    return Guest(story.Story(admin, "c0ffee5tory", "public", "m1.nano", print))
