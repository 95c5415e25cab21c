"""How is seen whether a program works that listens nowhere? By the connection that it always has.

Conductors, schedulers and agents do nothing without the queue. One that hangs answers the broker's
heartbeats no more, and its connection ends. Restarting it would not bring the broker back, so that
it is said to be not ready, and left alone.
"""

from __future__ import annotations

from typing import Final

from ouranos.kit.objects import Object

_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_ESTABLISHED: Final = "01"


def check(port: int) -> tuple[str, ...]:
    """The command that tells whether a connection to a port is there, in the pod's network.

    The kernel's tables have a connection in each line, with the other end and then the state.
    """
    return ("grep", "-qs", f":{port:04X} {_ESTABLISHED} ", *_TABLES)


def probes(port: int, patience: int) -> Object:
    """The probes of a container that keeps a connection to a port.

    A command in a container costs some 30 ms of CPU: an idle cloud should idle.

    Args:
        port: where the other end listens.
        patience: for how many seconds it may have none when it starts.
    """
    action = {"exec": {"command": list(check(port))}, "timeoutSeconds": 5}
    return {
        "startupProbe": {**action, "periodSeconds": 2, "failureThreshold": patience // 2},
        "readinessProbe": {**action, "periodSeconds": 60, "failureThreshold": 2},
    }
