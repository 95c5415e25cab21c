"""What a person reads, and which exit code a script sees."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

OURANOS = Path(sys.executable).with_name("ouranos")


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "OURANOS_ROOT": str(root), "HOME": str(root)}
    return subprocess.run(
        [OURANOS, *words], capture_output=True, text=True, env=environment, check=False
    )


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from ouranos import cli; cli.cli.main(['--help'], standalone_mode=False); "
    code += (
        "print(sorted({'pydantic', 'httpx2', 'asyncio', 'structlog', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command(tmp_path: Path) -> None:
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    for word in (
        "up",
        "down",
        "status",
        "verify",
        "logs",
        "kubeconfig",
        "openstack",
        "doctor",
        "bench",
    ):
        assert f"\n  {word} " in done.stdout


@pytest.mark.parametrize("command", ["status", "down", "verify", "kubeconfig", "logs nova", "up"])
def test_without_a_cloud_a_command_says_how_to_get_one(tmp_path: Path, command: str) -> None:
    done = run(tmp_path, *command.split())
    assert done.returncode == 1
    assert done.stdout == ""
    assert "error: there is no cloud on this machine" in done.stderr
    assert "hint: bring one up: ouranos up" in done.stderr


def test_with_two_clouds_a_command_asks_which(tmp_path: Path) -> None:
    for name in ("home", "work"):
        (tmp_path / "clouds" / name).mkdir(parents=True)
    done = run(tmp_path, "status")
    assert done.returncode == 1
    assert "several clouds: home, work" in done.stderr
    assert "--cloud home" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "describes nothing", id="an empty file"),
        pytest.param("kind: [", ":", id="broken YAML"),
        pytest.param("- a\n", ":1:1", id="not a mapping"),
    ],
)
def test_a_wrong_file_is_one_error_with_a_hint(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text(text)
    done = run(tmp_path, "up", str(file))
    assert done.returncode == 1
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "clouds").exists(), "a wrong file changes nothing"


def test_an_unknown_option_is_the_users_error(tmp_path: Path) -> None:
    done = run(tmp_path, "up", "--nonsense")
    assert done.returncode == 1
    assert "No such option" in done.stderr
