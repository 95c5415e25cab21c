"""All proofs in order, the removal of everything, and the proof that nothing is left."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ouranos.images import guest as guest_image
from ouranos.kit import cluster
from ouranos.verify import inside, proofs, removal, story, tenant


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
    admin = await asyncio.to_thread(tenant.connect, order.access)
    run = story.Story(admin, secrets.token_hex(8), order.public_network, order.flavor, say)
    await asyncio.to_thread(_clean, run)
    try:
        await asyncio.to_thread(_prove, run, order, built)
    finally:
        await asyncio.to_thread(_remove, run)
    with run.proof("nothing is left in OpenStack, libvirt, OVN"):
        await _nothing_left(run, order, api)
    return run


def _clean(run: story.Story) -> None:
    """Remove what an interrupted run left."""
    for project in tenant.abandoned(run.admin):
        run.say(f"removing what an interrupted run left: {project.name}")
        removal.remove(run.admin, project.id)
        tenant.remove_user_of(run.admin, project)
        run.admin.identity.delete_project(project.id)


def _prove(run: story.Story, order: Order, built: guest_image.GuestImage | None) -> None:
    with run.proof("project and user"):
        tenant.enter(run)
    proofs.volume_asked(run)
    if built is None:
        proofs.own_image(run, order.image)
    else:
        proofs.image(run, built)
    for prove in (
        proofs.network,
        proofs.server,
        proofs.http,
        proofs.console,
        proofs.volume,
        proofs.snapshot,
        proofs.stop_and_start,
    ):
        prove(run)


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
