"""How are a lab's nodes cabled? Two bridges, two cables for each node, and routes.

One bridge is the way between nodes, and to this machine and the world. The other is for guests'
packets between nodes and leads nowhere else.
"""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from ouranos.lab import errors, files, programs, texts
from ouranos.lab.settings import CARD, PREFIX, TUNNEL_CARD, Node, Settings


def exists(link: str) -> bool:
    """Whether this machine has a link of that name."""
    return Path("/sys/class/net", link).exists()


async def ensure(settings: Settings) -> None:
    """Make the bridges, one with this machine's address, and let what comes from it go on."""
    name = settings.name
    for bridge in (name, settings.tunnels_name):
        if not exists(bridge):
            await programs.run("ip", "link", "add", bridge, "type", "bridge")
    await programs.run("ip", "address", "replace", f"{settings.host}/24", "dev", name)
    for bridge in (name, settings.tunnels_name):
        await programs.run("ip", "link", "set", bridge, "up")
    await programs.run("nft", "-f", "-", stdin=texts.firewall(settings).encode())
    Path("/proc/sys/net/ipv4/conf", name, "forwarding").write_text("1")  # noqa: ASYNC240 - /proc
    for uplink in await _uplinks():
        Forwarding().on(uplink)


async def _uplinks() -> list[str]:
    """Return the links by which this machine reaches the world."""
    fields = (await programs.run("ip", "-4", "route", "show", "default")).split()
    return [fields[at + 1] for at, field in enumerate(fields[:-1]) if field == "dev"]


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Whether answers from the world come back: switched on by labs, and back by the last."""

    links: Path = Path("/sys/class/net")
    switches: Path = Path("/proc/sys/net/ipv4/conf")
    changed: Path = Path("/run/ouranos-k8s.forwarding")
    """What was off before; of this boot, as the switches are."""

    def on(self, link: str) -> None:
        """Switch a link on; that it was off is written down before."""
        switch = self.switches / link / "forwarding"
        if switch.read_text().strip() == "0":
            self.changed.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write(self.changed / link, "0")
            switch.write_text("1")

    def back(self) -> None:
        """Switch back what was off, when no lab of this machine is left."""
        if any(path.name.startswith(PREFIX) for path in self.links.iterdir()):
            return
        for link in self.changed.iterdir() if self.changed.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                (self.switches / link.name / "forwarding").write_text("0")
            link.unlink()
        with contextlib.suppress(FileNotFoundError):
            self.changed.rmdir()


async def connect(settings: Settings, node: Node, pid: int) -> None:
    """Cable a node that is on, and make the routes to what is behind it."""
    enter = ("nsenter", "--net", "--target", str(pid), "--")
    shown = json.loads(await programs.run(*enter, "ip", "-json", "link", "show"))
    there = {str(link["ifname"]): link["flags"] for link in shown}
    for link, bridge, card in (
        (node.link, settings.name, CARD),
        (node.tunnel_link, settings.tunnels_name, TUNNEL_CARD),
    ):
        if card not in there:
            if exists(link):
                # The node's last cable, which goes by itself some time after the node.
                await _delete(link)
            await programs.run(
                *("ip", "link", "add", link, "type", "veth"),
                *("peer", "name", card, "netns", str(pid)),
            )
        await programs.run("ip", "link", "set", link, "master", bridge, "up")
    is_up = "UP" in there.get(TUNNEL_CARD, ())
    tunnel = f"{node.tunnel}/{settings.tunnels.prefixlen}"
    inside = (
        "link set lo up",
        f"address replace {node.address}/{settings.nodes.prefixlen} dev {CARD}",
        f"link set {CARD} up",
        # Said until it is up: then the switch may take the card and move its address.
        *(() if is_up else (f"address replace {tunnel} dev {TUNNEL_CARD}",)),
        f"link set {TUNNEL_CARD} up",
        f"route replace default via {settings.host}",
        *(
            f"route replace {other.pods} via {other.address}"
            for other in settings.present()
            if other != node
        ),
    )
    await programs.run(*enter, "ip", "-batch", "-", stdin="\n".join(inside).encode())
    await route(node.pods.with_prefixlen, node)
    if node.number == 1:
        for behind in (settings.services, settings.balancers, settings.public):
            await route(behind.with_prefixlen, node)


async def route(network: str, node: Node) -> None:
    """Send what is for a network to a node."""
    await programs.run("ip", "route", "replace", network, "via", str(node.address))


async def _delete(link: str) -> None:
    try:
        await programs.run("ip", "link", "delete", link)
    except errors.LabError:
        # A cable also goes by itself, some time after its node.
        if exists(link):
            raise


async def remove(settings: Settings) -> None:
    """Remove the bridges, all routes with them, the firewall's table and what we let through."""
    nodes = [settings.node(number) for number in range(1, 10)]
    cables = [link for node in nodes for link in (node.link, node.tunnel_link)]
    for link in (*cables, settings.tunnels_name, settings.name):
        if exists(link):
            await _delete(link)
    # Made before it is deleted: what is not there cannot be.
    table = f"table ip {settings.name} {{}}\ndelete table ip {settings.name}\n"
    await programs.run("nft", "-f", "-", stdin=table.encode())
    Forwarding().back()
