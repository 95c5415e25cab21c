"""The services room: one page for each OpenStack service. Its README says where to begin."""

import httpx2

from ouranos.kit import controller, kinds, objects
from ouranos.openstack import sessions
from ouranos.services import (
    cinder,
    cloud,
    crds,
    glance,
    keystone,
    neutron,
    nova,
    page,
    pipeline,
    placement,
)

PAGES: tuple[page.Service, ...] = (
    keystone.SERVICE,
    glance.SERVICE,
    placement.SERVICE,
    nova.SERVICE,
    neutron.SERVICE,
    cinder.SERVICE,
)


for _page in PAGES:
    kinds.register(_page.kind)


def definitions() -> list[objects.Object]:
    """Definitions of the kinds that only pages know; they are applied before anything else."""
    return crds.of(PAGES)


def controllers(
    transport: httpx2.AsyncBaseTransport | None = None,
) -> list[controller.Controller]:
    """The controllers of the room.

    Args:
        transport: Carries requests to OpenStack's APIs; the network when None.
    """
    return [cloud.controller(), *pipeline.controllers(PAGES, sessions.Sessions(transport))]
