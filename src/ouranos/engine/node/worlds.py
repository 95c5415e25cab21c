"""What are a node's namespaces held by? A container whose only program waits and reaps (ADR 0006).

Its PID 1 is `catatonit -P`: orphans in the node's PID namespace (QEMU made a daemon by libvirt)
are reaped at once; with a program that does not, libvirt waits 40 s for each (rootfs.md).
"""

from dataclasses import dataclass
from typing import Final

from ouranos.engine.node import (
    config,
    containers,
    facts,
    identity,
    images,
    network,
    records,
    rootfs,
    runc,
    security,
    spec,
)
from ouranos.kit import errors, objects

_PAUSE: Final = ("/usr/bin/catatonit", "-P")
WORLD_CGROUP: Final = "world"
_RIGHTS: Final = security.Rights(
    user=security.User(0, 0, (), "/"),
    capabilities=(),
    lacking=(),
    new_privileges=False,
    privileged=False,
    read_only=True,
    scratch=False,
    seccomp=None,
)


def pause(
    held: containers.Containers, record: records.Record, host_name: str, namespaces: dict[str, str]
) -> objects.Object:
    """Return the OCI configuration of a container that only holds namespaces."""
    told = spec.Facts(
        root=str(rootfs.root(held.layout.container(record.id))),
        host_name=host_name,
        cgroup=held.groups.path(record.cgroup),
        namespaces=namespaces,
        rights=_RIGHTS,
        environment={"PATH": "/usr/bin"},
        open_files=facts.open_files(),
        oom_score=facts.oom_floor(),
    )
    return spec.build(_PAUSE, "/", told)


@dataclass(frozen=True, slots=True)
class World:
    """A node's namespaces, as long as their PID 1 lives."""

    record: records.Record

    @property
    def id(self) -> str:
        """What tells this world from an earlier one."""
        return self.record.id

    @property
    def init(self) -> identity.Identity:
        """The node's PID 1."""
        if self.record.init is None:
            raise runc.RuncError("the node's world has no process")
        return self.record.init

    @property
    def is_alive(self) -> bool:
        """Whether its namespaces can be joined."""
        return identity.is_alive(self.record.init)

    @property
    def network(self) -> network.Namespace:
        """The node's network namespace."""
        return network.Namespace(self.init)

    def namespace(self, kind: str) -> str:
        """Return the path by which a container joins one of the node's namespaces."""
        return f"/proc/{self.init.pid}/ns/{kind}"


async def make(
    told: config.NodeConfig, held: containers.Containers, source: images.ImageSource
) -> World:
    """Make a new world and connect it."""
    image = await source.ensure(told.image)
    identifier = records.new_id()
    record = records.Record(
        id=identifier,
        boot=identity.boot(),
        role=records.Role.WORLD,
        container="world",
        image=told.image,
        digest=image.digest,
        created=records.now(),
        cgroup=WORLD_CGROUP,
        log=str(held.layout.logs / "world.log"),
    )
    namespaces = {"pid": "", "network": "", "ipc": "", "uts": ""}
    plan = containers.Plan(record, pause(held, record, told.name, namespaces), tuple(image.layers))
    made = await held.run(plan)
    if made.has_ended:
        await held.forget(made)
        raise runc.RuncError(f"the node's world did not start: {made.message}")
    found = World(made)
    try:
        await connect(told, held, found)
    except errors.OuranosError:
        await held.stop(made, 0)
        await held.forget(await held.finish(made))
        raise
    return found


async def connect(told: config.NodeConfig, held: containers.Containers, found: World) -> None:
    """Make what is missing of a world's network."""
    await held.space.run(network.connect, told, found.init)
