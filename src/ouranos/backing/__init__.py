"""The backing room: what the services stand on. Its README says where to begin."""

from ouranos.backing import (
    claim,
    databases,
    mariadb,
    memcached,
    ovn,
    page,
    rabbitmq,
    server,
    vhosts,
)
from ouranos.kit import controller

PAGES = (mariadb.PAGE, rabbitmq.PAGE, memcached.PAGE, ovn.PAGE)
SORTS = (databases.SORT, vhosts.SORT)


def controllers(means: page.Means | None = None) -> tuple[controller.Controller, ...]:
    """Return the controllers of the room.

    Args:
        means: how servers are reached; by the network unless a simulated world says otherwise.
    """
    given = means or page.Means()
    return (
        *(server.controller_of(one, given) for one in PAGES),
        *(claim.controller_of(one, given) for one in SORTS),
    )
