"""A wrong file changes nothing: one error with its place, its value and a hint, and exit code 1.

What each rule says is tested with the rules; here it is what a person reads who runs `ouranos up`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ouranos import cli

HEAD = "apiVersion: ouranos.cloud/v1alpha1\nkind: Cloud\nmetadata: {name: home}\nspec:\n"
RELEASE = '  release: "2026.2"\n'
SERVICES = "  services: {keystone: {}}\n"
BOMB = "".join(
    f"  l{number}: &l{number} [{', '.join([f'*l{number - 1}'] * 9) if number else 'x'}]\n"
    for number in range(12)
)


@dataclass(frozen=True)
class Case:
    """A file, the place of what is wrong, and what a person reads of it."""

    text: str | bytes
    place: str
    said: str
    hint: str


CASES = {
    "an unknown field": Case(
        HEAD + RELEASE + "  regoin: here\n" + SERVICES, ":6:3", "spec.regoin", 'mean "region"?'
    ),
    "a wrong type": Case(
        HEAD + RELEASE + "  network: {mtu: big}\n" + SERVICES, ":6:18", '"big"', "whole number"
    ),
    "an unknown release": Case(
        HEAD + '  release: "2025.2"\n' + SERVICES, ":5:12", '"2025.2"', 'mean "2026.2"?'
    ),
    "an unknown service": Case(
        HEAD + RELEASE + "  services: {keystone: {}, novaa: {}}\n", ":6:28", "novaa", 'mean "nova"'
    ),
    "a service without what it needs": Case(
        HEAD + RELEASE + "  services: {keystone: {}, glance: {}, neutron: {}, nova: {}}\n",
        ":6:53",
        "Nova needs Placement",
        "add placement: {}",
    ),
    "networks that overlap": Case(
        HEAD + RELEASE + "  network: {management: 10.0.0.0/16, public: 10.0.9.0/24}\n" + SERVICES,
        ":6:",
        "10.0.9.0/24",
        "share no address",
    ),
    "a network that is none": Case(
        HEAD + RELEASE + "  network: {management: 10.0.0.0/33}\n" + SERVICES,
        ":6:25",
        "10.0.0.0/33",
        "",
    ),
    "a network with bits of a host": Case(
        HEAD + RELEASE + "  network: {management: 10.0.0.5/24}\n" + SERVICES,
        ":6:25",
        "10.0.0.5/24",
        "the first address of the network",
    ),
    "an MTU too small for Geneve": Case(
        HEAD + RELEASE + "  network: {mtu: 1300}\n" + SERVICES, ":6:18", "1300", "1338"
    ),
    "an MTU too large": Case(
        HEAD + RELEASE + "  network: {mtu: 70000}\n" + SERVICES, ":6:18", "70000", "or less"
    ),
    "two objects of one name": Case(
        (HEAD + RELEASE + SERVICES) + "---\n" + (HEAD + RELEASE + SERVICES), ":10:", "home", ""
    ),
    "a key that is there twice": Case(
        HEAD + RELEASE + RELEASE + SERVICES, ":6:3", "release", "remove one"
    ),
    "invalid UTF-8": Case(
        (HEAD + RELEASE).encode() + b"  region: D\xfcdingen\n", ":6:12", "0xfc", "UTF-8"
    ),
    "an empty file": Case("", ":1:1", "describes nothing", "examples/solo.yaml"),
    "only comments": Case("# later\n", ":1:1", "describes nothing", "examples/solo.yaml"),
    "10 MB": Case("#" * 10_000_000, "", "larger than 1,000,000 bytes", "right file?"),
    "a YAML bomb": Case(HEAD + RELEASE + BOMB, ":", "more than", "less"),
    "nothing but brackets": Case("[" * 100_000, ":", "", ""),
    "a line break in the region": Case(
        HEAD + RELEASE + '  region: "a\\nconnection = x"\n' + SERVICES, ":6:11", "a\\n", "control"
    ),
    "an escape sequence in the region": Case(
        HEAD + RELEASE + '  region: "\\x1b[2J"\n' + SERVICES, ":6:11", "", "control"
    ),
    "a line break in an option": Case(
        HEAD + RELEASE + '  services: {keystone: {config: {token: {provider: "a\\nb=c"}}}}\n',
        ":6:52",
        "provider",
        "line breaks",
    ),
    "no Cloud": Case(
        "apiVersion: ouranos.cloud/v1alpha1\nkind: Clod\nmetadata: {name: home}\n",
        ":2:7",
        "Clod",
        'mean "Cloud"?',
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_wrong_file_is_one_error_and_changes_nothing(
    case: Case,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_bytes(case.text.encode() if isinstance(case.text, str) else case.text)
    monkeypatch.setenv("OURANOS_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(sys, "argv", ["ouranos", "up", str(file)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr()
    assert ended.value.code == 1
    assert told.out == ""
    error, hint = told.err.splitlines()
    assert error.startswith(f"error: {file}{case.place}")
    assert case.said in error
    assert hint.startswith("hint: ")
    assert case.hint in hint
    assert error.isprintable()
    assert not (tmp_path / "root").exists()


def test_a_file_from_standard_input_is_named_so(tmp_path: Path) -> None:
    """`-` is the habit of kubectl."""
    done = subprocess.run(
        [Path(sys.executable).with_name("ouranos"), "up", "-"],
        input="kind: [",
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "OURANOS_ROOT": str(tmp_path / "root")},
        check=False,
    )
    assert done.returncode == 1
    assert re.match(r"error: <stdin>:\d+:\d+: ", done.stderr), done.stderr
