"""Which templates has a StatefulSet or DaemonSet had? Revisions as kubectl rollout reads them."""

from collections.abc import Sequence
from typing import Final

from ouranos.engine.workloads import templates
from ouranos.kit import controller, kinds, objects
from ouranos.kit.objects import Object, Objects

LABEL: Final = "controller-revision-hash"


def data_of(workload: Object) -> Object:
    """Return the patch that `kubectl rollout undo` sends to come back to this template."""
    return {"spec": {"template": {**workload["spec"]["template"], "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    """Return the template that a revision kept."""
    template: Object = revision["data"]["spec"]["template"]
    return {name: value for name, value in template.items() if name != "$patch"}


def numbered(revisions: Sequence[Object]) -> int:
    """Return the number of the next revision."""
    return max((one["revision"] for one in revisions), default=0) + 1


def find(revisions: Sequence[Object], data: Object) -> Object | None:
    """Return the latest revision that kept this very template."""
    equal = [one for one in revisions if one["data"] == data]
    return max(equal, key=lambda one: one["revision"], default=None)


def outdated(revisions: Sequence[Object], live: set[str], limit: int | None) -> Objects:
    """Return the revisions beyond the history to keep; those of live pods do not count."""
    idle = [one for one in revisions if one["metadata"]["name"] not in live]
    idle.sort(key=lambda one: one["revision"])
    keep = 10 if limit is None else limit
    return idle[: max(len(idle) - keep, 0)]


async def current(p: controller.Pass) -> tuple[Object, Objects]:
    """Return the revision of the present template, made or made the newest, and all of them."""
    revisions = p.cache.owned(kinds.CONTROLLER_REVISION, p.object)
    data = data_of(p.object)
    found = find(revisions, data)
    if found is None:
        found = await p.create(_made(p.object, data, numbered(revisions)))
        return found, [*revisions, found]
    others = [one for one in revisions if one is not found]
    if found["revision"] < (number := numbered(others)):
        name = found["metadata"]["name"]
        found = await p.patch(kinds.CONTROLLER_REVISION, name, {"revision": number})
    return found, [*others, found]


async def prune(p: controller.Pass, revisions: Objects, live: set[str]) -> None:
    """Delete what is beyond the history limit."""
    limit = p.object["spec"].get("revisionHistoryLimit")
    for one in outdated(revisions, live, limit):
        name = one["metadata"]["name"]
        await p.delete(kinds.CONTROLLER_REVISION, name, uid=objects.uid_of(one))


def _made(workload: Object, data: Object, number: int) -> Object:
    hashed = templates.hash_of(data)
    labels = objects.mapping(workload, "spec", "template", "metadata", "labels")
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": templates.child_name(workload["metadata"]["name"], hashed),
            "namespace": objects.namespace_of(workload),
            "labels": {**labels, LABEL: hashed},
        },
        "data": data,
        "revision": number,
    }
