"""OVN: what virtual networks are, and what follows for each machine. The page of its servers."""

import json
from collections.abc import Mapping
from typing import Any, Final

from ouranos.backing import manifests, page
from ouranos.kit import errors, kinds
from ouranos.kit.objects import Object

UID: Final = 42424
NORTHBOUND: Final = manifests.Port("northbound", 6641, service="-nb", field="northboundPort")
SOUTHBOUND: Final = manifests.Port("southbound", 6642, service="-sb", field="southboundPort")
_DATA: Final = manifests.Volume("data", "/var/lib/ovn")
_RUN: Final = manifests.Volume("run", "/run/ovn")


def pod(_: Object) -> manifests.Pod:
    """Return the pod of both databases and northd."""
    logs = ("-vconsole:info", "-vsyslog:off", "-vfile:off")
    return manifests.Pod(
        uid=UID,
        first=(manifests.initialise(_DATA),),
        containers=(
            *(
                manifests.Container(
                    port.name,
                    (
                        *("ovsdb-server", f"{_DATA.path}/{short}.db"),
                        f"--remote=punix:{_RUN.path}/{short}.sock",
                        f"--remote=ptcp:{port.number}:$(POD_IP)",
                        f"--unixctl={_RUN.path}/{short}.ctl",
                        *logs,
                    ),
                    (_DATA, _RUN),
                    variables=(manifests.POD_IP,),
                    port=port,
                    limit="2Gi",
                )
                for port, short in ((NORTHBOUND, "nb"), (SOUTHBOUND, "sb"))
            ),
            manifests.Container(
                "northd",
                (
                    *("ovn-northd", f"--ovnnb-db=unix:{_RUN.path}/nb.sock"),
                    f"--ovnsb-db=unix:{_RUN.path}/sb.sock",
                    f"--unixctl={_RUN.path}/northd.ctl",
                    *logs,
                ),
                (_RUN,),
                check=("ovn-appctl", "-t", f"{_RUN.path}/northd.ctl", "status"),
                limit="2Gi",
            ),
        ),
        scratch=("run",),
        grace=15,
    )


async def health(site: page.Site) -> Mapping[str, str]:
    """Ask both databases for their names."""
    for port, database in ((NORTHBOUND, "OVN_Northbound"), (SOUTHBOUND, "OVN_Southbound")):
        host, number = site.place(port)
        question = json.dumps({"method": "list_dbs", "params": [], "id": 0})
        answer = await site.means.ask(host, number, question.encode(), b"}")
        if f'"{database}"'.encode() not in answer:
            raise errors.Transient(f"{host}:{number} does not hold {database}")
    return {}


def answers(site: page.Site) -> Mapping[str, Any]:
    """Return both addresses as OVN's programs take them."""
    return {
        name: "tcp:{}:{}".format(*site.told(port))
        for name, port in (("northbound", NORTHBOUND), ("southbound", SOUTHBOUND))
    }


PAGE: Final = page.Page(
    kind=kinds.OVN,
    image="ovn",
    ports=(NORTHBOUND, SOUTHBOUND),
    pod=pod,
    health=health,
    answers=answers,
)
