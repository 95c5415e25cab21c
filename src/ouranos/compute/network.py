"""The network of each machine: ovn-controller, the bridges, and the gateway's public address."""

from typing import Final

from ouranos.compute import pods, switch, texts
from ouranos.compute.scope import Scope
from ouranos.openstack import configuration

NAME: Final = "ovn-controller"
_RUN: Final = "/run/ovn"
_RECORDS: Final = pods.folder("tunnels", "/run/tunnels", "/run/ouranos-tunnels")
"""What addresses cards had before a switch took them; gone when the machine starts, as they are."""


def agent(scope: Scope) -> pods.Agent:
    """Return ovn-controller and the keeper of the bridges."""
    sockets = switch.socket(scope)
    own = pods.scratch("ovn-run", _RUN)
    facts = {
        "OVN_REMOTE": scope.southbound(),
        "GATEWAYS": " ".join(scope.gateways),
        "PHYSICAL_NETWORK": configuration.PHYSICAL_NETWORK,
        "PUBLIC_ADDRESS": scope.public_address,
        "MTU": str(scope.mtu),
        "TUNNEL_INTERFACE": scope.tunnel_interface,
    }
    variables = tuple({"name": name, "value": value} for name, value in facts.items())
    asked = {"name": "DATAPATH", "value": scope.datapath}
    return pods.Agent(
        NAME,
        files=texts.of("ovn"),
        gateways=True,
        grace=10,
        first=(
            pods.Container(
                "look", "ovn", ("sh", f"{pods.CONFIG_PATH}/look.sh"), (own,), variables=(asked,)
            ),
        ),
        containers=(
            pods.Container(
                "bridges",
                "ovn",
                ("sh", f"{pods.CONFIG_PATH}/bridges.sh"),
                (sockets, own, _RECORDS),
                variables=(pods.NODE_NAME, pods.NODE_IP, *variables),
                check=("test", "-e", f"{_RUN}/bridges-are-right"),
            ),
            pods.Container(
                "ovn-controller",
                "ovn",
                (
                    *("ovn-controller", switch.DATABASE, f"--unixctl={_RUN}/controller.ctl"),
                    *("-vconsole:info", "-vsyslog:off", "-vfile:off"),
                ),
                (sockets, own),
                limit="4Gi",
                check=(
                    *("sh", "-c"),
                    f"ovn-appctl -t {_RUN}/controller.ctl connection-status | grep -qx connected",
                ),
            ),
        ),
    )
