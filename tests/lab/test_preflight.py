"""What is told to stand in the way, and what is not?"""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from ouranos.lab import errors, groups, preflight, settings

LAB = settings.Settings(number=1, public=IPv4Network("172.25.1.0/24"))


def test_without_root_there_is_no_lab() -> None:
    with pytest.raises(errors.LabError, match="needs root") as refused:
        preflight.machine(1000, "/usr/sbin:/usr/bin")
    assert refused.value.hint == "run it with sudo"


def test_what_is_missing_is_named_as_packages() -> None:
    with pytest.raises(errors.LabError, match=r"missing on this machine: containerd, ") as refused:
        preflight.machine(0, "/nowhere")
    assert "nftables" in refused.value.hint
    assert refused.value.hint.startswith("apt-get install containerd ")


def test_without_cgroups_that_can_be_used_there_is_no_lab(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in preflight.PACKAGES:
        (tmp_path / name).touch(0o755)
    monkeypatch.setattr(preflight, "_PLUGINS", tmp_path)
    monkeypatch.setattr(groups, "hierarchies", list[Path])
    with pytest.raises(errors.LabError, match="cgroups cannot be used"):
        preflight.machine(0, str(tmp_path))


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ({"dst": "default", "dev": "eth0"}, None),
        ({"dst": "192.0.2.0/24", "dev": "eth0"}, None),
        ({"dst": "172.30.8.0/24", "dev": "ouranos-k8s1"}, None),
        ({"dst": "172.30.0.0/24", "dev": "ouranos-k8s"}, None),
        ({"type": "broadcast", "dst": "172.30.8.255", "dev": "br0"}, None),
        ({"dst": "172.30.8.0/24", "dev": "br0"}, "172.30.8.0/24 (by br0)"),
        ({"dst": "172.30.9.7", "dev": "br0"}, "172.30.9.7 (by br0)"),
        ({"dst": "10.0.0.0/8", "dev": "wg0"}, "10.0.0.0/8 (by wg0)"),
        ({"type": "blackhole", "dst": "172.25.1.0/25"}, "172.25.1.0/25 (by a route)"),
        ({"type": "local", "dst": "10.97.0.1", "dev": "lo"}, "10.97.0.1 (by lo)"),
        ({"type": "local", "dst": "127.0.0.1", "dev": "lo"}, None),
        ({"dst": "128.0.0.0/1", "dev": "tun0"}, None),
    ],
)
def test_a_route_of_somebody_else_is_named(route: dict[str, Any], told: str | None) -> None:
    assert preflight.in_use(LAB, [route]) == told
