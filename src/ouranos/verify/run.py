"""All proofs in order, the removal of everything, and the proof that nothing is left."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ouranos.images import guest as guest_image
from ouranos.kit import cluster
from ouranos.verify import inside, proofs, removal, story, tenant

P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """What a person asked `verify` for.

    Attributes:
        namespace: where the Cloud is.
        access: the administrator's entry of a `clouds.yaml`.
        guests: where the small guest is kept once built.
        image: a disk image to use in its place, or empty.
    """

    namespace: str
    access: dict[str, Any]
    guests: Path
    image: str = ""
    flavor: str = "m1.nano"
    public_network: str = "public"


async def verify(order: Order, api: cluster.Cluster, say: story.Say) -> story.Story:
    """Prove that the cloud works, as a tenant would use it.

    Everything made is deleted, whether a proof failed or not; what an interrupted run left is
    deleted first.

    Raises:
        ProofError: the first thing that the cloud did not do.
    """
    built = None if order.image else await guest_image.build(order.guests)
    admin = await _in_thread(tenant.connect, order.access)
    run = story.Story(admin, secrets.token_hex(8), order.public_network, order.flavor, say)
    await _in_thread(_clean, run)
    try:
        for prove in _proofs(order, built):
            await _in_thread(prove, run)
    finally:
        await _in_thread(_remove, run)
    with run.proof("nothing is left in OpenStack, libvirt, OVN"):
        await _nothing_left(run, order, api)
    return run


async def _in_thread(work: Callable[[P], T], given: P) -> T:
    """Do it in a thread, which nobody can end: who is interrupted waits for it."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, given))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.gather(doing, return_exceptions=True)
        raise


def _clean(run: story.Story) -> None:
    """Remove what an interrupted run left."""
    for project in tenant.abandoned(run.admin):
        run.say(f"removing what an interrupted run left: {project.name}")
        removal.remove(run.admin, project.id)
        tenant.remove_user_of(run.admin, project)
        run.admin.identity.delete_project(project.id)


def _proofs(
    order: Order, built: guest_image.GuestImage | None
) -> Iterator[Callable[[story.Story], None]]:
    """Every proof, in order: one by one, so that an interruption waits for one only."""
    yield _enter
    yield proofs.volume_asked
    if built is None:
        yield lambda run: proofs.own_image(run, order.image)
    else:
        yield lambda run: proofs.image(run, built)
    yield proofs.network
    yield proofs.server
    yield proofs.http
    yield proofs.console
    yield proofs.volume
    yield proofs.snapshot
    yield proofs.stop_and_start


def _enter(run: story.Story) -> None:
    with run.proof("project and user"):
        tenant.enter(run)


def _remove(run: story.Story) -> None:
    with run.proof("everything deleted"):
        removal.of(run)
        if run.project:
            left = removal.left_in_services(run.admin, run.project)
            left = [each for each in left if not each.startswith("ports")] or left
            if left:
                raise story.ProofError(f"left in OpenStack: {', '.join(left)}")
        tenant.leave(run)


async def _nothing_left(run: story.Story, order: Order, api: cluster.Cluster) -> None:
    domains, networks = await asyncio.gather(
        inside.domains(api, order.namespace), inside.networks(api, order.namespace)
    )
    left: list[str] = []
    if (server := run.made.get("server")) in domains:
        left.append(f"libvirt domain {server}")
    made = {f"neutron-{run.made[kind]}" for kind in ("network", "router") if kind in run.made}
    left += sorted(f"OVN {name}" for name in networks & made)
    if left:
        raise story.ProofError(f"still there: {', '.join(left)}")
