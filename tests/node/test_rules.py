"""Who may reach what of a node: the rules, asked about packets."""

import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest

from ouranos.engine.node import config, rules
from ouranos.engine.node.rules import Field

NETWORK = IPv4Network("172.31.0.0/24")
HOST, HERE, OTHER = "172.31.0.1", "172.31.0.2", "172.31.0.3"
PUBLIC = IPv4Network("172.24.4.0/24")
GATEWAY, GUEST = "172.24.4.1", "172.24.4.77"
ELSEWHERE = "192.0.2.9"
TOLD = config.NodeConfig(
    "n",
    Path("/nowhere"),
    "ou1",
    NETWORK,
    IPv4Address(HERE),
    IPv4Address(HOST),
    public=(PUBLIC,),
)
SYN, SYN_ACK, ACK = 2, 18, 16
OPENED = frozenset(
    {
        rules.Opening(IPv4Address(HERE), 6, 5000),
        rules.Opening(IPv4Address(OTHER), 6, 8774),
    }
)


@dataclass(frozen=True)
class Packet:
    link: str = "br-ex"
    out: str = ""
    source: str = GUEST
    to: str = HERE
    port: int = 0
    protocol: int = 6
    flags: int = SYN
    message: int = 0
    state: int = 8
    family: int = 2

    def value(self, field: Field) -> bytes:
        found: dict[Field, bytes] = {
            Field.LINK_IN: self.link.encode().ljust(16, b"\0"),
            Field.LINK_OUT: self.out.encode().ljust(16, b"\0"),
            Field.FAMILY: bytes([self.family]),
            Field.PROTOCOL: bytes([self.protocol]),
            Field.SOURCE: IPv4Address(self.source).packed,
            Field.DESTINATION: IPv4Address(self.to).packed,
            Field.PORT: self.port.to_bytes(2, "big"),
            Field.FLAGS: bytes([self.flags]),
            Field.MESSAGE: bytes([self.message]),
            Field.STATE: self.state.to_bytes(4, sys.byteorder),
        }
        return found[field]

    def fits(self, match: rules.Match) -> bool:
        value = self.value(match.field)
        if match.mask:
            value = bytes(one & two for one, two in zip(value, match.mask, strict=True))
        return (value == match.value) is match.equal


def passes(table: rules.Table, chain: str, packet: Packet) -> bool:
    for rule in table.rules:
        if rule.chain == chain and all(packet.fits(match) for match in rule.matches):
            return rule.accept
    return True


NODE = rules.node(TOLD, OPENED)
ON_HOST = rules.host(TOLD)
ECHO: dict[str, Any] = {"protocol": 1, "message": 8}
ANSWER: dict[str, Any] = {"state": 2, "flags": ACK}

