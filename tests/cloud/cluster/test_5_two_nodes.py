"""A second machine joins by a label, runs guests, loses its power, comes back, and leaves again."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import pytest
import tests_guest
from openstack import exceptions
from tests_cloud import eventually
from tests_cluster import Cluster

from ouranos.kit import conditions, errors, kinds
from ouranos.lab import settings
from ouranos.verify import guest as guest_talk

NODE = "node2"
LABEL = "ouranos.cloud/hypervisor"
LARGE = 1 << 20
# Beside verify's script: programs that ask another guest, and a page of many packets.
ASKING = """
cat > /www/cgi-bin/fetch <<'END'
#!/bin/sh
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
echo "Content-Type: text/plain"; echo
printf 'GET /proof.txt HTTP/1.0\\r\\n\\r\\n' | nc -w 5 $QUERY_STRING 80 | sed '1,/^\\r*$/d'
END
cat > /www/cgi-bin/ping <<'END'
#!/bin/sh
PATH=$PATH:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
echo "Content-Type: text/plain"; echo
ping -c 1 -W 3 $QUERY_STRING
END
chmod +x /www/cgi-bin/fetch /www/cgi-bin/ping
yes 0123456789abcde | head -c 1048576 > /www/large.txt
"""


@dataclass
class Pair:
    """A guest on each of two machines, in one network."""

    cluster: Cluster
    first: tests_guest.Guest
    server: str
    address: str
    """The second one's floating address."""

    @property
    def admin(self) -> Any:
        return self.first.run.admin.compute

    def fixed(self, server: str) -> str:
        """A guest's address in their network."""
        ports = self.first.run.tenant.network.ports(device_id=server)
        return str(next(iter(ports)).fixed_ips[0]["ip_address"])

    def answers(self) -> bool:
        return guest_talk.ask(self.address, "/proof.txt").startswith(self.first.run.token)

    def second_asks(self, how: str) -> str:
        """What the second guest hears from the first, at its address inside."""
        return guest_talk.ask(self.address, f"/cgi-bin/{how}?{self.fixed(self.first.server)}")

    def fetches(self) -> bool:
        return self.second_asks("fetch").startswith(self.first.run.token)

    def host(self, server: str) -> str:
        return str(self.admin.get_server(server).hypervisor_hostname)

    def agent(self, name: str) -> Any:
        """What Nova knows of a machine's agent."""
        (found,) = self.admin.services(host=name, binary="nova-compute")
        return found


def hypervisor(cluster: Cluster, name: str) -> tuple[bool, str]:
    """Whether a Hypervisor is Ready, and what it says of it; nothing while nobody answers."""
    try:
        found = cluster.ask(lambda api: api.get(kinds.HYPERVISOR, name, cluster.name))
    except errors.Transient:
        return False, ""
    if found is None:
        return False, ""
    said = conditions.find(conditions.of(found), "Ready") or {}
    return conditions.is_current(found, "Ready"), str(said.get("message", ""))


def wait_gone(cluster: Cluster, name: str) -> None:
    eventually(
        lambda: cluster.ask(lambda api: api.get(kinds.HYPERVISOR, name, cluster.name)) is None,
        300,
        lambda: f"Hypervisor {name} gone: {hypervisor(cluster, name)[1]}",
    )


def is_ready(cluster: Cluster, name: str) -> bool:
    return hypervisor(cluster, name)[0]


def wait_ready(cluster: Cluster, name: str) -> None:
    eventually(
        lambda: is_ready(cluster, name),
        600,
        lambda: f"Hypervisor {name} Ready: {hypervisor(cluster, name)[1]}",
    )


