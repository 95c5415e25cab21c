"""How does a machine leave a cloud? Only without guests; then its agents end, and it is forgotten.

Each part looks for itself: it does not matter who has died on the way, or who has deleted the
object meanwhile.
"""

from ouranos.compute import agents, ledger, machines
from ouranos.compute.scope import Scope
from ouranos.kit import conditions, kinds, objects, outcome, scheduling
from ouranos.kit.objects import Object


def belongs(scope: Scope) -> bool:
    """Whether the machine is to run the guests of this cloud."""
    found = machines.cloud_of(_node(scope), scope.pass_.cache.list(kinds.NOVA))
    return found is not None and objects.namespace_of(found) == scope.namespace


def leaves(scope: Scope) -> bool:
    """Whether the machine was the cloud's, and is to be its no more."""
    owner = scope.held(kinds.NOVA, "nova")
    if owner is None or objects.is_deleting(owner):
        return False
    # One that Nova does not own, a person wrote.
    is_ours = objects.controller_uid(scope.pass_.object) == objects.uid_of(owner)
    return is_ours and not belongs(scope)


def reason(scope: Scope) -> str:
    """Return why a machine is none of this cloud's any more."""
    name, node = scope.node_name, _staying(scope)
    if node is None:
        return f"Node {name} is gone"
    value = objects.labels_of(node).get(scheduling.HYPERVISOR)
    if value is None:
        return f"Node {name} has lost the label {scheduling.HYPERVISOR}"
    return f"Node {name} is labelled for another cloud, {value or 'an older one'}"


async def leave(scope: Scope, nova: ledger.Nova) -> outcome.Outcome:
    """Let the machine go; done when nothing of it is left but its object."""
    for part in (_empty, _release, _end, _forget):
        result = await part(scope, nova)
        if not result.done:
            return result
    return outcome.DONE


async def _empty(scope: Scope, nova: ledger.Nova) -> outcome.Outcome:
    """Nova places no guests there, and says when asked after that that none lives there."""
    pass_, name = scope.pass_, scope.node_name
    if await ledger.close(nova, name, scope.mark):
        told = f"Nova to place no more guests on {name}"
        return outcome.wait(told, poll=ledger.LOOK_AGAIN)
    count = await ledger.guests(nova, name)
    if not count:
        return outcome.DONE
    # Who has taken our label away, or made the Node anew without it, has ended the agents.
    await _give(scope, scope.namespace)
    lives = "guest lives" if count == 1 else "guests live"
    hint = "hint: move or delete them, or put the label back"
    told = f"{reason(scope)}, but {count} {lives} there; {hint}"
    await pass_.event("Warning", "GuestsLiveHere", told)
    return outcome.wait(told, poll=ledger.GUESTS_AGAIN)


async def _release(scope: Scope, _: ledger.Nova) -> outcome.Outcome:
    """The Node does not say any more that the machine is this cloud's, so that its agents end."""
    node = _node(scope)
    if node is not None and scheduling.is_hypervisor(node, scope.namespace):
        await scope.pass_.event("Normal", "MachineLeaves", f"{reason(scope)}, and no guest is left")
        goes_on = machines.cloud_of(node, scope.pass_.cache.list(kinds.NOVA)) is not None
        await _give(scope, scheduling.NOBODY if goes_on else None)
    return outcome.DONE


async def _end(scope: Scope, _: ledger.Nova) -> outcome.Outcome:
    """The machine's agents have ended, but for those of a gateway."""
    for agent in agents.OF_GUESTS if _is_gateway(scope) else agents.NAMES:
        if own := agents.pod_of(scope, agent):
            node = _node(scope)
            is_silent = node is not None and not conditions.is_true(node, "Ready")
            hint = f"; hint: delete Node {scope.node_name} if it is gone for good"
            return outcome.wait(f"pod {own['metadata']['name']} to end{hint if is_silent else ''}")
    return outcome.DONE


async def _forget(scope: Scope, nova: ledger.Nova) -> outcome.Outcome:
    """Neither Nova nor Placement knows the machine; nor OVN, unless it is a gateway."""
    known = objects.mapping(scope.pass_.object, "status", "facts").get("id", "")
    result = await ledger.forget(nova, scope.node_name, known)
    if result.done and not _is_gateway(scope):
        await ledger.disconnect(nova, scope.node_name)
    return result


async def _give(scope: Scope, cloud: str | None) -> None:
    """Write on the machine's Node whose it is, if there is one that stays."""
    if (node := _staying(scope)) is not None:
        await machines.give(scope.pass_, node, cloud)


def _is_gateway(scope: Scope) -> bool:
    """Whether the machine goes on with its network."""
    node = _staying(scope)
    return node is not None and scheduling.is_gateway(node, scope.namespace)


def _staying(scope: Scope) -> Object | None:
    """Return the machine's Node, unless it is gone or about to be."""
    node = _node(scope)
    return None if node is None or objects.is_deleting(node) else node


def _node(scope: Scope) -> Object | None:
    return scope.pass_.cache.get(kinds.NODE, scope.node_name)
