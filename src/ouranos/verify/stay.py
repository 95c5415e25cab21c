"""A guest that stays for a while, for who has more to ask of it than `verify`."""

from __future__ import annotations

from ouranos.images import guest as guest_image
from ouranos.verify import proofs, removal, story, tenant


def begin(run: story.Story, built: guest_image.GuestImage) -> None:
    """Boot one server as an ordinary tenant, until it answers by its floating IP."""
    tenant.enter(run)
    proofs.image(run, built)
    proofs.network(run)
    proofs.server(run)
    proofs.http(run)


def end(run: story.Story) -> None:
    """Remove the server with all that it had, and the tenant; what was not made is left out."""
    removal.of(run)
    tenant.leave(run)