@pytest.fixture(scope="module")
def second(running: Cluster, guest: tests_guest.Guest) -> Generator[Cluster]:
    """The machines have a card for tunnels, and another machine becomes a hypervisor by a label.

    The first guest is there before: it can only be on the first machine.
    """
    boots = guest.boots()
    card = f'{{"spec": {{"compute": {{"tunnelInterface": "{settings.TUNNEL_CARD}"}}}}}}'
    name = running.name
    running.kubectl("patch", "cloud", name, "-n", name, "--type=merge", "--patch", card)
    running.lab("up", "--nodes", "2")
    running.load_images()
    running.wait_settled()
    before = running.pods()
    running.kubectl("label", "node", NODE, "--overwrite", f"{LABEL}=")
    wait_ready(running, NODE)
    running.wait_settled()
    after = running.pods()
    assert {pod: after.get(pod) for pod in before} == before, "who joins restarts nobody"
    guest.wait_answers()
    assert guest.boots() == boots
    try:
        yield running
    finally:
        _take_away(running)


def _take_away(running: Cluster) -> None:
    """Later stories have one node again."""
    node = running.place.node(2)
    running.power_off(node.number)
    running.kubectl("delete", "node", node.name, "--ignore-not-found")
    shutil.rmtree(node.folder)


@pytest.fixture(scope="module")
def pair(second: Cluster, guest: tests_guest.Guest) -> Generator[Pair]:
    run = guest.run
    made = _boot(second, guest)
    port = next(iter(run.tenant.network.ports(device_id=made.id)))
    floating = run.tenant.network.create_ip(
        floating_network_id=run.made["outside"], port_id=port.id
    )
    found = Pair(second, guest, made.id, floating.floating_ip_address)
    try:
        eventually(found.answers, 240, "the second guest answering HTTP")
        yield found
    finally:
        run.tenant.network.delete_ip(floating)
        run.tenant.compute.delete_server(made, ignore_missing=True)
        run.tenant.compute.wait_for_delete(made, wait=240)


def _boot(second: Cluster, guest: tests_guest.Guest) -> Any:
    """Boot the second guest while the first machine takes no new ones."""
    run = guest.run
    _place_on_first(second, "Disabled")
    try:
        admin: Any = run.admin.compute
        eventually(
            lambda: (
                [one.status for one in admin.services(host="node1", binary="nova-compute")]
                == ["disabled"]
            ),
            120,
            "Nova to place nothing on node1",
        )
        script = base64.b64decode(guest_talk.user_data(run.token)).decode() + ASKING
        made = run.tenant.compute.create_server(
            name="second",
            image_id=run.made["image"],
            flavor_id=run.tenant.compute.find_flavor(run.flavor, ignore_missing=False).id,
            networks=[{"uuid": run.made["network"]}],
            security_groups=[{"name": "verify"}],
            user_data=base64.b64encode(script.encode()).decode(),
        )
        return _active(second, guest, made)
    finally:
        _place_on_first(second, "Enabled")


def _active(second: Cluster, guest: tests_guest.Guest, made: Any) -> Any:
    """Wait for a guest; one that came to nothing is told with what its machine said."""
    try:
        return guest.run.tenant.compute.wait_for_server(made, wait=600)
    except exceptions.SDKException as error:
        found: Any = guest.run.admin.compute.get_server(made)
        parts = ("nova", "nova-compute", "neutron", "ovn-controller")
        told = "\n".join(second.run("logs", part, "--tail", "40").stdout for part in parts)
        raise AssertionError(f"{error}: {found.fault}\n{told}") from error


def _place_on_first(second: Cluster, scheduling: str) -> None:
    wanted = f'{{"spec": {{"scheduling": "{scheduling}"}}}}'
    target = ("hypervisor", "node1", "-n", second.name)
    second.kubectl("patch", *target, "--type=merge", "--patch", wanted)


def test_there_is_a_guest_on_each_machine(pair: Pair) -> None:
    assert pair.host(pair.first.server) == "node1"
    assert pair.host(pair.server) == NODE


def test_guests_of_two_machines_reach_each_other(pair: Pair) -> None:
    eventually(lambda: " 0% packet loss" in pair.second_asks("ping"), 60, "an answer to a ping")
    eventually(pair.fetches, 60, "the second guest reading the first one's page")


