"""Is what was switched for labs switched back, by the last of them and by nobody else?"""

import json
from pathlib import Path
from typing import Any

import pytest

from ouranos.lab import network, programs, settings


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


@pytest.mark.parametrize(
    ("flags", "said"), [(None, 1), (["BROADCAST"], 1), (["BROADCAST", "UP"], 0)]
)
async def test_a_tunnels_card_is_given_its_address_until_it_is_up(
    monkeypatch: pytest.MonkeyPatch, flags: list[str] | None, said: int
) -> None:
    lab = settings.Settings(number=7)
    cards = [] if flags is None else [{"ifname": settings.TUNNEL_CARD, "flags": flags}]
    inside: list[str] = []

    async def run(*argv: str, stdin: bytes = b"", **_: Any) -> str:
        inside.extend(stdin.decode().splitlines())
        return json.dumps([{"ifname": "eth0", "flags": ["UP"]}, *cards])

    monkeypatch.setattr(programs, "run", run)
    await network.connect(lab, lab.node(1), 1)
    up = inside.index("link set eth1 up")
    assert inside[:up].count("address replace 172.30.58.11/24 dev eth1") == said
