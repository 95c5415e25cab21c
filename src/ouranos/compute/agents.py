"""How does an agent come to run on a machine? The steps that all agents share.

A DaemonSet is one for all machines of a cloud; each machine's pass applies the same objects, and
waits for its own pod.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from ouranos.compute import compute, libvirt, metadata, network, pods, switch
from ouranos.compute import scope as scope_
from ouranos.compute.scope import Page, Scope
from ouranos.kit import conditions, kinds, objects, outcome, pod, summary
from ouranos.kit.objects import Object

_NEEDED_BY_COMPUTE: Final = (
    (kinds.KEYSTONE, "keystone", summary.AVAILABLE),
    (kinds.PLACEMENT, "placement", summary.AVAILABLE),
    (kinds.NOVA, "nova", "SchemaReady"),
)
OF_GUESTS: Final = (metadata.NAME, libvirt.NAME, compute.NAME)
"""Those that a machine has for its guests alone, and not as a gateway."""
NAMES: Final = (switch.NAME, network.NAME, *OF_GUESTS)


async def switching(scope: Scope) -> outcome.Outcome:
    """The switch runs on this machine."""
    return await _run(scope, switch.NAME, switch.agent)


async def networking(scope: Scope) -> outcome.Outcome:
    """The machine takes part in virtual networks."""
    return await _run(scope, network.NAME, network.agent)


async def metadata_service(scope: Scope) -> outcome.Outcome:
    """Guests of this machine can ask who they are."""
    return await _run(scope, metadata.NAME, metadata.agent)


async def virtualization(scope: Scope) -> outcome.Outcome:
    """The machine can run guests."""
    return await _run(scope, libvirt.NAME, libvirt.agent)


async def compute_service(scope: Scope) -> outcome.Outcome:
    """Nova's agent runs on this machine."""
    if scope.held(kinds.DAEMON_SET, compute.NAME) is None:
        # It would start, fail to report what the machine has, and try again only a minute later.
        for kind, name, condition in _NEEDED_BY_COMPUTE:
            found = scope.held(kind, name)
            if found is None or not conditions.is_true(found, condition):
                return outcome.wait(f"{kind.kind} {name} to be {condition}")
    return await _run(scope, compute.NAME, compute.agent)


STEPS: Final[tuple[Callable[[Scope], Awaitable[outcome.Outcome]], ...]] = (
    switching,
    networking,
    metadata_service,
    virtualization,
    compute_service,
)


async def _run(scope: Scope, name: str, page: Page) -> outcome.Outcome:
    try:
        agent = page(scope)
    except scope_.NotYet as missing:
        return outcome.wait(str(missing))
    config = pods.config_map(agent, scope.namespace)
    if config is not None:
        await scope.pass_.apply(_owned(config, scope.nova), owned=False)
    wanted = _owned(pods.daemon_set(agent, scope.namespace, scope.release), scope.nova)
    present = await scope.pass_.apply(wanted, owned=False)
    awaited = _awaited(scope, name, present)
    if awaited:
        return outcome.wait(awaited)
    await _remove_old(scope, name, config)
    return outcome.DONE


def _owned(obj: Object, owner: Object) -> Object:
    metadata: Object = {**obj["metadata"], "ownerReferences": [objects.owner_reference(owner)]}
    return {**obj, "metadata": metadata}


def is_agent(obj: Object) -> bool:
    """Whether a pod is one of a machine's agents."""
    labels = objects.labels_of(obj)
    return any(objects.matches(labels, pods.selector(name)) for name in NAMES)


def node_of(obj: Object) -> str:
    """Return the machine of a DaemonSet's pod, even while it finds no room there."""
    placed = obj["spec"].get("nodeName")
    if placed:
        return str(placed)
    affinity = objects.mapping(obj, "spec", "affinity", "nodeAffinity")
    required = objects.mapping(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    for term in objects.entries(required, "nodeSelectorTerms"):
        for one in term.get("matchFields") or ():
            if one["key"] == "metadata.name":
                return str(one["values"][0])
    return ""


def pod_of(scope: Scope, name: str) -> Object | None:
    """Return an agent's pod on this machine; the newest, while one replaces another."""
    found = [
        one
        for one in scope.pass_.cache.list(kinds.POD, scope.namespace, labels=pods.selector(name))
        if node_of(one) == scope.node_name
    ]
    return max(found, key=lambda one: one["metadata"].get("creationTimestamp", ""), default=None)


def _awaited(scope: Scope, name: str, daemon_set: Object) -> str:
    own = pod_of(scope, name)
    if own is None:
        return f"DaemonSet {name} to make a pod on {scope.node_name}"
    pod.refuse_to_guess(own)
    if not pod.is_ready(own):
        told = pod.trouble(own) or "it is not ready"
        return f"pod {own['metadata']['name']}: {told}"
    if not is_rolled_out(daemon_set):
        return f"DaemonSet {name} to be rolled out"
    return ""


def is_rolled_out(daemon_set: Object) -> bool:
    """Whether every machine has a pod of the present template."""
    status = objects.mapping(daemon_set, "status")
    return status.get("observedGeneration") == daemon_set["metadata"].get(
        "generation"
    ) and status.get("updatedNumberScheduled", 0) >= status.get("desiredNumberScheduled", 0)


async def _remove_old(scope: Scope, name: str, current: Object | None) -> None:
    labels = pods.labels(scope.namespace, name)
    for old in scope.pass_.cache.list(kinds.CONFIG_MAP, scope.namespace, labels=labels):
        if current is None or old["metadata"]["name"] != current["metadata"]["name"]:
            await scope.pass_.delete(kinds.CONFIG_MAP, old["metadata"]["name"])
