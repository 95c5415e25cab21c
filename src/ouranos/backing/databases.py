"""How is a claim on a database fulfilled? Looks into the server, and does what is missing.

The mark of a thing is written before the thing is made, and forgotten after it is gone, so that a
crash between any two steps leaves nothing, or something that the next pass knows for its own.
"""

from typing import Final

from ouranos.backing import claim, mariadb, page, sql
from ouranos.kit import conditions, controller, errors, kinds, outcome, pipeline
from ouranos.kit.conditions import Reason

_FIRST_MADE: Final = "created"
"""The field of the status that remembers when the database was first there."""


async def database(one: claim.Claim) -> outcome.Outcome:
    """The database exists, and is this claim's."""
    server = mariadb.connect(one.site())
    facts = await server.look(one.thing, one.user()[0])
    if _must_be_marked(one, facts):
        await server.mark(sql.DATABASE, one.thing, sql.Mark(one.owner, _uid(one), sql.MAKING))
    if not facts.database:
        await server.create_database(one.thing)
        message = f"Created database {one.thing} in MariaDB {one.reference}"
        await one.pass_.event("Normal", "DatabaseCreated", message)
    if not facts.database or facts.database_mark != _made(one):
        await server.mark(sql.DATABASE, one.thing, _made(one))
    one.pass_.status.setdefault(_FIRST_MADE, conditions.timestamp(one.pass_.seams.clock.now()))
    if one.says(claim.RECREATE):
        gone = {"metadata": {"annotations": {claim.RECREATE: None}}}
        await one.pass_.patch(kinds.DATABASE, one.pass_.key.name, gone)
    return outcome.DONE


async def user(one: claim.Claim) -> outcome.Outcome:
    """The user exists, may do everything in the database, and gets in by the Secret."""
    server = mariadb.connect(one.site())
    username, password = one.user()
    facts = await server.look(one.thing, username)
    mark = facts.user_mark
    if mark is None and facts.user and not one.says(claim.ADOPT):
        raise one.stranger(f"the user {username}", "")
    if mark is not None and mark.owner != one.house and not one.says(claim.ADOPT):
        raise one.stranger(f"the user {username}", mark.owner)
    if mark is None or mark.owner != one.house:
        await server.mark(sql.USER, username, sql.Mark(one.house, "", sql.MADE))
    if not facts.granted and facts.user:
        await server.grant(one.thing, username)
    if not facts.user or not await server.admits(one.thing, username, password):
        await server.set_user(username, password)
        await server.grant(one.thing, username)
    claim.tell_address(one)
    return outcome.Outcome(again_in=claim.AGAIN)


def _must_be_marked(one: claim.Claim, facts: sql.Facts) -> bool:
    """Whether a mark must be written before anything else is done.

    Raises:
        errors.Terminal: the database is somebody else's, or was there and is lost.
    """
    mark = facts.database_mark
    what = f"the database {one.thing}"
    adopts = one.says(claim.ADOPT)
    if mark is not None and mark.owner != one.owner and not adopts:
        raise one.stranger(what, mark.owner)
    if mark is None and facts.database and not adopts:
        raise one.stranger(what, "")
    if mark is not None and _is_another_cluster(one, mark) and not adopts:
        raise one.stranger(what, f"{mark.owner} of another cluster (uid {mark.uid})")
    if not facts.database and _was_there(one, mark) and not one.says(claim.RECREATE):
        raise errors.Terminal(
            Reason.UNRECOVERABLE,
            f"{what} existed in MariaDB {one.reference} and is gone; restore it from a backup, or "
            f"have it made again, empty, by the annotation {claim.RECREATE}={one.thing}",
        )
    return not facts.database and mark != sql.Mark(one.owner, _uid(one), sql.MAKING)


def _is_another_cluster(one: claim.Claim, mark: sql.Mark) -> bool:
    """Whether another claim of the same name made it, in a server that several clusters may use."""
    return one.site().external is not None and mark.uid != _uid(one)


def _was_there(one: claim.Claim, mark: sql.Mark | None) -> bool:
    if mark is None or mark.owner != one.owner:
        return _FIRST_MADE in one.pass_.status
    return mark.state == sql.MADE and mark.uid == _uid(one)


def _made(one: claim.Claim) -> sql.Mark:
    return sql.Mark(one.owner, _uid(one), sql.MADE)


def _uid(one: claim.Claim) -> str:
    return one.pass_.object["metadata"]["uid"]


_STAGES: Final = (
    pipeline.Stage[claim.Claim]((claim.server, claim.credentials)),
    pipeline.Stage[claim.Claim]((database,)),
    pipeline.Stage[claim.Claim]((user,)),
)


async def _release(one: claim.Claim) -> outcome.Outcome:
    """Let the claim go; its data with it only where a person has said so."""
    if one.says(claim.DELETE) and one.host() is not None:
        server = mariadb.connect(one.site())
        facts = await server.look(one.thing, "")
        mark = facts.database_mark
        if mark is not None and mark.owner == one.owner:
            await server.drop_database(one.thing)
            await server.unmark(sql.DATABASE, one.thing)
            message = f"Deleted database {one.thing} from MariaDB {one.reference}"
            await one.pass_.event("Normal", "DatabaseDeleted", message)
        await _release_user(one, server)
    await one.pass_.remove_finalizer()
    return outcome.DONE


async def _release_user(one: claim.Claim, server: sql.Server) -> None:
    if claim.is_secret_shared(one, kinds.DATABASE):
        return
    username, _ = one.user()
    mark = (await server.look(one.thing, username)).user_mark
    if mark is not None and mark.owner == one.house:
        await server.drop_user(username)
        await server.unmark(sql.USER, username)


def controller_of(means: page.Means) -> controller.Controller:
    """Return the controller of claims on databases."""

    async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
        spec = pass_.object["spec"]
        one = claim.Claim(pass_, mariadb.PAGE, means, spec["database"], spec["mariadbRef"]["name"])
        if pass_.deleting:
            return await _release(one)
        await pass_.add_finalizer()
        return await pipeline.run(pass_, one, _STAGES)

    return controller.Controller(
        name="databases",
        kind=kinds.DATABASE,
        reconcile=reconcile,
        watches=claim.watches(kinds.DATABASE, mariadb.PAGE, "mariadbRef"),
        reads=(kinds.SERVICE,),
    )