INTO_THE_NODE = {
    "a guest does not reach a database": (Packet(port=3306), False),
    "nor at the address of the gateway": (Packet(port=11211, to=GATEWAY), False),
    "nor from the node's own range, forged": (Packet(port=5000, source=HOST), False),
    "nor with a forged answer": (Packet(source=HOST, **ANSWER), False),
    "nor by version 6": (Packet(port=5000, family=10, link="br-int"), False),
    "nor by datagrams": (Packet(protocol=17, port=6081), False),
    "a guest reaches a public port": (Packet(port=5000), True),
    "by TCP only": (Packet(port=5000, protocol=17), False),
    "not the public port of another node": (Packet(port=8774), False),
    "a guest may ping": (Packet(**ECHO), True),
    "but not tell of other ways": (Packet(protocol=1, message=5), False),
    "a guest answers": (Packet(**ANSWER), True),
    "a guest's error is heard": (Packet(state=4, protocol=1, message=3), True),
    "the host reaches all": (Packet(link="eth0", source=HOST, port=3306), True),
    "another node reaches all": (Packet(link="eth0", source=OTHER, protocol=17, port=6081), True),
    "the node reaches itself": (Packet(link="lo", source=HERE, port=3306), True),
}
THROUGH_THE_NODE = {
    "the host reaches a guest": (Packet("eth0", "br-ex", source=HOST, to=GUEST), True),
    "a guest answers the host": (Packet(out="eth0", to=HOST, **ANSWER), True),
    "a guest opens nothing to the host": (Packet(out="eth0", to=HOST, port=22), False),
    "nor to another node": (Packet(out="eth0", to=OTHER, port=3306), False),
    "but to a public port there": (Packet(out="eth0", to=OTHER, port=8774), True),
    "nor does it ping the host": (Packet(out="eth0", to=HOST, **ECHO), False),
    "a forged sender goes nowhere": (Packet(out="eth0", source=OTHER, to=ELSEWHERE), False),
    "what goes elsewhere goes on": (Packet(out="eth0", to=ELSEWHERE, port=443), True),
    "nobody turns round at the host": (Packet(out="eth0", to=GUEST, port=80), False),
}
INTO_THE_HOST = {
    "a guest opens nothing": (Packet("ou1", to=ELSEWHERE, port=22), False),
    "a node opens nothing": (Packet("ou1", source=HERE, to=HOST, port=6443), False),
    "a node answers": (Packet("ou1", source=HERE, to=HOST, flags=SYN_ACK), True),
    "a connection goes on": (Packet("ou1", source=HERE, to=HOST, flags=ACK), True),
    "a node sends no datagrams": (Packet("ou1", source=HERE, to=HOST, protocol=17), False),
    "a guest answers by datagrams": (Packet("ou1", to=HOST, protocol=17), True),
    "but not to another address": (Packet("ou1", to=ELSEWHERE, protocol=17), False),
    "errors are heard": (Packet("ou1", to=HOST, protocol=1, message=3), True),
    "nothing comes by version 6": (Packet("ou1", family=10), False),
    "the host reaches itself": (Packet("lo", source=HOST, to=HOST, port=6443), True),
    "others do not reach the bridge's address": (Packet("eth0", to=HOST, port=6443), False),
    "others reach the host as before": (Packet("eth0", to=ELSEWHERE, port=22), True),
}
THROUGH_THE_HOST = {
    "others do not come in": (Packet("eth0", "ou1", source=ELSEWHERE), False),
    "nobody goes out": (Packet("ou1", "eth0", to=ELSEWHERE), False),
    "nodes reach each other": (Packet("ou1", "ou1", source=HERE, to=OTHER), True),
    "strangers go on": (Packet("eth0", "docker0", to=ELSEWHERE), True),
}


@pytest.mark.parametrize("case", INTO_THE_NODE)
def test_into_the_node(case: str) -> None:
    packet, passing = INTO_THE_NODE[case]
    assert passes(NODE, "input", packet) is passing


@pytest.mark.parametrize("case", THROUGH_THE_NODE)
def test_through_the_node(case: str) -> None:
    packet, passing = THROUGH_THE_NODE[case]
    assert passes(NODE, "forward", packet) is passing


@pytest.mark.parametrize("case", INTO_THE_HOST)
def test_into_the_host(case: str) -> None:
    packet, passing = INTO_THE_HOST[case]
    assert passes(ON_HOST, "input", packet) is passing


@pytest.mark.parametrize("case", THROUGH_THE_HOST)
def test_through_the_host(case: str) -> None:
    packet, passing = THROUGH_THE_HOST[case]
    assert passes(ON_HOST, "forward", packet) is passing


def service(kind: str = "LoadBalancer", **more: Any) -> dict[str, Any]:
    ports = [{"port": 5000}, {"port": 53, "protocol": "UDP"}, {"port": 9, "protocol": "ODD"}]
    return {
        "metadata": {"name": "s", "namespace": "home"},
        "spec": {"type": kind, "ports": ports},
        "status": {"loadBalancer": {"ingress": [{"ip": HERE}]}},
        **more,
    }


def test_the_ports_of_balanced_services_are_for_tenants() -> None:
    here = IPv4Address(HERE)
    expected = {rules.Opening(here, 6, 5000), rules.Opening(here, 17, 53)}
    assert rules.openings([service()]) == expected


def test_other_services_are_not() -> None:
    named = {"loadBalancer": {"ingress": [{"hostname": "x"}, {"ip": "fd00::1"}]}}
    kinds = [service("ClusterIP"), service("NodePort"), service(status={}), service(status=named)]
    assert rules.openings(kinds) == frozenset()


def test_a_table_tells_whether_it_is_whole() -> None:
    same = rules.node(TOLD, frozenset(sorted(OPENED)))
    assert NODE.comments() == same.comments()
    other = rules.node(TOLD, frozenset())
    assert not set(NODE.comments()) & set(other.comments())
    assert len(set(NODE.comments())) == len(NODE.rules)
    assert all(len(one) < 250 for one in NODE.comments())
