"""How is a server kept running by an operator of the cluster, and let go?

What holds data goes only where a person says so: the operator's object outlives ours, and an object
of ours that comes again finds it by its mark.
"""

from typing import Final

from ouranos.backing import operated, operators, page
from ouranos.kit import conditions, controller, errors, objects, outcome
from ouranos.kit.objects import Object

DELETE: Final = "ouranos.cloud/delete-data"
"""On our object, with its name: lets the operator's object go too, and what that takes along.

RabbitMQ's operator deletes the volumes of a server that goes, mariadb-operator keeps them.
"""


async def instance(pass_: controller.Pass, site: page.Site) -> outcome.Outcome:
    """Make the operator's object of a server, or find the one that a person names.

    Raises:
        errors.Terminal: one of that name was not made by us, or it cannot be used.
    """
    operator = _operator(site)
    name = operator.reference(site.object)
    title = operator.software.title(operator.kind, name)
    spec: Object = site.object["spec"]
    if "objectRef" not in spec["operator"]:
        wanted = operators.marked(operator.made(site.identity, spec), _mark(site))
        return await operated.ensure(
            pass_, operator.software, wanted, _refuse, owned=False, proofs=operator.proofs
        )
    if not pass_.cache.serves(operator.kind):
        return outcome.wait(operator.software.missing(operator.kind))
    present = pass_.cache.get(operator.kind, name, pass_.key.namespace)
    if present is None:
        return outcome.wait(f"{title} to exist")
    if trouble := operator.trouble(present):
        raise errors.Terminal(conditions.Reason.UNRECOVERABLE, f"{title} {trouble}")
    return operated.state(title, present, operator.proofs)


def serves(site: page.Site) -> bool:
    """Whether the server can be used, although something about it is not as it should be."""
    operator = _operator(site)
    found = site.held.get(operator.kind, operator.reference(site.object), site.identity.namespace)
    return found is not None and operators.awaited(found, operator.proofs[:1]) is None


async def let_go(pass_: controller.Pass, site: page.Site) -> outcome.Outcome:
    """Let our object go; the operator's stays with its data, unless a person says otherwise."""
    operator = _operator(site)
    name = pass_.key.name
    found = pass_.cache.get(operator.kind, name, pass_.key.namespace)
    if found is not None and operators.owner_of(found) == _mark(site):
        if objects.annotations_of(pass_.object).get(DELETE) == name:
            going = await operated.remove(pass_, operator.software, [found], {operator.kind: {}})
            if not going.done:
                return going
        else:
            title = operator.software.title(operator.kind, name)
            await pass_.event("Normal", "ServerKept", f"{title} is kept, because it holds data")
    await pass_.remove_finalizer()
    return outcome.DONE


def _operator(site: page.Site) -> operators.Operator:
    if site.operator is None:
        raise LookupError(f"{site.identity.name} is run by no operator")
    return site.operator


def _mark(site: page.Site) -> str:
    return f"ouranos:{site.identity.namespace}/{site.identity.name}"


def _refuse(title: str, theirs: Object) -> None:
    name = objects.key_of(theirs).name
    raise errors.Terminal(
        conditions.Reason.UNRECOVERABLE,
        f"{title} was not made by Ouranos; rename it, or have it used as it is by "
        f"operator: {{objectRef: {{name: {name}}}}}",
    )
