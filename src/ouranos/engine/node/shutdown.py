"""How does a node end? Pods first, those that others stand on last.

Then guests, the world, and what it was made of.
"""

import asyncio
import shutil
from pathlib import Path
from signal import SIGTERM
from typing import Final

from ouranos.engine.node import (
    config,
    containers,
    ending,
    lifecycle,
    network,
    records,
    rootfs,
    volumes,
    worlds,
)
from ouranos.kit import conditions, errors, objects

_CRITICAL: Final = ("system-node-critical", "system-cluster-critical")
_GUEST_GRACE: Final = 10.0
_LOOK: Final = 0.05


async def everything(
    told: config.NodeConfig, held: containers.Containers, found: list[records.Record]
) -> None:
    """End everything that runs on a node.

    What it keeps is data, and the records of how things ended.
    """
    pods = await held.space.run(records.load_pods, held.layout)
    alive = [record for record in found if not record.has_ended]
    members = [record for record in alive if record.uid]
    place = next((worlds.World(one) for one in alive if one.role is records.Role.WORLD), None)
    inside = place.network if place and place.is_alive else None
    critical = {uid for uid, pod in pods.items() if _is_critical(pod)}
    for last in (False, True):
        await asyncio.gather(
            *(
                _pod(told, held, pods.get(uid), [one for one in members if one.uid == uid], inside)
                for uid in {one.uid for one in members if (one.uid in critical) is last}
            )
        )
    await _guests(held)
    for record in (one for one in found if one.role is records.Role.WORLD):
        await held.stop(record, 0)
        await held.forget(record if record.has_ended else await held.finish(record))
    await held.space.run(_tidy, held, pods)


def _is_critical(pod: objects.Object) -> bool:
    return pod["spec"].get("priorityClassName") in _CRITICAL


async def _pod(
    told: config.NodeConfig,
    held: containers.Containers,
    pod: objects.Object | None,
    left: list[records.Record],
    inside: network.Namespace | None,
) -> None:
    """End one pod's containers.

    Ordinary ones first, then sidecars, the last one first, then the sandbox.
    """
    order = [one["name"] for one in lifecycle.inits(pod)] if pod else []

    def rank(record: records.Record) -> int:
        if record.role is records.Role.SANDBOX:
            return len(order) + 1
        is_sidecar = record.role is records.Role.INIT and record.container in order
        return len(order) - order.index(record.container) if is_sidecar else 0

    for step in sorted({rank(one) for one in left}):
        await asyncio.gather(
            *(_container(told, held, pod, one, inside) for one in left if rank(one) == step)
        )


async def _container(
    told: config.NodeConfig,
    held: containers.Containers,
    pod: objects.Object | None,
    record: records.Record,
    inside: network.Namespace | None,
) -> None:
    every = lifecycle.every(pod) if pod else []
    empty: objects.Object = {}
    container = next((one for one in every if one["name"] == record.container), empty)
    grace = lifecycle.grace(pod) if pod else lifecycle.FIRST_BACKOFF
    if record.role is records.Role.SANDBOX:
        grace = 0
    reached = ending.target(held, record, container, str(told.address), inside)
    await ending.end(held, record, container, grace, reached, lambda _: None)
    ended = await held.finish(record)
    if record.role is records.Role.SANDBOX:
        await held.forget(ended)
    else:
        marked = ended.but(reason=lifecycle.NODE_SHUTDOWN)
        await held.space.run(records.save, held.layout, marked)


async def _guests(held: containers.Containers) -> None:
    """Ask the processes that outlive containers to end.

    QEMU writes its buffers and ends at once.
    """
    deadline = asyncio.get_running_loop().time() + _GUEST_GRACE
    held.groups.signal(volumes.GUESTS, SIGTERM)
    while held.groups.processes(volumes.GUESTS):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(_LOOK)


def _tidy(held: containers.Containers, pods: dict[str, objects.Object]) -> None:
    for uid, pod in pods.items():
        folder = volumes.Folder.of(held.layout, uid)
        rootfs.unmount_tree(held.layout.pod(uid) / "ipc")
        for volume in objects.entries(pod, "spec", "volumes"):
            rootfs.unmount_tree(folder.volume(volume["name"]))
    rootfs.unmount_tree(held.layout.root)
    held.groups.remove_parent()


def erase(folder: Path, mounts: str | None = None) -> None:
    """Remove the node's folder with everything in it; `mounts` is what is mounted.

    Raises:
        Terminal: something is mounted in it that is not ours.
    """
    inside = f"{folder.absolute()}/"
    table = Path("/proc/self/mountinfo").read_text() if mounts is None else mounts
    for line in table.splitlines():
        target = line.split()[4]
        if target.startswith(inside):
            raise errors.Terminal(
                conditions.Reason.UNRECOVERABLE,
                f"{target} is mounted in the node's folder (hint: umount {target})",
            )
    if folder.exists():
        shutil.rmtree(folder)
