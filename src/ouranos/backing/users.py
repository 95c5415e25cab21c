"""How does a claim's user come to be? What databases and virtual hosts share; asked by both."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from ouranos.backing import accounts, claim
from ouranos.kit import errors, kinds, objects, outcome
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Object

_ADMISSION: Final = timedelta(seconds=5)
"""How soon it is asked again whether a user gets in whom an operator has made."""


def refuse_second_secret(one: claim.Claim) -> None:
    """Let no two claims set one user's password in turns, each from a Secret of its own.

    Raises:
        errors.Terminal: another claim has the user's password in another Secret.
    """
    username, spec, reference = one.login()[0], one.pass_.object["spec"], one.sort.reference
    for other in one.pass_.cache.list(one.sort.kind, one.namespace):
        theirs: str = other["spec"]["secretRef"]["name"]
        if theirs == one.secret or objects.is_deleting(other):
            continue
        same_server = other["spec"][reference] == spec[reference]
        if same_server and accounts.names(one.pass_.cache, one.namespace, theirs, username):
            title = f"{one.sort.kind.kind} {objects.key_of(other).name}"
            raise errors.Terminal(
                Reason.INVALID_SPEC,
                f"the user {username} in {one.server_name} has its password in Secret "
                f"{one.secret} here, and in Secret {theirs} for {title}; hint: name one Secret in "
                "both, or another user in one of the Secrets",
            )


async def ordered(
    one: claim.Claim, user: Object, grant: Object, gets_in: Callable[[], Awaitable[bool]]
) -> outcome.Outcome:
    """Have the operator make the user, and see that it gets in.

    Args:
        one: the claim.
        user: the operator's object of the user, whom claims with one Secret share.
        grant: its object by which the user may use what is claimed.
        gets_in: whether the user gets in by the Secret; the operator may not have looked.

    Raises:
        errors.Terminal: there is one which is a stranger's, or has another claim's Secret.
    """
    await _label_secret(one)
    key = objects.key_of(user)
    present = one.pass_.cache.get(kinds.of(user), key.name, key.namespace) or {}
    said = objects.mapping(present, "spec", one.sort.parts.login).get("name")
    if said not in {None, one.secret}:
        refuse_second_secret(one)
    made = await one.ensure(user, shared=True)
    made |= await one.ensure(grant)
    if not made.done:
        return made

    async def look() -> outcome.Outcome:
        if await gets_in():
            return outcome.DONE
        who = f"the user {one.login()[0]} to the {one.sort.words} {one.thing}"
        return outcome.wait(f"{one.server_name} to admit {who}", poll=_ADMISSION)

    content = objects.digest([one.pass_.object["spec"], one.login(), one.order().server]).hex()
    return await one.pass_.look("user", content, look, claim.AGAIN)


async def _label_secret(one: claim.Claim) -> None:
    """Let the operator see the Secret with the user's name and password."""
    labels = one.sort.parts.labels
    found = one.pass_.cache.get(kinds.SECRET, one.secret, one.namespace)
    if found is not None and not objects.matches(objects.labels_of(found), labels):
        await one.pass_.patch(kinds.SECRET, one.secret, {"metadata": {"labels": labels}})
