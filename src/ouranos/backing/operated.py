"""How do an operator's objects come and go? Asked by the controllers of servers and of claims."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ouranos.backing import operators
from ouranos.kit import controller, kinds, objects, outcome
from ouranos.kit.objects import Kind, Object

READY: Final = ("Ready",)

Refuse = Callable[[str, Object], None]
"""Given the title of a stranger's object and the object, raises `errors.Terminal`, or allows it."""


async def ensure(
    pass_: controller.Pass,
    software: operators.Software,
    wanted: Object,
    refuse: Refuse,
    *,
    owned: bool = True,
    proofs: Sequence[str] = READY,
) -> outcome.Outcome:
    """Make an object of an operator's, and say what is awaited until the operator has done it.

    Args:
        pass_: the pass that needs it.
        software: the operator.
        wanted: the object, with its mark.
        refuse: what to do about one of that name with another mark, or none.
        owned: whether it goes when the object of the pass goes.
        proofs: the conditions that are all true when it is done.

    Raises:
        errors.Terminal: there is one of that name which is a stranger's.
    """
    kind, key = kinds.of(wanted), objects.key_of(wanted)
    if not pass_.cache.serves(kind):
        return outcome.wait(software.missing(kind))
    title = software.title(kind, key.name)
    present = pass_.cache.get(kind, key.name, key.namespace)
    if present is not None:
        if operators.owner_of(present) != operators.owner_of(wanted):
            refuse(title, present)
        if objects.is_deleting(present):
            return outcome.wait(f"{title} to be gone, to be made again")
    return state(title, await pass_.apply(wanted, owned=owned), proofs)


def state(title: str, present: Object, proofs: Sequence[str]) -> outcome.Outcome:
    """Return what is awaited of an operator's object."""
    lacking = operators.awaited(present, proofs)
    return outcome.DONE if lacking is None else outcome.wait(f"{title} to be {lacking}")


async def remove(
    pass_: controller.Pass,
    software: operators.Software,
    going: Iterable[Object],
    drops: dict[Kind, Object] | None = None,
) -> outcome.Outcome:
    """Delete objects of an operator's.

    Args:
        pass_: the pass that lets go of them.
        software: the operator.
        going: the objects.
        drops: fields, by kind, by which what the objects stand for goes too, and is waited for.
    """
    total = outcome.DONE
    for one in going:
        kind, name = kinds.of(one), objects.key_of(one).name
        if not objects.is_deleting(one):
            if drops and drops.get(kind):
                await pass_.patch(kind, name, {"spec": drops[kind]})
            await pass_.delete(kind, name, uid=objects.uid_of(one))
        if drops and pass_.cache.get(kind, name, pass_.key.namespace) is not None:
            total |= outcome.wait(f"{software.title(kind, name)} to be gone")
    return total
