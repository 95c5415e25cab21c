"""What can be said to the controllers' process? Asked by its command line and its composition."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ouranos.kit import lease, log

NAMESPACE: Final = "ouranos-system"
LEASE: Final = "ouranos-controllers"
PORT: Final = 8080
GRACE_SECONDS: Final = 20
"""What a pod needs between SIGTERM and SIGKILL: passes that end, calls that block, the Lease."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one process runs.

    Attributes:
        kubeconfig: a file that names the cluster; without it, the pod's service account.
        context: which of the file's contexts.
        namespace: where the Lease is; by default where the service account says that we are, and
            with a kubeconfig `ouranos-system`.
        lease_name: the Lease's name.
        host: what a person knows this process by; in a pod, the pod's name.
        address: where the endpoints listen; empty for every address.
        port: the endpoints' port; 0 for any free one.
        images: the registry, and the path in it, where nodes find images instead of
            `ouranos.cloud`.
        level: what is logged.
        timing: how long what of the Lease lasts.
    """

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str = ""
    lease_name: str = LEASE
    host: str = field(default_factory=socket.gethostname)
    address: str = ""
    port: int = PORT
    images: str = ""
    level: log.Level = "info"
    timing: lease.Timing = field(default_factory=lease.Timing)
