"""Which controllers run in a cluster, and what they are given.

The counterpart of `ouranos.solo.composition`: the same controllers, without the engine, because
here Kubernetes does what the engine does there.
"""

from __future__ import annotations

from collections.abc import Callable

from ouranos import backing, compute, services
from ouranos.images import catalog
from ouranos.kit import controller, seams

_THREADS = 8


def all_controllers() -> list[controller.Controller]:
    """Every controller of ours."""
    return [*services.controllers(), *backing.controllers(), *compute.controllers()]


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
