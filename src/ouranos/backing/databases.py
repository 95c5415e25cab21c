"""How is a claim on a database fulfilled? Looks into the server, and does what is missing.

The mark of a thing is written before the thing is made, and forgotten after it is gone, so that a
crash between any two steps leaves nothing, or something that the next pass knows for its own.
"""

from datetime import timedelta
from typing import Final

from ouranos.backing import claim, mariadb, mariadb_operator, sql
from ouranos.kit import conditions, errors, kinds, objects, outcome
from ouranos.kit.conditions import Reason

_FIRST_MADE: Final = "created"
"""The field of the status that remembers when the database was first there."""
_ADMISSION: Final = timedelta(seconds=5)
"""How soon it is asked again whether a user gets in whom an operator has made."""


async def database(one: claim.Claim) -> outcome.Outcome:
    """The database exists, and is this claim's."""
    if one.is_ordered:
        one.refuse_rivals()
        return await one.ensure(mariadb_operator.database(one.order()))
    server = mariadb.connect(one.site())
    facts = await server.look(one.thing, one.login()[0])
    _refuse(one, facts)
    if not facts.database:
        if facts.database_mark != _mark(one, sql.MAKING):
            await server.mark(sql.DATABASE, one.thing, _mark(one, sql.MAKING))
        await server.create_database(one.thing)
        await one.tell("Created")
    if not facts.database or facts.database_mark != _mark(one, sql.MADE):
        await server.mark(sql.DATABASE, one.thing, _mark(one, sql.MADE))
    one.pass_.status.setdefault(_FIRST_MADE, conditions.timestamp(one.pass_.seams.clock.now()))
    if one.says(claim.RECREATE):
        gone = {"metadata": {"annotations": {claim.RECREATE: None}}}
        await one.pass_.patch(kinds.DATABASE, one.pass_.key.name, gone)
    return outcome.DONE


async def user(one: claim.Claim) -> outcome.Outcome:
    """The user exists, may do everything in the database, and gets in by the Secret."""
    if one.is_ordered:
        return await _ordered_user(one)
    server = mariadb.connect(one.site())
    username, password = one.login()
    facts = await server.look(one.thing, username)
    mark = _owner(facts.user_mark, there=facts.user)
    one.refuse_stranger(f"the user {username}", mark, one.house)
    if mark != one.house:
        await server.mark(sql.USER, username, sql.Mark(one.house, "", sql.MADE))
    if not facts.granted and facts.user:
        await server.grant(one.thing, username)
    if not facts.user or not await server.admits(one.thing, username, password):
        await server.set_user(username, password)
        await server.grant(one.thing, username)
    return outcome.DONE


async def _ordered_user(one: claim.Claim) -> outcome.Outcome:
    """Have the operator make the user, and try whether it gets in."""
    await one.label_secret()
    order = one.order()
    made = await one.ensure(mariadb_operator.user(order), shared=True)
    made |= await one.ensure(mariadb_operator.grant(order))
    if not made.done:
        return made
    username, password = one.login()
    server = mariadb.connect_as(one.site(), username, password)

    async def admitted() -> outcome.Outcome:
        if await server.admits(one.thing, username, password):
            return outcome.DONE
        who = f"the user {username} to the database {one.thing}"
        return outcome.wait(f"{one.server_name} to admit {who}", poll=_ADMISSION)

    content = objects.digest([one.pass_.object["spec"], one.login(), order.server]).hex()
    return await one.pass_.look("user", content, admitted, claim.AGAIN)


def _refuse(one: claim.Claim, facts: sql.Facts) -> None:
    """Let nothing be done to a database that is somebody else's, or that was there and is lost.

    Raises:
        errors.Terminal: it is so.
    """
    what = f"the database {one.thing}"
    mark = facts.database_mark
    one.refuse_stranger(what, _owner(mark, there=facts.database), one.owner)
    if mark is not None and one.site().external is not None and mark.uid != _uid(one):
        # Another claim of the same name made it, in a server that several clusters may use.
        whose = f"{mark.owner} of another cluster (uid {mark.uid})"
        one.refuse_stranger(what, whose, one.owner)
    if not facts.database and _was_there(one, mark) and not one.says(claim.RECREATE):
        raise errors.Terminal(
            Reason.UNRECOVERABLE,
            f"{what} existed in {one.server_name} and is gone; restore it from a backup, or "
            f"have it made again, empty, by the annotation {claim.RECREATE}={one.thing}",
        )


def _owner(mark: sql.Mark | None, *, there: bool) -> str | None:
    """Return whose a thing is; empty where it is there and does not say, None where it is not."""
    if mark is not None:
        return mark.owner
    return "" if there else None


def _was_there(one: claim.Claim, mark: sql.Mark | None) -> bool:
    if mark is None or mark.owner != one.owner:
        return _FIRST_MADE in one.pass_.status
    return mark.state == sql.MADE and mark.uid == _uid(one)


def _mark(one: claim.Claim, state: str) -> sql.Mark:
    return sql.Mark(one.owner, _uid(one), state)


def _uid(one: claim.Claim) -> str:
    return one.pass_.object["metadata"]["uid"]


async def _drop(one: claim.Claim) -> bool:
    server = mariadb.connect(one.site())
    mark = (await server.look(one.thing, "")).database_mark
    if mark is None or mark.owner != one.owner:
        return False
    await server.drop_database(one.thing)
    await server.unmark(sql.DATABASE, one.thing)
    return True


async def _drop_user(one: claim.Claim, username: str) -> None:
    server = mariadb.connect(one.site())
    mark = (await server.look(one.thing, username)).user_mark
    if mark is not None and mark.owner == one.house:
        await server.drop_user(username)
        await server.unmark(sql.USER, username)


SORT: Final = claim.Sort(
    kind=kinds.DATABASE,
    page=mariadb.PAGE,
    field="database",
    reference="mariadbRef",
    words="database",
    thing=database,
    user=user,
    drop=_drop,
    drop_user=_drop_user,
    parts=mariadb_operator.PARTS,
)
