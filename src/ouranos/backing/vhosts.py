"""How is a claim on a virtual host fulfilled? Looks into the broker, and does what is missing.

The mark is part of the thing: a virtual host's description, a user's tag. A lost virtual host is
made again without a question: what services say to each other through it is said anew, and nothing
that was in its queues can be had back.
"""

from typing import Final

from ouranos.backing import broker, claim, rabbitmq, rabbitmq_operator, users
from ouranos.kit import kinds, outcome


async def vhost(one: claim.Claim) -> outcome.Outcome:
    """The virtual host exists, and is this claim's."""
    if one.is_ordered:
        one.refuse_rivals()
        return await one.ensure(rabbitmq_operator.vhost(one.order()))
    one.remember_hand()
    server = rabbitmq.connect(one.site())
    described = await server.vhost(one.thing)
    if described == one.owner:
        return outcome.DONE
    mark = None if described is None else _mark_in(described)
    one.refuse_stranger(f"the virtual host {one.thing}", mark, one.owner)
    await server.put_vhost(one.thing, one.owner)
    await one.tell("Created")
    return outcome.DONE


async def user(one: claim.Claim) -> outcome.Outcome:
    """The user exists, has the Secret's password, and may do everything in the virtual host."""
    if one.is_ordered:
        return await _ordered_user(one)
    server = rabbitmq.connect(one.site())
    username, password = one.login()
    found = await server.user(username)
    one.refuse_stranger(f"the user {username}", _mark_of(found, one.house), one.house)
    if found is None or one.house not in found.tags or not found.has(password):
        users.refuse_second_secret(one)
        await server.put_user(username, password, frozenset({one.house}))
    if not await server.allows(one.thing, username):
        await server.allow(one.thing, username)
    return outcome.DONE


async def _ordered_user(one: claim.Claim) -> outcome.Outcome:
    """Have the operator make the user, and ask the server whether it has the Secret's password."""
    order = one.order()
    username, password = one.login()

    async def gets_in() -> bool:
        found = await rabbitmq.connect(one.site()).user(username)
        return found is not None and found.has(password)

    user_, permission = rabbitmq_operator.user(order), rabbitmq_operator.permission(order)
    return await users.ordered(one, user_, permission, gets_in)


def _mark_of(found: broker.User | None, ours: str) -> str | None:
    if found is None or ours in found.tags:
        return None if found is None else ours
    return _mark_in(*sorted(found.tags))


def _mark_in(*texts: str) -> str:
    return next((text for text in texts if text.startswith("ouranos:")), "")


async def _drop(one: claim.Claim) -> bool:
    server = rabbitmq.connect(one.site())
    if await server.vhost(one.thing) != one.owner:
        return False
    await server.delete_vhost(one.thing)
    return True


async def _drop_user(one: claim.Claim, username: str) -> None:
    server = rabbitmq.connect(one.site())
    if _mark_of(await server.user(username), one.house) == one.house:
        await server.delete_user(username)


SORT: Final = claim.Sort(
    kind=kinds.VHOST,
    page=rabbitmq.PAGE,
    field="vhost",
    reference="rabbitmqRef",
    words="virtual host",
    thing=vhost,
    user=user,
    drop=_drop,
    drop_user=_drop_user,
    parts=rabbitmq_operator.PARTS,
)
