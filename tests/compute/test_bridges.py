"""Do a machine's bridges lead to guests' public addresses while it is a gateway, and no longer?

The script is run as it is, but for its folder; the programs that it calls are a machine of files.
"""

import os
import subprocess
from importlib import resources
from pathlib import Path

import pytest

FILES = resources.files("ouranos.compute") / "files" / "ovn"
PUBLIC = "172.24.4.1/24"
IP = """#!/bin/sh
cd "$MACHINE" || exit 1
case "$*" in
"-4 -o address show dev br-ex"*)
    while read -r one; do echo "3: br-ex    inet $one scope global br-ex"; done <addresses ;;
"address replace"*) echo "$3" >>addresses ;;
"address delete"*)
    grep -qxF "$3" addresses || exit 2
    grep -vxF "$3" addresses >rest; mv rest addresses ;;
esac
"""
QUIET = """#!/bin/sh
case "$*" in *br-exists*) exit 2 ;; esac
"""
# The script rests after each round, which is the last one here.
REST = """#!/bin/sh
kill -TERM $PPID
"""


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    programs = {"ip": IP, "ovs-vsctl": QUIET, "ovn-sbctl": QUIET, "sleep": REST}
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("bridges.sh", "tunnels.sh"):
        script = (FILES / name).read_text().replace("/run/ovn", str(tmp_path))
        (tmp_path / name).write_text(script)
    (tmp_path / "datapath").write_text("system")
    (tmp_path / "addresses").touch()
    return tmp_path


def after_a_round(machine: Path, gateways: str) -> list[str]:
    """The addresses of the public bridge, once all is as it should be."""
    subprocess.run(
        ["/bin/sh", str(machine / "bridges.sh")],
        env={
            "PATH": f"{machine}/bin:{os.environ['PATH']}",
            "MACHINE": str(machine),
            "NODE_NAME": "hv1",
            "NODE_IP": "192.0.2.7",
            "OVN_REMOTE": "tcp:192.0.2.1:6642",
            "GATEWAYS": gateways,
            "PHYSICAL_NETWORK": "physnet1",
            "PUBLIC_ADDRESS": PUBLIC,
            "MTU": "1500",
            "TUNNEL_INTERFACE": "",
        },
        check=True,
    )
    (machine / "bridges-are-right").unlink()
    return (machine / "addresses").read_text().split()


def test_a_gateway_has_the_public_address_once(machine: Path) -> None:
    assert after_a_round(machine, "hv0 hv1") == [PUBLIC]
    assert after_a_round(machine, "hv0 hv1") == [PUBLIC]


def test_who_is_no_gateway_any_more_has_it_no_longer(machine: Path) -> None:
    after_a_round(machine, "hv1")
    assert after_a_round(machine, "hv0") == []
    (machine / "addresses").write_text("198.51.100.1/24\n")
    assert after_a_round(machine, "hv0") == ["198.51.100.1/24"], "that one somebody else gave"
