"""A second machine joins by a label, runs guests, loses its power and comes back."""

from __future__ import annotations

import base64
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest
import tests_guest
from tests_cloud import eventually
from tests_cluster import Cluster

from ouranos.kit import conditions, errors, kinds
from ouranos.verify import guest as guest_talk

_ROLES = ("ouranos.cloud/hypervisor=",)
# As verify's script, and a program that asks another guest for its page.
_FETCH = """
cat > /www/cgi-bin/fetch <<'END'
#!/bin/sh
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
echo "Content-Type: text/plain"; echo
wget -q -O - "http://$QUERY_STRING/proof.txt"
END
chmod +x /www/cgi-bin/fetch
"""


@dataclass
class Pair:
    """A guest on each of two nodes, in one network."""

    cluster: Cluster
    first: tests_guest.Guest
    server: str
    address: str
    """The second one's floating address."""

    def fixed(self, server: str) -> str:
        """A guest's address in their network."""
        ports = self.first.run.tenant.network.ports(device_id=server)
        return str(next(iter(ports)).fixed_ips[0]["ip_address"])

    def fetches(self) -> bool:
        """Whether the second reaches the first, from machine to machine."""
        where = f"/cgi-bin/fetch?{self.fixed(self.first.server)}"
        return guest_talk.ask(self.address, where).startswith(self.first.run.token)

    def answers(self) -> bool:
        return guest_talk.ask(self.address, "/proof.txt").startswith(self.first.run.token)


def hypervisor_is_ready(cluster: Cluster, name: str) -> bool:
    found = cluster.ask(lambda api: api.get(kinds.HYPERVISOR, name, cluster.name))
    return found is not None and conditions.is_current(found, "Ready")


@pytest.fixture(scope="module")
def second(running: Cluster) -> Cluster:
    """A second node is there, and becomes a hypervisor by one label."""
    running.lab("up", "--nodes", "2")
    running.load_images()
    running.kubectl("label", "node", "node2", "--overwrite", *_ROLES)
    eventually(lambda: hypervisor_is_ready(running, "node2"), 600, "Hypervisor node2 Ready")
    running.wait_settled()
    return running


@pytest.fixture(scope="module")
def pair(second: Cluster, guest: tests_guest.Guest) -> Generator[Pair]:
    run = guest.run
    admin: Any = run.admin.compute
    (service,) = admin.services(host="node1", binary="nova-compute")
    admin.disable_service(service, disabled_reason="the second guest is for node2")
    try:
        script = base64.b64decode(guest_talk.user_data(run.token)).decode() + _FETCH
        made = run.tenant.compute.create_server(
            name="second",
            image_id=run.made["image"],
            flavor_id=run.tenant.compute.find_flavor(run.flavor, ignore_missing=False).id,
            networks=[{"uuid": run.made["network"]}],
            security_groups=[{"name": "verify"}],
            user_data=base64.b64encode(script.encode()).decode(),
        )
        run.tenant.compute.wait_for_server(made, wait=300)
    finally:
        admin.enable_service(service)
    port = next(iter(run.tenant.network.ports(device_id=made.id)))
    floating = run.tenant.network.create_ip(
        floating_network_id=run.made["outside"], port_id=port.id
    )
    found = Pair(second, guest, made.id, floating.floating_ip_address)
    try:
        eventually(found.answers, 240, "the second guest answering HTTP")
        yield found
    finally:
        run.tenant.compute.delete_server(made, force=False)
        run.tenant.compute.wait_for_delete(made, wait=120)
        run.tenant.network.delete_ip(floating)


def host_of(pair: Pair, server: str) -> str:
    return str(pair.first.run.admin.compute.get_server(server).hypervisor_hostname)


def test_there_is_a_guest_on_each_node(pair: Pair) -> None:
    assert host_of(pair, pair.first.server) == "node1"
    assert host_of(pair, pair.server) == "node2"


def test_guests_of_two_nodes_reach_each_other(pair: Pair) -> None:
    eventually(pair.fetches, 60, "the second guest reading the first one's page")


def test_a_node_without_power_is_told_and_comes_back_without_help(pair: Pair) -> None:
    running, boots = pair.cluster, pair.first.boots()
    running.power_off(2)
    eventually(
        lambda: not hypervisor_is_ready(running, "node2"),
        # Kubernetes calls a node lost after 40 s; the minute counts from there to here.
        60,
        "Hypervisor node2 saying that it is lost",
    )
    pair.first.wait_answers(30)
    assert hypervisor_is_ready(running, "node1")
    assert not running.ready(), "a cloud that has lost a machine says so"
    running.lab("up")
    eventually(lambda: hypervisor_is_ready(running, "node2"), 600, "Hypervisor node2 Ready again")
    running.wait_settled()
    eventually(pair.answers, 300, "the guest of node2 running again")
    eventually(pair.fetches, 60, "both guests reaching each other again")
    assert pair.first.boots() == boots, "the guest of node1 noticed nothing"


def test_the_label_of_a_machine_with_guests_cannot_just_be_taken(pair: Pair) -> None:
    running = pair.cluster
    running.kubectl("label", "node", "node2", "ouranos.cloud/hypervisor-")
    try:
        told = eventually(lambda: _refusal(running), 120, "the refusal to let node2 go")
        assert "guest" in told
        assert pair.answers()
        agents = [
            each["metadata"]["name"]
            for each in running.objects("pods")
            if each["spec"].get("nodeName") == "node2"
        ]
        assert any(name.startswith("libvirt") for name in agents)
    finally:
        running.kubectl("label", "node", "node2", "--overwrite", *_ROLES)
    eventually(lambda: hypervisor_is_ready(running, "node2"), 300, "Hypervisor node2 Ready again")


def _refusal(running: Cluster) -> str:
    """What the Hypervisor says of the label that was taken; empty while nothing."""
    try:
        found = running.object("hypervisors", "node2")
    except (AssertionError, errors.Transient):
        return ""
    said = conditions.find(conditions.of(found), "Ready")
    return said["message"] if said is not None and said["status"] != "True" else ""
