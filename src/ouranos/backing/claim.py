"""How is a claim fulfilled, and let go? The life that claims on all servers share.

A thing in a server outlives the objects of Kubernetes, so it says itself whose it is. A thing
without our mark belongs to a stranger and is never touched. What is particular to one sort of
claim is in `databases.py` and `vhosts.py`.
"""

import dataclasses
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ouranos.backing import accounts, operated, operators
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
MADE_BY: Final = "madeBy"
"""The field of the status that remembers who makes things in a server that an operator runs."""
AGAIN: Final = timedelta(seconds=60)
"""How often a claim's thing is looked at: a server tells nobody when somebody removes something."""
_LASTING: Final = "kube-system"
"""The namespace that lives as long as its cluster, so that its uid tells clusters apart."""


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
        parts: what it becomes where an operator of the cluster makes things in the server.
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
    parts: operators.Parts


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, and the server that it is on.

    Attributes:
        cluster: what marks say of our cluster, in a server that several clusters may use.
    """

    pass_: controller.Pass
    sort: Sort
    means: page_.Means
    cluster: str = ""

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
        return f"ouranos:{self.namespace}/{self.pass_.key.name}{self.cluster}"

    @property
    def house(self) -> str:
        """The mark of what claims of one namespace share: their user."""
        return f"ouranos:{self.namespace}{self.cluster}"

    @property
    def server_name(self) -> str:
        """The server, as people read it: `MariaDB mariadb`."""
        return f"{self.sort.page.kind.kind} {self.reference}"

    async def identified(self) -> "Claim":
        """Return the claim with its cluster's identity, where others may use the server too.

        Raises:
            errors.Transient: the cluster does not tell.
        """
        host = self.host()
        if host is None or "external" not in host["spec"]:
            return self
        found = await self.pass_.cluster.get(kinds.NAMESPACE, _LASTING)
        if found is None:
            raise errors.Transient(f"Namespace {_LASTING} does not exist")
        return dataclasses.replace(self, cluster=f"@{objects.uid_of(found)}")

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
        if self.cluster and "@" in mark and not mark.endswith(self.cluster):
            whose += " (of another cluster)"
        raise errors.Terminal(
            Reason.UNRECOVERABLE,
            f"{what} in {self.server_name} {whose}; rename it, or take it as it is by the "
            f"annotation {ADOPT}={self.thing}",
        )

    @property
    def is_ordered(self) -> bool:
        """Whether an operator makes the thing; chosen once, at first, for things made by one."""
        host = self.host()
        if host is None or "operator" not in host["spec"]:
            return False
        parts = self.sort.parts
        made_by: str = self.pass_.status.get(MADE_BY, "")
        if made_by:
            return made_by == parts.software.name
        return not parts.or_by_hand or self.pass_.cache.serves(parts.thing)

    def order(self) -> operators.Order:
        """Return what the operator is asked for.

        Raises:
            errors.Transient: the Secret is not there, or lacks something.
        """
        host, operator = self.host(), self.sort.page.operator
        if host is None or operator is None:
            raise errors.Transient(f"{self.server_name} does not exist")
        return operators.Order(
            name=self.pass_.key.name,
            namespace=self.namespace,
            server=operator.reference(host),
            thing=self.thing,
            username=self.login()[0],
            secret=self.secret,
        )

    async def ensure(self, wanted: Object, *, shared: bool = False) -> outcome.Outcome:
        """Have the operator make something.

        Args:
            wanted: the operator's object.
            shared: whether claims of this namespace share it, so that none of them owns it.

        Raises:
            errors.Terminal: there is one of that name which is a stranger's.
        """
        software = self.sort.parts.software
        mark = self.house if shared else self.owner

        def refuse(title: str, theirs: Object) -> None:
            self.refuse_stranger(title, operators.owner_of(theirs), mark)

        if self.pass_.cache.serves(kinds.of(wanted)):
            self.pass_.status[MADE_BY] = software.name
        marked = operators.marked(wanted, mark)
        return await operated.ensure(self.pass_, software, marked, refuse, owned=not shared)

    def remember_hand(self) -> None:
        """Remember that things in an operator's server are ours to make, whatever comes later."""
        host = self.host()
        if host is not None and "operator" in host["spec"]:
            self.pass_.status.setdefault(MADE_BY, "ouranos")

    def refuse_rivals(self) -> None:
        """Let nobody else's object of the operator stand for what is claimed.

        Raises:
            errors.Terminal: one does.
        """
        order, parts = self.order(), self.sort.parts
        for theirs in self.pass_.cache.list(parts.thing, self.namespace):
            mark = operators.owner_of(theirs)
            rivals = parts.stands_for(theirs) == (order.server, order.thing)
            if rivals and objects.key_of(theirs).name != order.name:
                title = parts.software.title(parts.thing, objects.key_of(theirs).name)
                what = f"the {self.sort.words} {self.thing} ({title})"
                self.refuse_stranger(what, mark, self.owner)

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


