"""Which objects are a workload's? It adopts orphans it selects and releases what it does not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ouranos.engine.workloads import selectors
from ouranos.kit import controller, errors, objects
from ouranos.kit.objects import Key, Kind, Object, Objects


@dataclass(frozen=True, slots=True)
class Claim:
    """What a workload owns, and what should change about that."""

    owned: Objects
    adopt: Objects
    release: Objects


def claim(owner: Object, candidates: Iterable[Object]) -> Claim:
    """Return which of the candidates are the owner's, by its selector and their references."""
    selector = owner["spec"].get("selector")
    result = Claim([], [], [])
    for one in candidates:
        uid = objects.controller_uid(one)
        chosen = selectors.selects(selector, objects.labels_of(one))
        if uid == objects.uid_of(owner):
            (result.owned if chosen or objects.is_deleting(one) else result.release).append(one)
        elif uid is None and chosen and not _is_going(owner, one):
            result.adopt.append(one)
    return result


async def settle(p: controller.Pass, kind: Kind) -> Objects:
    """Adopt and release objects of a kind in the cluster; return what the pass's object owns."""
    candidates = [*p.cache.owned(kind, p.object), *p.cache.orphans(kind, p.key.namespace)]
    found = claim(p.object, candidates)
    owned = list(found.owned)
    for one in found.adopt:
        references = objects.entries(one, "metadata", "ownerReferences")
        wanted = [*references, objects.owner_reference(p.object)]
        owned.append(await _set_references(p, kind, one, wanted))
    for one in found.release:
        if p.deleting:
            owned.append(one)
            continue
        references = objects.entries(one, "metadata", "ownerReferences")
        wanted = [ref for ref in references if ref["uid"] != objects.uid_of(p.object)]
        await _set_references(p, kind, one, wanted)
    return sorted(owned, key=objects.key_of)


def orphan_keys(own: Kind, obj: Object, held: controller.Cache) -> Iterator[Key]:
    """Yield the workloads of a kind that select an object which nobody controls."""
    if objects.controller_uid(obj) is not None:
        return
    for one in held.list(own, objects.namespace_of(obj)):
        if selectors.selects(one["spec"].get("selector"), objects.labels_of(obj)):
            yield objects.key_of(one)


async def _set_references(p: controller.Pass, kind: Kind, one: Object, wanted: Objects) -> Object:
    metadata = one["metadata"]
    patch = {
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
        "ownerReferences": wanted,
    }
    try:
        return await p.patch(kind, metadata["name"], {"metadata": patch})
    except errors.NotFound as error:
        raise errors.Transient(f"{kind.kind} {metadata['name']} is gone") from error


def _is_going(owner: Object, one: Object) -> bool:
    return objects.is_deleting(owner) or objects.is_deleting(one)
