"""What do the parts of a running node share? Made once by the node, given to each pod's worker."""

from dataclasses import dataclass, field

from ouranos.engine.node import (
    config,
    containers,
    environment,
    events,
    facts,
    images,
    lookups,
    runc,
    security,
    worlds,
)
from ouranos.kit import cache, cluster, kinds, objects, seams

REFLECTED = (
    kinds.POD,
    kinds.CONFIG_MAP,
    kinds.SECRET,
    kinds.SERVICE,
    kinds.ENDPOINT_SLICE,
    kinds.PERSISTENT_VOLUME_CLAIM,
    kinds.PERSISTENT_VOLUME,
)
"""What of the API the node has to know."""


@dataclass
class Context:
    """Everything that a pod's worker needs beyond its pod."""

    told: config.NodeConfig
    held: containers.Containers
    source: images.ImageSource
    api: cluster.Cluster
    known: cache.Cache
    recorder: events.Recorder
    seams: seams.Seams
    machine: facts.Machine
    world: worlds.World | None = None
    bounding: frozenset[str] = field(default_factory=security.bounding_set)
    accounts: dict[str, security.Accounts] = field(default_factory=dict[str, security.Accounts])

    @property
    def layout(self) -> config.Layout:
        """Where the node keeps what."""
        return self.told.layout

    @property
    def place(self) -> worlds.World:
        """The node's present world.

        Raises:
            RuncError: it has ended; a new one is being made.
        """
        if self.world is None or not self.world.is_alive:
            raise runc.RuncError("the node's world is being made")
        return self.world

    @property
    def surroundings(self) -> environment.Surroundings:
        """What pods can learn about the node."""
        told = self.told
        return environment.Surroundings(told.name, str(told.address), self.machine.capacity())

    def lookups(self, pod: objects.Object) -> lookups.Lookups:
        """Return what the API holds in a pod's namespace."""
        namespace: str = pod["metadata"].get("namespace") or ""
        return lookups.Lookups(
            lambda kind, where, name: self.known.get(kind, name, where), namespace
        )

    def accounts_of(self, image: images.Realised) -> security.Accounts:
        """Return an image's users; read once per image."""
        found = self.accounts.get(image.digest)
        if found is None:
            found = self.accounts[image.digest] = security.Accounts.read(image.layers)
        return found
