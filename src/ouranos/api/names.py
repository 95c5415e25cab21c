"""What is each kind called? Asked by the kit, the CRD generator and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

GROUP: Final = "ouranos.cloud"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "ouranos"


@dataclass(frozen=True, slots=True)
class Name:
    """The names of one kind.

    Attributes:
        kind: as written in a manifest, `MariaDB`.
        plural: as in a URL, `mariadbs`.
        short: short names for kubectl.
        only: the name that the one object of the kind has in its namespace; None if any may.
    """

    kind: str
    plural: str
    short: tuple[str, ...] = ()
    only: str | None = None

    @property
    def singular(self) -> str:
        """The kind in lower case, as kubectl takes it."""
        return self.kind.lower()


def _singleton(kind: str) -> Name:
    """A kind of which a namespace holds one object, named after the kind."""
    return Name(kind, f"{kind.lower()}s", only=kind.lower())


_ALL = (
    Name("Cloud", "clouds", ("cld",)),
    _singleton("MariaDB"),
    _singleton("RabbitMQ"),
    _singleton("Memcached"),
    _singleton("OVN"),
    Name("Hypervisor", "hypervisors", ("hv",)),
    Name("Database", "databases", ("odb",)),
    Name("Vhost", "vhosts", ("ovh",)),
)

KINDS: Final = MappingProxyType({name.kind: name for name in _ALL})
"""Every kind but those of OpenStack's services, which their pages name."""
