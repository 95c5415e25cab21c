"""Which service needs which? Asked by the rules of the Cloud and by its controller.

The pages of the services room say the same in `needs=`; a test of that room holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Service:
    """One OpenStack service, by what it stands on.

    Attributes:
        kind: the kind of its object.
        needs: services without which it cannot work.
        backing: backing services that it uses.
        optional: services that it uses when they are there.
    """

    kind: str
    needs: tuple[str, ...] = ()
    backing: tuple[str, ...] = ("mariadb", "memcached")
    optional: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The service's name in a sentence."""
        return self.kind


SERVICES: Final = MappingProxyType(
    {
        "keystone": Service("Keystone"),
        "placement": Service("Placement", needs=("keystone",)),
        "glance": Service("Glance", needs=("keystone",)),
        "neutron": Service(
            "Neutron",
            needs=("keystone",),
            backing=("mariadb", "rabbitmq", "memcached", "ovn"),
        ),
        "cinder": Service(
            "Cinder",
            needs=("keystone", "glance"),
            backing=("mariadb", "rabbitmq", "memcached"),
        ),
        "nova": Service(
            "Nova",
            needs=("keystone", "placement", "glance", "neutron"),
            backing=("mariadb", "rabbitmq", "memcached"),
            optional=("cinder",),
        ),
    }
)
"""By name, each after all that it needs: the order in which a cloud comes up and is read."""

BACKING: Final = MappingProxyType(
    {"mariadb": "MariaDB", "rabbitmq": "RabbitMQ", "memcached": "Memcached", "ovn": "OVN"}
)
"""Kinds of the backing services by name, in the order in which they are read."""


def backing_of(services: Iterable[str]) -> tuple[str, ...]:
    """The backing services that these services stand on, each once, in the order of `BACKING`."""
    used = {backing for service in services for backing in SERVICES[service].backing}
    return tuple(name for name in BACKING if name in used)
