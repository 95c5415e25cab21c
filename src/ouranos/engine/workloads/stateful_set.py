"""Which pods with names of their own are there, and with which volumes? Runs StatefulSets."""

from collections.abc import Iterator
from typing import Final

from ouranos.engine.workloads import (
    ordinals,
    outcomes,
    ownership,
    pods,
    revisions,
    templates,
)
from ouranos.kit import controller, errors, kinds, objects, outcome
from ouranos.kit.objects import Key, Object, Objects


async def reconcile(p: controller.Pass) -> outcome.Outcome:
    """Take the next step towards the wanted pods, in their order."""
    owned = await ownership.settle(p, kinds.POD)
    update, history = await revisions.current(p)
    held = {number: pod for pod in owned if (number := ordinals.ordinal(p.object, pod)) is not None}
    now = p.seams.clock.now()
    view = ordinals.View(p.object, held, update["metadata"]["name"], now)
    current = p.status.get("currentRevision") or update["metadata"]["name"]
    if not p.deleting:
        held = await _take(p, view, history)
    view = ordinals.View(p.object, held, view.update, now)
    p.status = ordinals.status(view, current)
    live = {ordinals.revision_of(pod) for pod in held.values()} | {current, view.update}
    await revisions.prune(p, history, live)
    min_ready = p.object["spec"].get("minReadySeconds") or 0
    finished = (pods.replaceable_in(pod, now) for pod in held.values() if pods.is_finished(pod))
    return outcomes.again(pods.soonest_available(held.values(), min_ready, now), *finished)


async def _take(p: controller.Pass, view: ordinals.View, history: Objects) -> dict[int, Object]:
    held = dict(view.pods)
    steps = ordinals.next_steps(view)
    for number in steps.create:
        await _claims(p, number)
        held[number] = await p.create(_pod(p, view, number, history), owned=False)
    names = {pod["metadata"]["name"]: number for number, pod in held.items()}
    for name in steps.delete:
        pod = held[names[name]]
        await p.delete(kinds.POD, name, uid=objects.uid_of(pod))
        left = p.cache.get(kinds.POD, name, p.key.namespace)
        if left is None:
            del held[names[name]]
        else:
            held[names[name]] = left
    return held


def _pod(p: controller.Pass, view: ordinals.View, number: int, history: Objects) -> Object:
    name = f"{p.key.name}-{number}"
    made_of = ordinals.revision_for(view, number)
    found = next((one for one in history if one["metadata"]["name"] == made_of), None)
    if found is None:
        made_of, template = view.update, p.object["spec"]["template"]
    else:
        template = revisions.template_of(found)
    labels = {
        revisions.LABEL: made_of,
        ordinals.POD_NAME: name,
        ordinals.INDEX: str(number),
    }
    pod = templates.pod(template, p.object, name, labels)
    spec: Object = pod["spec"]
    spec["hostname"] = name
    if p.object["spec"].get("serviceName"):
        spec["subdomain"] = p.object["spec"]["serviceName"]
    claimed = {_claim_of(one): f"{_claim_of(one)}-{name}" for one in _claim_templates(p.object)}
    described: Objects = objects.entries(spec, "volumes")
    others = [one for one in described if one["name"] not in claimed]
    own = [
        {"name": volume, "persistentVolumeClaim": {"claimName": claim}}
        for volume, claim in claimed.items()
    ]
    if others or own:
        spec["volumes"] = [*others, *own]
    return pod


def _claim_templates(owner: Object) -> Objects:
    return objects.entries(owner, "spec", "volumeClaimTemplates")


def _claim_of(template: Object) -> str:
    return template["metadata"]["name"]


async def _claims(p: controller.Pass, number: int) -> None:
    """Make the claims of an ordinal; they outlive the pod, the set, and any change of it."""
    for template in _claim_templates(p.object):
        name = f"{_claim_of(template)}-{p.key.name}-{number}"
        if p.cache.get(kinds.PERSISTENT_VOLUME_CLAIM, name, p.key.namespace) is not None:
            continue
        metadata = objects.mapping(template, "metadata")
        selected = objects.mapping(p.object, "spec", "selector", "matchLabels")
        claim: Object = {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": name,
                "labels": {**objects.mapping(metadata, "labels"), **selected},
                "annotations": objects.mapping(metadata, "annotations"),
            },
            "spec": template["spec"],
        }
        try:
            await p.create(claim, owned=False)
        except errors.AlreadyExists:
            # The cache did not know it yet; a claim is never made over.
            continue


def _orphans(obj: Object, held: controller.Cache) -> Iterator[Key]:
    return ownership.orphan_keys(kinds.STATEFUL_SET, obj, held)


CONTROLLER: Final = controller.Controller(
    "statefulset",
    kinds.STATEFUL_SET,
    reconcile,
    owns=(kinds.POD, kinds.CONTROLLER_REVISION),
    watches=(controller.Watch(kinds.POD, _orphans),),
    reads=(kinds.PERSISTENT_VOLUME_CLAIM,),
)
