"""What is an operator of the cluster that runs servers for us? The types; pure.

An operator is somebody else's: it turns its own objects into servers, databases and users. What we
make of its objects carries our mark, because they may outlive the object of ours that asked.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from ouranos.backing import manifests
from ouranos.kit import conditions, kinds, objects
from ouranos.kit.objects import Kind, Object

OWNER: Final = "ouranos.cloud/owner"
"""An annotation of each object that we make for an operator: whose it is, as marks elsewhere."""
_NAME: Final = re.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Software:
    """An operator by its name, and where it is to be had."""

    name: str
    home: str

    def title(self, kind: Kind, name: str) -> str:
        """Return what people call one of its objects: `Database nova of mariadb-operator`."""
        return f"{kind.kind} {name} of {self.name}"

    def missing(self, kind: Kind) -> str:
        """Return what is awaited where the cluster does not have it."""
        return (
            f"CustomResourceDefinition {kind.qualified}: the cluster does not have {self.name}; "
            f"install it from {self.home}"
        )


@dataclass(frozen=True, slots=True)
class Account:
    """The Secret with the account by which a server is administered.

    Attributes:
        secret: its name; empty where the account needs no password.
        username: the account's name, where the Secret does not tell it.
    """

    secret: str
    username: str = ""
    username_key: str = "username"
    password_key: str = "password"  # noqa: S105 - the name of a key


@dataclass(frozen=True, slots=True)
class Operator:
    """How an operator runs one kind of server.

    Attributes:
        software: whose kind it is.
        kind: its kind of server.
        made: given what our object is called, and its spec, the operator's.
        proofs: the conditions that are all true where its server is as it should be; the first
            alone, where it serves.
        service: given its object and a port, the name of the Service and the port's number there.
        account: given its object, the account by which the server is administered.
        trouble: given its object, why our services cannot use such a server; empty: they can.
    """

    software: Software
    kind: Kind
    made: Callable[[manifests.Identity, Object], Object]
    proofs: tuple[str, ...]
    service: Callable[[Object, manifests.Port], tuple[str, int]]
    account: Callable[[Object], Account]
    trouble: Callable[[Object], str] = lambda _: ""

    def reference(self, ours: Object) -> str:
        """Return the name of the operator's object that stands behind an object of ours."""
        said: Object = ours["spec"].get("operator") or {}
        return objects.mapping(said, "objectRef").get("name") or objects.key_of(ours).name


@dataclass(frozen=True, slots=True)
class Order:
    """What a claim asks of an operator.

    Attributes:
        name: the claim's name.
        server: the name of the operator's object of the server.
        thing: the name, in the server, of what is claimed.
        username: the name of its user.
        secret: the Secret with the user's name and password.
    """

    name: str
    namespace: str
    server: str
    thing: str
    username: str
    secret: str

    def object(self, kind: Kind, name: str, spec: Object) -> Object:
        """Return an object of the operator's."""
        return {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {
                    "app.kubernetes.io/managed-by": "ouranos",
                    "app.kubernetes.io/part-of": self.namespace,
                },
            },
            "spec": spec,
        }

    @property
    def account(self) -> str:
        """Return the name of the object that stands for the user."""
        if _NAME.fullmatch(self.username):
            return self.username
        return objects.content_name("user", {"username": self.username})


@dataclass(frozen=True, slots=True)
class Parts:
    """The kinds of objects that one sort of claim becomes, and how they are let go.

    Attributes:
        software: whose kinds they are.
        thing: the kind of what is claimed.
        user: the kind of its user, whom several claims may share.
        grant: the kind by which the user may use it.
        login: where the spec of a user names the Secret.
        drops: given a kind, the fields by which what an object stands for goes with the object.
        labels: what a Secret needs, so that the operator sees it.
        stands_for: given an object of the first kind, the names of its server and its thing.
        or_by_hand: whether we make things ourselves where the cluster does not have the operator.
    """

    software: Software
    thing: Kind
    user: Kind
    grant: Kind
    login: str
    drops: dict[Kind, Object]
    labels: dict[str, str]
    stands_for: Callable[[Object], tuple[str, str]]
    or_by_hand: bool = False

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """All of them."""
        return self.thing, self.user, self.grant


def register(*theirs: Kind) -> None:
    """Make an operator's kinds known."""
    for one in theirs:
        kinds.register(one)


def marked(obj: Object, owner: str) -> Object:
    """Return the object with our mark."""
    metadata: Object = obj["metadata"]
    annotations = {**metadata.get("annotations", {}), OWNER: owner}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def owner_of(obj: Object) -> str:
    """Return the mark of an operator's object; empty where it has none."""
    return objects.annotations_of(obj).get(OWNER, "")


def awaited(obj: Object, proofs: Sequence[str]) -> str | None:
    """Return what an operator's object still lacks: a condition and what it says, or None."""
    status = objects.mapping(obj, "status")
    seen = status.get("observedGeneration")
    if seen is not None and seen < obj["metadata"].get("generation", 0):
        return "looked at by the operator since it was changed"
    for one in proofs:
        found = conditions.find(conditions.of(obj), one)
        if found is None:
            return one
        if found["status"] != conditions.TRUE:
            told = found.get("message") or found.get("reason") or ""
            return f"{one}: {told}" if told else one
    return None
