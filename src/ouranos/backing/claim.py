"""How is a claim fulfilled, and let go? The life that claims on all servers share.

A thing in a server outlives the objects of Kubernetes, so it says itself whose it is. A thing
without our mark belongs to a stranger and is never touched. What is particular to one sort of
claim is in `databases.py` and `vhosts.py`.
"""

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ouranos.backing import accounts
from ouranos.backing import page as page_
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome, pipeline, summary
from ouranos.kit.conditions import Reason
from ouranos.kit.objects import Key, Kind, Object

ADOPT: Final = "ouranos.cloud/adopt"
"""Takes a thing that has another mark, or none; its value is the thing's name."""
RECREATE: Final = "ouranos.cloud/recreate-data"
"""Makes a lost database again, empty; its value is the database's name. Removed when done."""
DELETE: Final = "ouranos.cloud/delete-data"
"""Lets the data go with the claim; its value is the thing's name."""
AGAIN: Final = timedelta(seconds=60)
"""How often a claim's thing is looked at: a server tells nobody when somebody removes something."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Everything that is particular to one sort of claim.

    Attributes:
        kind: the kind of claim.
        page: the page of the server that it is on.
        field: where its spec names the thing.
        reference: where its spec names the server.
        words: what people call the thing.
        thing: the step by which the thing exists, and is this claim's.
        user: the step by which its user exists, and gets in by the Secret.
        drop: destroys the thing, if it is this claim's; returns whether it was.
        drop_user: removes the user, if it is of this namespace.
    """

    kind: Kind
    page: page_.Page
    field: str
    reference: str
    words: str
    thing: pipeline.Step["Claim"]
    user: pipeline.Step["Claim"]
    drop: Callable[["Claim"], Awaitable[bool]]
    drop_user: Callable[["Claim", str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, and the server that it is on."""

    pass_: controller.Pass
    sort: Sort
    means: page_.Means

    @property
    def thing(self) -> str:
        """The name, in the server, of what is claimed."""
        return self.pass_.object["spec"][self.sort.field]

    @property
    def reference(self) -> str:
        """The name of the server's object."""
        return self.pass_.object["spec"][self.sort.reference]["name"]

    @property
    def secret(self) -> str:
        """The Secret with the user's name and password, made by whoever claims."""
        return self.pass_.object["spec"]["secretRef"]["name"]

    @property
    def namespace(self) -> str:
        """Where claim, server and Secret are."""
        return self.pass_.key.namespace

    @property
    def owner(self) -> str:
        """The mark of what only this claim holds."""
        return f"ouranos:{self.namespace}/{self.pass_.key.name}"

    @property
    def house(self) -> str:
        """The mark of what claims of one namespace share: their user."""
        return f"ouranos:{self.namespace}"

    @property
    def server_name(self) -> str:
        """The server, as people read it: `MariaDB mariadb`."""
        return f"{self.sort.page.kind.kind} {self.reference}"

    def host(self) -> Object | None:
        """Return the object of the server, if there is one."""
        return self.pass_.cache.get(self.sort.page.kind, self.reference, self.namespace)

    def site(self) -> page_.Site:
        """Return the server.

        Raises:
            errors.Transient: there is no such server.
        """
        host = self.host()
        if host is None:
            raise errors.Transient(f"{self.server_name} does not exist")
        return page_.Site(host, self.sort.page, self.means, self.pass_.cache, self.pass_.seams)

    def login(self) -> tuple[str, str]:
        """Return name and password of the claim's user.

        Raises:
            errors.Transient: the Secret is not there, or lacks one of them.
        """
        return accounts.login(self.pass_.cache, self.namespace, self.secret)

    def says(self, annotation: str) -> bool:
        """Whether a person has written the annotation, with the thing's name."""
        return objects.annotations_of(self.pass_.object).get(annotation) == self.thing

    def refuse_stranger(self, what: str, mark: str | None, ours: str) -> None:
        """Let nobody else's thing be touched, unless a person says so.

        Args:
            what: the thing, as people read it.
            mark: whose it is; empty where it does not say, None where it is not there.
            ours: the mark that it would have from us.

        Raises:
            errors.Terminal: it has the name, but is not ours.
        """
        if mark is None or mark == ours or self.says(ADOPT):
            return
        whose = f"belongs to {mark}" if mark else "was not made by Ouranos"
        raise errors.Terminal(
            Reason.UNRECOVERABLE,
            f"{what} in {self.server_name} {whose}; rename it, or take it as it is by the "
            f"annotation {ADOPT}={self.thing}",
        )

    async def tell(self, verb: str) -> None:
        """Record that the thing was made or destroyed."""
        text = f"{verb} {self.sort.words} {self.thing} in {self.server_name}"
        await self.pass_.event("Normal", f"{self.sort.kind.kind}{verb}", text)


async def server(one: Claim) -> outcome.Outcome:
    """The server exists and answers."""
    host = one.host()
    if host is None:
        return outcome.wait(f"{one.server_name} to exist")
    if conditions.is_true(host, summary.AVAILABLE):
        return outcome.DONE
    told = (conditions.find(conditions.of(host), summary.READY) or {}).get("message", "")
    awaited = f"{one.server_name} to be available"
    return outcome.wait(f"{awaited}: {told}" if told else awaited)


async def credentials(one: Claim) -> outcome.Outcome:
    """Whoever claims has made the Secret with the user's name and password."""
    if one.pass_.cache.get(kinds.SECRET, one.secret, one.namespace) is None:
        return outcome.wait(f"Secret {one.secret} to exist")
    one.login()
    return outcome.DONE


async def _release(one: Claim) -> None:
    """Let the claim go; its data and its user with it only where a person has said so."""
    if one.says(DELETE) and one.host() is not None:
        if await one.sort.drop(one):
            await one.tell("Deleted")
        if not _is_user_needed(one):
            await one.sort.drop_user(one, one.login()[0])
    await one.pass_.remove_finalizer()


def _is_user_needed(one: Claim) -> bool:
    """Whether another claim has the same user, or it is unknown because its Secret is gone."""
    held = one.pass_.cache
    claims = held.list(one.sort.kind, one.namespace)
    sharing = [each for each in claims if each["spec"]["secretRef"]["name"] == one.secret]
    return len(sharing) > 1 or held.get(kinds.SECRET, one.secret, one.namespace) is None


def _looked(step: pipeline.Step[Claim]) -> pipeline.Step[Claim]:
    """Return a step that looks into the server beside the passes once it found all right."""

    @functools.wraps(step)
    async def looked(one: Claim) -> outcome.Outcome:
        claim, host = one.pass_.object, one.host() or {"spec": None}
        # What a person says to us on a claim has its thing be looked at now.
        annotations = objects.annotations_of(claim).items()
        said = {name: text for name, text in annotations if name.startswith(f"{kinds.GROUP}/")}
        content = objects.digest([claim["spec"], said, one.login(), host["spec"]]).hex()
        look = functools.partial(step, one)
        return await one.pass_.look(pipeline.name_of(step), content, look, AGAIN)

    return looked


def controller_of(sort: Sort, means: page_.Means) -> controller.Controller:
    """Return the controller of one sort of claim."""
    inside = (_looked(sort.thing), _looked(sort.user))
    stages = (
        pipeline.Stage[Claim]((server, credentials)),
        *(pipeline.Stage[Claim]((step,)) for step in inside),
    )

    async def reconcile(pass_: controller.Pass) -> outcome.Outcome:
        one = Claim(pass_, sort, means)
        if pass_.deleting:
            await _release(one)
            return outcome.DONE
        await pass_.add_finalizer()
        result = await pipeline.run(pass_, one, stages, proofs=[*map(pipeline.name_of, inside)])
        if not result.done:
            return result
        pass_.status |= sort.page.answers(one.site())
        return outcome.Outcome(again_in=AGAIN)

    def naming(field: str, named: Object, held: controller.Cache) -> list[Key]:
        """Return the claims that name an object in a field of their spec."""
        key = objects.key_of(named)
        claims = held.list(sort.kind, key.namespace)
        return [objects.key_of(one) for one in claims if one["spec"][field]["name"] == key.name]

    return controller.Controller(
        name=sort.kind.plural,
        kind=sort.kind,
        reconcile=reconcile,
        watches=(
            controller.Watch(sort.page.kind, functools.partial(naming, sort.reference)),
            controller.Watch(kinds.SECRET, functools.partial(naming, "secretRef")),
        ),
        reads=(kinds.SERVICE,),
    )
