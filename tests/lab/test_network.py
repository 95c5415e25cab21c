"""Is what was switched for labs switched back, by the last of them and by nobody else?"""

from pathlib import Path

import pytest

from ouranos.lab import network


@pytest.fixture
def machine(tmp_path: Path) -> network.Forwarding:
    for link in ("eth0", "eth1"):
        (tmp_path / "conf" / link).mkdir(parents=True)
        (tmp_path / "links" / link).mkdir(parents=True)
    (tmp_path / "conf/eth0/forwarding").write_text("0\n")
    (tmp_path / "conf/eth1/forwarding").write_text("1\n")
    return network.Forwarding(tmp_path / "links", tmp_path / "conf", tmp_path / "changed")


def _is_on(machine: network.Forwarding, link: str) -> bool:
    return (machine.switches / link / "forwarding").read_text().strip() == "1"


def test_what_was_off_is_off_again_and_what_was_on_stays_on(machine: network.Forwarding) -> None:
    for _ in range(2):
        machine.on("eth0")
        machine.on("eth1")
    assert _is_on(machine, "eth0")
    for _ in range(2):
        machine.back()
        assert not _is_on(machine, "eth0")
        assert _is_on(machine, "eth1")
        assert not machine.changed.exists()


def test_a_lab_that_goes_leaves_another_its_way_to_the_world(machine: network.Forwarding) -> None:
    machine.on("eth0")
    (machine.links / "ouranos-k8s3").mkdir()
    machine.back()
    assert _is_on(machine, "eth0")
    (machine.links / "ouranos-k8s3").rmdir()
    machine.back()
    assert not _is_on(machine, "eth0")


def test_a_link_that_is_gone_stops_nobody(machine: network.Forwarding) -> None:
    machine.on("eth0")
    (machine.switches / "eth0/forwarding").unlink()
    (machine.switches / "eth0").rmdir()
    machine.back()
    assert not machine.changed.exists()
