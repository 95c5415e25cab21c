"""The compute room: what makes a machine a hypervisor. Its README says where to begin."""

from ouranos.compute import hypervisor, machines
from ouranos.kit import controller
from ouranos.openstack import sessions


def controllers(opened: sessions.Sessions | None = None) -> tuple[controller.Controller, ...]:
    """Return the controllers of the room.

    Args:
        opened: carries requests to Nova; over the network unless a test says otherwise.
    """
    return (machines.CONTROLLER, hypervisor.controller_of(opened or sessions.Sessions()))
