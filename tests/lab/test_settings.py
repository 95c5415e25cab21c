"""Where is a lab, and can two of them meet?"""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from pathlib import Path

import pytest

from ouranos.lab import settings


def _networks(one: settings.Settings) -> list[IPv4Network]:
    return [one.nodes, one.balancers, one.tunnels, one.pods, one.services, one.public]


def test_no_two_labs_share_an_address_a_name_or_a_folder(tmp_path: Path) -> None:
    given = {"OURANOS_ROOT": str(tmp_path)}
    labs = [settings.of_environment(number, environment=given) for number in range(10)]
    for one, other in combinations(labs, 2):
        assert not any(
            mine.overlaps(theirs) for mine in _networks(one) for theirs in _networks(other)
        )
        assert {one.name, one.folder, one.local}.isdisjoint({other.name, other.folder, other.local})
        assert one.lock != other.lock
    for lab in labs:
        assert not any(a.overlaps(b) for a, b in combinations(_networks(lab), 2))


def test_a_link_has_a_name_that_the_kernel_takes() -> None:
    lab = settings.Settings(number=9)
    nodes = [lab.node(number) for number in range(1, settings.MOST_NODES + 1)]
    cables = {link for node in nodes for link in (node.link, node.tunnel_link)}
    names = {lab.name, lab.tunnels_name, *cables}
    assert len(names) == 2 * settings.MOST_NODES + 2
    assert all(len(name) <= 15 for name in names)


def test_the_first_lab_is_where_everybody_looks_for_it() -> None:
    lab = settings.of_environment(environment={})
    assert lab.kubeconfig == Path("/var/lib/ouranos/kubernetes/admin.kubeconfig")
    assert lab.cache == Path("/var/lib/ouranos/cache")
    assert lab.server == "https://172.30.0.1:6443"
    assert lab.local == IPv4Address("127.30.0.1")
    assert lab.node(2).address == IPv4Address("172.30.0.12")
    assert lab.node(2).tunnel == IPv4Address("172.30.2.12")
    assert str(lab.node(2).pods) == "10.244.2.0/24"


def test_the_environment_and_arguments_say_otherwise() -> None:
    given = {"OURANOS_ROOT": "/r", "OURANOS_CACHE": "/c", "OURANOS_LAB": "3"}
    lab = settings.of_environment(environment=given)
    assert (lab.folder, lab.cache, lab.number) == (Path("/r/kubernetes-3"), Path("/c"), 3)
    assert settings.of_environment(4, environment=given).number == 4
    chosen = settings.of_environment(public="10.9.0.0/24", environment=given)
    assert chosen.public == IPv4Network("10.9.0.0/24")
    assert settings.of_environment(environment={"OURANOS_ROOT": "/r"}).cache == Path("/r/cache")


def test_a_lab_keeps_the_public_network_that_it_was_given(tmp_path: Path) -> None:
    given = {"OURANOS_ROOT": str(tmp_path)}
    made = settings.of_environment(environment=given)
    assert made.public == settings.DEFAULT_PUBLIC
    made.folder.mkdir()
    made.kept.write_text("10.9.0.0/24")
    assert settings.of_environment(environment=given).public == IPv4Network("10.9.0.0/24")
    other = settings.of_environment(public="10.8.0.0/24", environment=given)
    assert other.public == IPv4Network("10.8.0.0/24")


@pytest.mark.parametrize("number", [-1, 10])
def test_a_lab_without_addresses_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="0 to 9"):
        settings.Settings(number=number)


@pytest.mark.parametrize("number", [0, 10])
def test_a_node_without_an_address_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 9 nodes"):
        settings.Settings().node(number)


def test_nodes_that_have_a_folder_are_present(tmp_path: Path) -> None:
    lab = settings.Settings(tmp_path, tmp_path)
    assert lab.present() == []
    for number in (3, 1):
        lab.node(number).folder.mkdir(parents=True)
    assert [node.name for node in lab.present()] == ["node1", "node3"]
    assert lab.present()[0].socket.is_relative_to(lab.node(1).run)
