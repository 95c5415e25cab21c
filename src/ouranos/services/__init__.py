"""The services room: one page for each OpenStack service. Its README says where to begin."""

import httpx2

from ouranos.kit import controller
from ouranos.openstack import sessions
from ouranos.services import (
    cinder,
    cloud,
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


def controllers(
    transport: httpx2.AsyncBaseTransport | None = None,
) -> list[controller.Controller]:
    """The controllers of the room.

    Args:
        transport: Carries requests to OpenStack's APIs; the network when None.
    """
    return [cloud.controller(), *pipeline.controllers(PAGES, sessions.Sessions(transport))]
