"""The switch of each machine: Open vSwitch and its database."""

from typing import Final

from ouranos.compute import pods, texts
from ouranos.compute.scope import Scope

NAME: Final = "openvswitch"
RUN: Final = "/run/openvswitch"
DATABASE: Final = f"unix:{RUN}/db.sock"


def socket(scope: Scope) -> pods.Volume:
    """Return the folder of the switch's sockets, for whoever speaks to it."""
    return scope.run(NAME, RUN)


def agent(scope: Scope) -> pods.Agent:
    """Return the switch."""
    sockets = socket(scope)
    return pods.Agent(
        NAME,
        files=texts.of("openvswitch"),
        gateways=True,
        containers=(
            pods.Container(
                "ovsdb-server",
                "ovn",
                ("sh", f"{pods.CONFIG_PATH}/database.sh"),
                (scope.state(NAME, "/var/lib/openvswitch"), sockets),
                check=("ovs-appctl", "-t", f"{RUN}/ovsdb.ctl", "ovsdb-server/list-dbs"),
            ),
            pods.Container(
                "vswitchd",
                "ovn",
                ("sh", f"{pods.CONFIG_PATH}/switch.sh"),
                (sockets, pods.tun()),
                check=("ovs-appctl", "-t", f"{RUN}/vswitchd.ctl", "version"),
                memory="96Mi",
                limit="4Gi",
                cpu="50m",
            ),
        ),
    )
