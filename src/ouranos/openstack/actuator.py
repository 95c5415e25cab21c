"""How does a thing outside Kubernetes come to be, once, and ours? Find, compare, make.

Each kind of thing is an `Actuator`; `ensure` is the same for all of them. Every thing carries a
mark that names its owner, so that one made before a crash is found again and a stranger's is left
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from ouranos.kit import conditions, errors
from ouranos.openstack import client

Found = dict[str, Any]
"""A thing as OpenStack's API writes it."""

Wanted_contra = TypeVar("Wanted_contra", contravariant=True)


class Actuator(Protocol[Wanted_contra]):
    """One kind of thing inside OpenStack."""

    def title(self, wanted: Wanted_contra) -> str:
        """What a person calls the thing: `user nova`."""
        ...

    async def named(self, wanted: Wanted_contra) -> Sequence[Found]:
        """Everything of exactly this name, whoever owns it. MUST NOT match parts of names."""
        ...

    def mark(self, found: Found) -> str:
        """The text in which the owner's mark is kept."""
        ...

    async def create(self, wanted: Wanted_contra, mark: str) -> Found:
        """Make the thing with its mark in one request; nothing may fail after it."""
        ...

    def changes(self, wanted: Wanted_contra, found: Found) -> Mapping[str, Any]:
        """What differs and can be changed; empty when nothing does."""
        ...

    async def update(self, found: Found, changes: Mapping[str, Any]) -> Found:
        """Change a thing that is ours."""
        ...


def mark_of(namespace: str, name: str) -> str:
    """The ownership mark of what an object of Kubernetes makes elsewhere."""
    return f"ouranos:{namespace}/{name}"


async def ensure(actuator: Actuator[Wanted_contra], wanted: Wanted_contra, mark: str) -> Found:
    """Return the one thing that is wanted, made or changed where necessary.

    Raises:
        errors.Terminal: Somebody else has a thing of this name, or there are two of ours.
        errors.Transient: OpenStack did not do it this time.
    """
    found = await _ours(actuator, wanted, mark)
    if found is None:
        try:
            return await actuator.create(wanted, mark)
        except client.ClashError:
            # Another pass was faster, or an earlier answer was lost; only ours will do.
            found = await _ours(actuator, wanted, mark)
            if found is None:
                raise
    changes = actuator.changes(wanted, found)
    return await actuator.update(found, changes) if changes else found


async def _ours(
    actuator: Actuator[Wanted_contra], wanted: Wanted_contra, mark: str
) -> Found | None:
    found = await actuator.named(wanted)
    ours = [one for one in found if actuator.mark(one) == mark]
    if len(ours) > 1:
        raise _refusal(f"there are {len(ours)} of {actuator.title(wanted)} with the mark {mark}")
    if not ours and found:
        raise _refusal(
            f"{actuator.title(wanted)} exists and has not the mark {mark}; "
            "hint: rename or delete it, or write the mark into its description"
        )
    return ours[0] if ours else None


def _refusal(message: str) -> errors.Terminal:
    return errors.Terminal(conditions.Reason.UNRECOVERABLE, message)
