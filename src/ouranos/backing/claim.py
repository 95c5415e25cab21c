"""Whose is it? What claims on a server have in common: marks, annotations, first steps.

A thing in a server outlives the objects of Kubernetes, so it says itself whose it is. A thing
without our mark belongs to a stranger and is never touched.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ouranos.backing import accounts
from ouranos.backing import page as page_
from ouranos.kit import conditions, controller, errors, kinds, objects, outcome, summary
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
class Claim:
    """One claim, and the server that it is on."""

    pass_: controller.Pass
    page: page_.Page
    means: page_.Means
    thing: str
    """The name, in the server, of what is claimed."""
    reference: str
    """The name of the server's object."""

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
    def secret(self) -> str:
        """The Secret with the user's name and password, made by whoever claims."""
        return self.pass_.object["spec"]["secretRef"]["name"]

    def host(self) -> Object | None:
        """Return the object of the server, if there is one."""
        return self.pass_.cache.get(self.page.kind, self.reference, self.namespace)

    def site(self) -> page_.Site:
        """Return the server.

        Raises:
            errors.Transient: there is no such server.
        """
        host = self.host()
        if host is None:
            raise errors.Transient(f"{self.page.kind.kind} {self.reference} does not exist")
        return page_.Site(host, self.page, self.means, self.pass_.cache, self.pass_.seams)

    def user(self) -> tuple[str, str]:
        """Return name and password of the claim's user.

        Raises:
            errors.Transient: the Secret is not there, or lacks one of them.
        """
        return accounts.login(self.pass_.cache, self.namespace, self.secret)

    def says(self, annotation: str) -> bool:
        """Whether a person has written the annotation, with the thing's name."""
        return objects.annotations_of(self.pass_.object).get(annotation) == self.thing

    def stranger(self, what: str, mark: str) -> errors.Terminal:
        """Return the error of a thing that has the name, but is not ours."""
        whose = f"belongs to {mark}" if mark else "was not made by Ouranos"
        return errors.Terminal(
            Reason.UNRECOVERABLE,
            f"{what} in {self.page.kind.kind} {self.reference} {whose}; rename it, or take it as "
            f"it is by the annotation {ADOPT}={self.thing}",
        )


async def server(claim: Claim) -> outcome.Outcome:
    """The server exists and answers."""
    name = f"{claim.page.kind.kind} {claim.reference}"
    host = claim.host()
    if host is None:
        return outcome.wait(f"{name} to exist")
    if not conditions.is_true(host, summary.AVAILABLE):
        told = (conditions.find(conditions.of(host), summary.READY) or {}).get("message", "")
        return outcome.wait(
            f"{name} to be available: {told}" if told else f"{name} to be available"
        )
    return outcome.DONE


async def credentials(claim: Claim) -> outcome.Outcome:
    """Whoever claims has made the Secret with the user's name and password."""
    if claim.pass_.cache.get(kinds.SECRET, claim.secret, claim.namespace) is None:
        return outcome.wait(f"Secret {claim.secret} to exist")
    claim.user()
    return outcome.DONE


def is_secret_shared(claim: Claim, kind: Kind) -> bool:
    """Whether the user is needed by another claim, or unknown because its Secret is gone."""
    held = claim.pass_.cache
    if held.get(kinds.SECRET, claim.secret, claim.namespace) is None:
        return True
    return any(
        objects.key_of(other) != claim.pass_.key
        and other["spec"]["secretRef"]["name"] == claim.secret
        for other in held.list(kind, claim.namespace)
    )


def tell_address(claim: Claim) -> None:
    """Write into the status where the claimed thing is."""
    claim.pass_.status |= claim.page.answers(claim.site())


def watches(kind: Kind, page: page_.Page, field: str) -> tuple[controller.Watch, ...]:
    """Return whose events name claims: their server's, and those of Secrets.

    Args:
        kind: the kind of claim.
        page: the page of the server that they are on.
        field: where the claim's spec names the server.
    """

    def of_server(host: Object, held: controller.Cache) -> list[Key]:
        key = objects.key_of(host)
        return [
            objects.key_of(claim)
            for claim in held.list(kind, key.namespace)
            if claim["spec"][field]["name"] == key.name
        ]

    def of_secret(secret: Object, held: controller.Cache) -> list[Key]:
        key = objects.key_of(secret)
        return [
            objects.key_of(claim)
            for claim in held.list(kind, key.namespace)
            if claim["spec"]["secretRef"]["name"] == key.name
        ]

    return (controller.Watch(page.kind, of_server), controller.Watch(kinds.SECRET, of_secret))