def test_the_world_reaches_both_through_the_gateway(pair: Pair) -> None:
    assert pair.first.answers()
    wanted = "0123456789abcde\n" * (LARGE // 16)
    eventually(
        lambda: guest_talk.ask(pair.address, "/large.txt") == wanted.strip(),
        120,
        "a page of many packets, whole",
    )


def test_a_machine_without_power_is_told_and_comes_back_without_help(pair: Pair) -> None:
    running, boots = pair.cluster, pair.first.boots()
    theirs = _on_second(running)
    before = {name: told for name, told in running.pods().items() if name not in theirs}
    running.power_off(2)
    told = eventually(
        # Kubernetes calls a node lost after 40 s; the minute counts from the power's end.
        lambda: not is_ready(running, NODE) and hypervisor(running, NODE)[1],
        60,
        f"Hypervisor {NODE} saying that it is lost",
    )
    assert NODE in told
    assert is_ready(running, "node1")
    eventually(lambda: not running.ready(), 60, "the cloud saying that it has lost a machine")
    pair.first.wait_answers(30)
    assert not pair.answers(), "its guests are gone with it"
    eventually(lambda: pair.agent(NODE).state == "down", 180, "Nova to miss its agent")
    running.lab("up")
    wait_ready(running, NODE)
    running.wait_settled()
    eventually(pair.answers, 300, "the guest of the second machine, started again")
    eventually(pair.fetches, 60, "both guests reaching each other again")
    assert pair.admin.get_server(pair.server).status == "ACTIVE"
    assert pair.agent(NODE).state == "up"
    after = running.pods()
    assert {name: after.get(name) for name in before} == before, "the first one's pods go on"
    assert pair.first.boots() == boots, "the guest of the first machine noticed nothing"


def _on_second(running: Cluster) -> set[str]:
    """The pods of the second machine."""
    pods = running.objects("pods")
    return {one["metadata"]["name"] for one in pods if one["spec"].get("nodeName") == NODE}


def assert_forgotten(admin: Any) -> None:
    """Neither Nova nor Neutron knows the second machine."""
    assert list(admin.compute.services(host=NODE, binary="nova-compute")) == []
    # Neutron answers a request before each of its threads has heard of it.
    eventually(lambda: list(admin.network.agents(host=NODE)) == [], 60, "no agent in Neutron")


def test_a_machine_leaves_when_its_last_guest_has_left(pair: Pair) -> None:
    running = pair.cluster
    running.kubectl("label", "node", NODE, f"{LABEL}-")
    told = eventually(
        lambda: "1 guest lives there" in (told := hypervisor(running, NODE)[1]) and told,
        120,
        lambda: f"the refusal to let {NODE} go: {hypervisor(running, NODE)[1]}",
    )
    assert "put the label back" in told
    assert pair.answers()
    pair.first.run.tenant.compute.delete_server(pair.server)
    wait_gone(running, NODE)
    assert not _on_second(running), "its agents have ended before"
    assert_forgotten(pair.first.run.admin)
    running.wait_settled()
    pair.first.wait_answers()


def test_a_machine_that_has_left_may_come_back_with_its_disk(second: Cluster) -> None:
    second.kubectl("label", "node", NODE, f"{LABEL}=")
    wait_ready(second, NODE)
    second.wait_settled()


def test_a_machine_that_is_gone_for_good_is_forgotten(
    second: Cluster, guest: tests_guest.Guest
) -> None:
    node = second.place.node(2)
    second.power_off(node.number)
    second.kubectl("delete", "node", node.name)
    # Nobody ends them there any more; Kubernetes would count them for a minute yet.
    theirs = ("--all-namespaces", f"--field-selector=spec.nodeName={node.name}")
    second.kubectl("delete", "pods", *theirs, "--force", "--grace-period=0")
    wait_gone(second, NODE)
    assert_forgotten(guest.run.admin)
    second.wait_settled()
    guest.wait_answers()
