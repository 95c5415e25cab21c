"""How is a claim on a virtual host fulfilled? Looks into the broker, and does what is missing.

The mark is part of the thing: a virtual host's description, a user's tag. A lost virtual host is
made again without a question: what services say to each other through it is said anew, and nothing
that was in its queues can be had back.
"""

from typing import Final

from ouranos.backing import broker, claim, page, rabbitmq
from ouranos.kit import controller, kinds, outcome, pipeline


async def vhost(one: claim.Claim) -> outcome.Outcome:
    """The virtual host exists, and is this claim's."""
    server = rabbitmq.connect(one.site())
    mark = await server.vhost(one.thing)
    if mark == one.owner:
        return outcome.DONE
    if mark is not None and not one.says(claim.ADOPT):
        raise one.stranger(f"the virtual host {one.thing}", mark if _is_mark(mark) else "")
    await server.put_vhost(one.thing, one.owner)
    message = f"Created virtual host {one.thing} in RabbitMQ {one.reference}"
    await one.pass_.event("Normal", "VhostCreated", message)
    return outcome.DONE


async def user(one: claim.Claim) -> outcome.Outcome:
    """The user exists, has the Secret's password, and may do everything in the virtual host."""
    server = rabbitmq.connect(one.site())
    username, password = one.user()
    found = await server.user(username)
    if found is not None and one.house not in found.tags and not one.says(claim.ADOPT):
        other = next((tag for tag in sorted(found.tags) if _is_mark(tag)), "")
        raise one.stranger(f"the user {username}", other)
    if found is None or one.house not in found.tags or not found.has(password):
        await server.put_user(username, password, frozenset({one.house}))
    if not await server.allows(one.thing, username):
        await server.allow(one.thing, username)
    claim.tell_address(one)
    return outcome.Outcome(again_in=claim.AGAIN)


def _is_mark(text: str) -> bool:
    return text.startswith("ouranos:")


_STAGES: Final = (
    pipeline.Stage[claim.Claim]((claim.server, claim.credentials)),
    pipeline.Stage[claim.Claim]((vhost,)),
    pipeline.Stage[claim.Claim]((user,)),
)


async def _release(one: claim.Claim) -> outcome.Outcome:
    """Let the claim go; the virtual host and its user with it only where a person has said so."""
    if one.says(claim.DELETE) and one.host() is not None:
        server = rabbitmq.connect(one.site())
        if await server.vhost(one.thing) == one.owner:
            await server.delete_vhost(one.thing)
            message = f"Deleted virtual host {one.thing} from RabbitMQ {one.reference}"
            await one.pass_.event("Normal", "VhostDeleted", message)
        await _release_user(one, server)
    await one.pass_.remove_finalizer()
    return outcome.DONE


async def _release_user(one: claim.Claim, server: broker.Server) -> None:
    if claim.is_secret_shared(one, kinds.VHOST):
        return
    username, _ = one.user()
    found = await server.user(username)
    if found is not None and one.house in found.tags:
        await server.delete_user(username)


def controller_of(means: page.Means) -> controller.Controller:
    """Return the controller of claims on virtual hosts."""

    async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
        spec = pass_.object["spec"]
        one = claim.Claim(pass_, rabbitmq.PAGE, means, spec["vhost"], spec["rabbitmqRef"]["name"])
        if pass_.deleting:
            return await _release(one)
        await pass_.add_finalizer()
        return await pipeline.run(pass_, one, _STAGES)

    return controller.Controller(
        name="vhosts",
        kind=kinds.VHOST,
        reconcile=reconcile,
        watches=claim.watches(kinds.VHOST, rabbitmq.PAGE, "rabbitmqRef"),
        reads=(kinds.SERVICE,),
    )
