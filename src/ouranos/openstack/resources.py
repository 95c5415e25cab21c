"""What can a service want to exist inside OpenStack? Data only; `actuator.py` makes it so.

Asked by the pages (`Service.inside`).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flavor:
    """A size of server that everybody may use. Nova keeps flavors unchangeable."""

    name: str
    vcpus: int
    memory: int
    """MiB."""
    disk: int
    """GiB."""


@dataclass(frozen=True, slots=True)
class VolumeType:
    """A kind of volume, bound to a backend by its name."""

    name: str
    backend: str


@dataclass(frozen=True, slots=True)
class ProviderNetwork:
    """A flat network of the operator's that floating IPs come from, with its one subnet."""

    name: str
    physical: str
    cidr: str

    @property
    def gateway(self) -> str:
        """The first address, which the gateway node holds."""
        return str(self._network[1])

    @property
    def pool(self) -> tuple[str, str]:
        """First and last address to give out: all but network, gateway and broadcast."""
        return str(self._network[2]), str(self._network[-2])

    @property
    def _network(self) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        return ipaddress.ip_network(self.cidr)


@dataclass(frozen=True, slots=True)
class Role:
    """A role that a service's policy speaks of (Heat's `heat_stack_user`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A Keystone domain of a service's own (Heat's and Magnum's trustees)."""

    name: str


Resource = Flavor | VolumeType | ProviderNetwork | Role | Domain
