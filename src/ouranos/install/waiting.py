"""Do the controllers run, is what was removed gone? Waited for, each change said once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ouranos.install import order, trouble, work
from ouranos.kit import cluster, conditions, errors, kinds, objects, pod, seams
from ouranos.kit.objects import Object
from ouranos.look import trouble as looked

_LOOK_EVERY: Final = 0.5


async def available(
    source: cluster.Cluster, wanted: order.Order, given: seams.Seams, say: work.Say, seconds: float
) -> None:
    """Return when every replica of the controllers is available.

    Raises:
        trouble.LateError: they are not in time; the message says what stands in the way.
    """
    await until(lambda: _awaited(source, wanted), "available", given, say, seconds)


async def until(
    look: Callable[[], Awaitable[str]],
    wanted: str,
    given: seams.Seams,
    say: work.Say,
    seconds: float,
) -> None:
    """Return when nothing is awaited any more; what is awaited is said once.

    Args:
        look: returns what is awaited; empty where nothing is.
        wanted: how what is awaited will be then, for who learns that it is not.
        given: the clock.
        say: told what is awaited whenever that changes.
        seconds: how long to wait; the cluster may be away meanwhile.

    Raises:
        trouble.LateError: something is still awaited; the message says what.
    """
    began = given.clock.monotonic()
    told = ""
    while True:
        try:
            awaited = await look()
        except errors.Transient as error:
            awaited = f"the cluster: {error}"
        if not awaited:
            return
        if given.clock.monotonic() - began > seconds:
            raise trouble.LateError(f"not {wanted} after {seconds:.0f} s: {awaited}")
        if awaited != told:
            say(f"waiting for {awaited}")
            told = awaited
        await given.clock.sleep(_LOOK_EVERY)


async def _awaited(source: cluster.Cluster, wanted: order.Order) -> str:
    """The first thing that stands in the way; empty if there is none."""
    what = f"Deployment {order.NAME}"
    found = await source.get(kinds.DEPLOYMENT, order.NAME, wanted.namespace)
    if found is None:
        return f"{what}, which is gone"
    status = objects.mapping(found, "status")
    counts = [status.get(f"{name}Replicas") or 0 for name in ("updated", "available")]
    known = status.get("observedGeneration") == found["metadata"].get("generation")
    replicas: int = found["spec"]["replicas"]
    if known and min(counts) >= replicas and (status.get("replicas") or 0) == replicas:
        return ""
    for one in (await source.list(kinds.POD, wanted.namespace, labels=order.SELECTED)).items:
        if (why := _image_trouble(one) or pod.trouble(one)) and not objects.is_deleting(one):
            return f"{what}: {why}"
    failure = conditions.find(conditions.of(found), "ReplicaFailure")
    if failure is not None and failure["status"] == "True":
        return f"{what}: {failure.get('message')}"
    return f"{what}: {min(counts)} of {replicas} replicas are available"


def _image_trouble(one: Object) -> str:
    for status in objects.entries(one, "status", "containerStatuses"):
        state = objects.mapping(status, "state", "waiting")
        if state.get("reason") in looked.IMAGE:
            return (
                f"the node cannot pull {status.get('image')} ({state['reason']}: "
                f"{state.get('message') or 'no reason given'}); "
                "push it there (ouranos images push), load it on the nodes (ouranos images load), "
                "or name another registry by --images"
            )
    return ""
