"""What the guides show of a program's answers is what the program answers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import click

from ouranos import cli, releases, services
from ouranos.api import load

ROOT = Path(__file__).resolve().parents[2]
OURANOS = Path(sys.executable).with_name("ouranos")


def test_the_wrong_file_of_the_first_guide_gets_the_error_that_it_shows(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "first-cloud.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```text\n(error: .*?)^```$", guide, flags=re.MULTILINE | re.DOTALL)
    right = (ROOT / "examples" / "solo.yaml").read_text(encoding="utf-8")
    (tmp_path / "cloud.yaml").write_text(right.replace("region:", "regionn:"), encoding="utf-8")
    done = subprocess.run(
        [OURANOS, "up", "cloud.yaml"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "OURANOS_ROOT": str(tmp_path)},
        check=False,
    )
    assert [done.stderr] == shown


def test_the_cloud_of_the_guide_to_kubernetes_is_a_right_one(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "install-on-kubernetes.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", guide, flags=re.MULTILINE | re.DOTALL)
    file = tmp_path / "cloud.yaml"
    file.write_text(shown, encoding="utf-8")
    (document,) = load.load(file, known=services.KNOWN.kinds, releases=releases.names())
    assert document["kind"] == "Cloud"


def test_the_guides_name_only_commands_that_there_are() -> None:
    known = set(cli.cli.list_commands(click.Context(cli.cli)))
    for guide in (ROOT / "docs" / "guides").glob("*.md"):
        text = guide.read_text(encoding="utf-8")
        named = re.findall(r"^(?:\$ |    |`)ouranos ([a-z]+)", text, flags=re.MULTILINE)
        assert set(named) <= known, guide.name
