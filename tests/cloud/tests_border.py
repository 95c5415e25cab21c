"""A stand-in for a guest: a network of its own behind a link of a node's, as guests are."""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyroute2

from ouranos.engine.node import config, identity, network, records

Result = TypeVar("Result")
Target = tuple[str, int]
SHUT = 2.0
"""Seconds after which an attempt without an answer is given up; an answer takes milliseconds."""


def inside(place: network.Namespace | None, act: Callable[[], Result]) -> Result:
    """Do something in a network namespace, or on the host, in a thread of its own."""

    def work() -> Result:
        with place.entered() if place else contextlib.nullcontext():
            return act()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def world_of(told: config.NodeConfig) -> network.Namespace:
    """Return the network of a running node."""
    (world,) = [one for one in records.load(told.layout) if one.role is records.Role.WORLD]
    assert world.init
    return network.Namespace(world.init)


def _listener(address: str, port: int) -> socket.socket:
    """Whoever connects is greeted by the kernel; nobody takes the connections from it."""
    return socket.create_server((address, port), backlog=4096)


@contextmanager
def listening(
    place: network.Namespace | None, *ports: int, address: str = "0.0.0.0"
) -> Generator[None]:
    """Listen at ports of a namespace, or of the host."""
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(inside(place, lambda port=port: _listener(address, port)))
        yield


@contextmanager
def answering(place: network.Namespace | None, port: int) -> Generator[None]:
    """Answer datagrams at a port of a namespace, or of the host."""

    def bound() -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind(("0.0.0.0", port))
        one.settimeout(0.1)
        return one

    ends = threading.Event()

    def serve() -> None:
        while not ends.is_set():
            with contextlib.suppress(TimeoutError):
                own.sendto(b"!", own.recvfrom(9)[1])

    with inside(place, bound) as own:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            ends.set()
            thread.join()


def listened(place: network.Namespace) -> set[int]:
    """Return the ports where something listens for others, whoever it is."""
    lines = Path(f"/proc/{place.holder.pid}/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    listening = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {int(port, 16) for address, port in listening if not address.endswith("7F")}


def connects(to: str, port: int) -> bool:
    """Whether a connection can be opened from where the caller is."""
    try:
        with socket.create_connection((to, port), timeout=SHUT):
            return True
    except OSError:
        return False


def asks(to: str, port: int) -> bool:
    """Whether a datagram is answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(SHUT)
        one.sendto(b"?", (to, port))
        with contextlib.suppress(OSError):
            return one.recv(9) == b"!"
    return False


def pings(to: str) -> bool:
    """Whether an echo is answered."""
    echo = struct.pack("!BBHHH", 8, 0, 0xF7FF - 7, 0, 7)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(SHUT)
        raw.sendto(echo, (to, 0))
        with contextlib.suppress(OSError):
            while True:
                answer, (sender, _) = raw.recvfrom(1500)
                if sender == to and answer[20] == 0:
                    return True
    return False


@dataclass
class Guest:
    """A network namespace with an address of the public range, and a way through the node."""

    place: network.Namespace
    address: str

    def does(self, act: Callable[..., Result], *args: object) -> Result:
        return inside(self.place, lambda: act(*args))

    def reaches(self, targets: Iterable[Target]) -> set[Target]:
        """Return which of the targets accept a connection."""
        with ThreadPoolExecutor(32) as pool:
            asked = {target: pool.submit(self.does, connects, *target) for target in targets}
            return {target for target, done in asked.items() if done.result()}


@contextmanager
def plugged(node: network.Namespace, link: str, address: str, gateway: str) -> Generator[Guest]:
    """Make a guest at the other end of a link of the node's."""
    with subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo; read end"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()  # it is in its own network once it speaks
        found = identity.of(process.pid)
        assert found
        guest = Guest(network.Namespace(found), address)

        def wire() -> None:
            peer = {"ifname": "eth0", "net_ns_pid": process.pid}
            with pyroute2.IPRoute() as kernel:
                kernel.link("add", ifname=link, kind="veth", peer=peer)
                kernel.link("set", index=kernel.link_lookup(ifname=link)[0], state="up")

        def settle() -> None:
            with pyroute2.IPRoute() as kernel:
                index = kernel.link_lookup(ifname="eth0")[0]
                kernel.addr("add", index=index, address=address, prefixlen=24)
                kernel.link("set", index=index, state="up")
                kernel.route("add", dst="default", gateway=gateway)

        def unplug() -> None:
            with pyroute2.IPRoute() as kernel:
                for index in kernel.link_lookup(ifname=link):
                    kernel.link("del", index=index)

        inside(node, wire)
        try:
            inside(guest.place, settle)
            yield guest
        finally:
            inside(node, unplug)  # while its other end lives: the kernel removes it otherwise
            process.stdin.close()


def give_address(node: network.Namespace, link: str, address: str) -> None:
    """Give a link of the node the gateway's address."""

    def give() -> None:
        with pyroute2.IPRoute() as kernel:
            index = kernel.link_lookup(ifname=link)[0]
            kernel.addr("add", index=index, address=address, prefixlen=24)

    inside(node, give)
