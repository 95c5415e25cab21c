"""How is a claim on a database fulfilled? Looks into the server, and does what is missing.

The mark of a thing is written before the thing is made, and forgotten after it is gone, so that a
crash between any two steps leaves nothing, or something that the next pass knows for its own.
"""

from typing import Final

from ouranos.backing import claim, mariadb, mariadb_operator, sql, users
from ouranos.kit import conditions, errors, kinds, outcome
from ouranos.kit.conditions import Reason

_MADE: Final = "created"
"""The field of the status that remembers when the database was made: who fills it goes by that."""


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
    now = conditions.timestamp(one.pass_.seams.clock.now())
    if not facts.database or facts.database_mark != _mark(one, sql.MADE):
        await server.mark(sql.DATABASE, one.thing, _mark(one, sql.MADE))
        one.pass_.status[_MADE] = now
    one.pass_.status.setdefault(_MADE, now)
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
        await server.mark(sql.USER, username, sql.Mark(one.house, sql.MADE))
    if not facts.granted and facts.user:
        await server.grant(one.thing, username)
    if not facts.user or not await server.admits(one.thing, username, password):
        users.refuse_second_secret(one)
        await server.set_user(username, password)
        await server.grant(one.thing, username)
        if not await server.admits(one.thing, username, password):
            raise errors.Terminal(
                Reason.UNRECOVERABLE,
                f"{one.server_name} does not let the user {username} into the database "
                f"{one.thing}, though its password was set; hint: drop the account that goes "
                f"before {username}@%, be it {username} at one host or one without a name",
            )
    return outcome.DONE


async def _ordered_user(one: claim.Claim) -> outcome.Outcome:
    """Have the operator make the user, and try whether it gets in."""
    order, login = one.order(), one.login()

    async def gets_in() -> bool:
        return await mariadb.connect_as(one.site(), *login).admits(one.thing, *login)

    user_, grant = mariadb_operator.user(order), mariadb_operator.grant(order)
    return await users.ordered(one, user_, grant, gets_in)


def _refuse(one: claim.Claim, facts: sql.Facts) -> None:
    """Let nothing be done to a database that is somebody else's, or that was there and is lost.

    Raises:
        errors.Terminal: it is so.
    """
    what = f"the database {one.thing}"
    mark = facts.database_mark
    one.refuse_stranger(what, _owner(mark, there=facts.database), one.owner)
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
        return _MADE in one.pass_.status
    return mark.state == sql.MADE


def _mark(one: claim.Claim, state: str) -> sql.Mark:
    return sql.Mark(one.owner, state)


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
