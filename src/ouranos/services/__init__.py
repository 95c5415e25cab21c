"""The services room: one page for each OpenStack service. Its README says where to begin."""

import httpx2

from ouranos.api import crds
from ouranos.kit import controller, objects, scheduling
from ouranos.openstack import sessions
from ouranos.services import cloud, pipeline, policies, registry

KNOWN = registry.found(__name__)
"""The services that there are, by their pages."""


def definitions() -> list[objects.Object]:
    """Definitions of all kinds; they are applied before anything else."""
    return crds.generate(KNOWN.kinds)


def priority_classes() -> list[objects.Object]:
    """The priority classes that pods name; they have to be there before any pod."""
    return scheduling.priority_classes()


def packages(release: str) -> list[str]:
    """What the services of a release take into its image, as requirements."""
    return [package for one in KNOWN.pages for package in one.releases.get(release, ())]


def controllers(
    transport: httpx2.AsyncBaseTransport | None = None, system: str = policies.SYSTEM
) -> list[controller.Controller]:
    """The controllers of the room.

    Args:
        transport: Carries requests to OpenStack's APIs; the network when None.
        system: The namespace that the controllers run in, whom network policies let in.
    """
    kept = sessions.Sessions(transport)
    return [cloud.controller(KNOWN, system), *pipeline.controllers(KNOWN, kept)]