async def _release(one: Claim) -> outcome.Outcome:
    """Let the claim go; its data and its user with it only where a person has said so."""
    going = await _cancel(one)
    if not going.done:
        return going
    if one.says(DELETE) and one.host() is None:
        text = f"The {one.sort.words} {one.thing} is kept: {one.server_name} went before"
        await one.pass_.event("Warning", f"{one.sort.kind.kind}Kept", text)
    elif one.says(DELETE):
        if one.is_ordered or await one.sort.drop(one):
            await one.tell("Deleted")
        if not one.is_ordered and not _is_user_needed(one):
            await one.sort.drop_user(one, one.login()[0])
    await one.pass_.remove_finalizer()
    return outcome.DONE


async def _cancel(one: Claim) -> outcome.Outcome:
    """Let the operator's objects go that the claim has, and the user's if nobody else needs it."""
    held, parts = one.pass_.cache, one.sort.parts
    going = [
        each
        for kind in (parts.grant, parts.thing)
        for each in held.list(kind, one.namespace)
        if operators.owner_of(each) == one.owner
    ]
    users = [] if _is_shared(one) else held.list(parts.user, one.namespace)
    for each in users:
        said: str = objects.mapping(each, "spec", parts.login).get("name", "")
        if operators.owner_of(each) == one.house and said == one.secret:
            going.append(each)
    drops = parts.drops if one.says(DELETE) else None
    return await operated.remove(one.pass_, parts.software, going, drops)


def _is_shared(one: Claim) -> bool:
    """Whether a claim that stays has the same user."""
    return any(
        each["spec"]["secretRef"]["name"] == one.secret and not objects.is_deleting(each)
        for each in one.pass_.cache.list(one.sort.kind, one.namespace)
    )


def _is_user_needed(one: Claim) -> bool:
    """Whether another claim has the same user, or it is unknown because its Secret is gone."""
    secret = one.pass_.cache.get(kinds.SECRET, one.secret, one.namespace)
    return _is_shared(one) or secret is None


def _looked(step: pipeline.Step[Claim]) -> pipeline.Step[Claim]:
    """Return a step that looks into the server beside the passes once it found all right.

    Where an operator looks into the server, its objects tell, and a watch reports them: all but
    those of strangers.
    """

    @functools.wraps(step)
    async def looked(one: Claim) -> outcome.Outcome:
        if one.is_ordered:
            try:
                return await step(one)
            except errors.Terminal as error:
                return outcome.fail(error) | outcome.Outcome(again_in=AGAIN)
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
        one = await Claim(pass_, sort, means).identified()
        if pass_.deleting:
            return await _release(one)
        await pass_.add_finalizer()
        result = await pipeline.run(pass_, one, stages, proofs=[*map(pipeline.name_of, inside)])
        if result.done:
            pass_.status |= sort.page.answers(one.site())
        return result

    def naming(field: str, named: Object, held: controller.Cache) -> list[Key]:
        """Return the claims that name an object in a field of their spec."""
        key = objects.key_of(named)
        claims = held.list(sort.kind, key.namespace)
        return [objects.key_of(one) for one in claims if one["spec"][field]["name"] == key.name]

    def of_user(theirs: Object, held: controller.Cache) -> list[Key]:
        """Return the claims whose user an object of the operator stands for."""
        secret = objects.mapping(theirs, "spec", sort.parts.login).get("name")
        claims = held.list(sort.kind, objects.namespace_of(theirs))
        return [objects.key_of(one) for one in claims if one["spec"]["secretRef"]["name"] == secret]

    servers = () if sort.page.operator is None else (sort.page.operator.kind,)
    return controller.Controller(
        name=sort.kind.plural,
        kind=sort.kind,
        reconcile=reconcile,
        owns=(sort.parts.thing, sort.parts.grant),
        watches=(
            controller.Watch(sort.page.kind, functools.partial(naming, sort.reference)),
            controller.Watch(kinds.SECRET, functools.partial(naming, "secretRef")),
            controller.Watch(sort.parts.user, of_user),
        ),
        reads=(kinds.SERVICE, *servers),
        optional=(*sort.parts.kinds, *servers),
    )
