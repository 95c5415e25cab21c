"""Which controllers run in a cluster, and what they are given.

The counterpart of `ouranos.solo.composition`: the same controllers, without the engine, because
here Kubernetes does what the engine does there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ouranos import backing, compute, services
from ouranos.images import catalog
from ouranos.kit import controller, kinds, seams, selection

_THREADS: Final = 8

_OTHERS_SECRETS: Final = (
    *("helm.sh/release.v1", "kubernetes.io/service-account-token", "kubernetes.io/tls"),
    *("kubernetes.io/dockerconfigjson", "bootstrap.kubernetes.io/token"),
)
SELECTED: Final = (
    *(
        selection.Selection(kind, labels="app.kubernetes.io/managed-by=ouranos")
        for kind in (
            *(kinds.POD, kinds.CONFIG_MAP, kinds.DEPLOYMENT, kinds.STATEFUL_SET, kinds.DAEMON_SET),
            *(kinds.JOB, kinds.CRON_JOB, kinds.POD_DISRUPTION_BUDGET, kinds.NETWORK_POLICY),
        )
    ),
    # People's Secrets hold the accounts of servers that they run; none is of these types.
    selection.Selection(kinds.SECRET, fields=",".join(f"type!={one}" for one in _OTHERS_SECRETS)),
)
"""Which objects are held of kinds that others use too.

Held whole are Services, by which people's own servers may be reached, the few claims on volumes,
and Nodes.
"""


def all_controllers(system: str) -> list[controller.Controller]:
    """Every controller of ours.

    Args:
        system: the namespace that they run in, whom network policies let in.
    """
    return [
        *services.controllers(system=system),
        *backing.controllers(),
        *compute.controllers(),
    ]


def found_at(registry: str) -> Callable[[str], str]:
    """Return what makes an image's reference one of a registry; without one, it stays as it is."""
    ours = f"{catalog.REGISTRY}/"
    place = registry.rstrip("/")

    def found(reference: str) -> str:
        if reference.startswith(ours):
            return f"{place}/{reference.removeprefix(ours)}"
        return reference

    return found if place else str


def outside(registry: str) -> tuple[seams.Seams, seams.Threads]:
    """Return the seams of a cluster, and the threads of its calls that block."""
    real, threads = seams.real(), seams.Threads(_THREADS)
    return seams.Seams(real.clock, real.random, threads, found_at(registry)), threads
