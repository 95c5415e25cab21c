"""The guide to the first cloud is true: its commands are run as they stand in its text."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests_cloud import OURANOS, Cloud

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "first-cloud.md"
ELSEWHERE = "## Stop it"  # `down` and `up` would end the other stories; theirs try them


def commands() -> list[str]:
    """Every line after `$ ` in the console blocks before the heading of what is left out."""
    text, heading, _ = GUIDE.read_text(encoding="utf-8").partition(ELSEWHERE)
    assert heading, "the guide ends with how to stop the cloud"
    blocks = re.findall(r"^```console\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.mark.parametrize("command", commands())
def test_a_command_of_the_guide_works(running: Cloud, command: str) -> None:
    """In the order of the guide; what one makes, a later one uses or removes."""
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "OURANOS_CLOUD": running.name,
            "PATH": f"{OURANOS.parent}:{os.environ['PATH']}",
        },
        check=False,
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"


def test_the_guide_has_commands() -> None:
    assert len(commands()) > 8
